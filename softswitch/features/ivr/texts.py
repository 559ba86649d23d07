"""What shipped prompts say: the texts beside the sounds."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

SHIPPED = Path(__file__).parents[2] / "prompts"
"""The folder of prompts that come with the switch."""
CHARACTERS_A_SECOND = {"en": 14.0, "zh": 4.5}
"""How fast a text is spoken, where it has no sound to be measured."""


def read_texts(folder: Path) -> dict[str, str]:
    """By prompt, `en/main/welcome`: what stands in the `texts.toml` of each language."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*/texts.toml")):
        sections = tomllib.loads(file.read_text(encoding="utf-8"))
        language = file.parent.name
        found |= {
            f"{language}/{section}/{name}": text for section, some in sections.items() for name, text in some.items()
        }
    return found


def names(folder: Path) -> Iterable[str]:
    """Every prompt below a folder of sounds, by its name with the language, if it has one."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".wav", ".opus"):
            yield file.relative_to(folder).with_suffix("").as_posix()


def seconds(text: str, language: str) -> float:
    """About how long a text is spoken."""
    return max(0.5, len(text) / CHARACTERS_A_SECOND.get(language, 14.0))


class ShippedPrompts:
    """The prompts of a folder: which there are, and what they say."""

    def __init__(self, folder: Path, more: Mapping[str, str] = {}) -> None:
        """`more`: texts of prompts beside those in the folder."""
        self.texts = read_texts(folder) | dict(more)
        self._names = set(names(folder)) | set(more)

    def has(self, language: str, name: str) -> bool:
        """Whether a prompt is there in a language, or needs none."""
        return f"{language}/{name}" in self._names or name in self._names

    def in_language(self, language: str, name: str) -> str:
        """As the media gateway has it: the language, else English, else none."""
        return next((each for each in (f"{language}/{name}", f"en/{name}") if each in self._names), name)

    def text(self, name: str) -> str | None:
        return self.texts.get(name)

    def seconds(self, name: str) -> float:
        """About how long a prompt is."""
        text = self.texts.get(name)
        return 2.0 if text is None else seconds(text, name.partition("/")[0])
