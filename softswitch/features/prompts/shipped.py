"""The prompts that ship with the switch."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from softswitch.features.prompts.model import WORDLESS, Prompt
from softswitch.features.prompts.needs import Reader
from softswitch.kernel.spoken import LANGUAGES

_KINDS = (".wav", ".opus")


class Shipped:
    """A folder with one for each language, and in that the prompts and `texts.toml`, which holds what they say; what is
    elsewhere in the folder has no words."""

    def __init__(self, folder: Path, read: Reader) -> None:
        self._folder = folder
        self._read = read
        self._prompts: dict[tuple[str, str], Prompt] = {}

    def load(self) -> Mapping[tuple[str, str], Prompt]:
        """All there are, by language and name; how long they are is not looked at yet."""
        texts = {language: _texts(self._folder / language / "texts.toml") for language in LANGUAGES}
        for path in sorted(self._folder.rglob("*")):
            if path.suffix not in _KINDS:
                continue
            file = path.relative_to(self._folder)
            name, language = file.with_suffix("").as_posix(), WORDLESS
            if file.parts[0] in LANGUAGES:
                language, _, name = name.partition("/")
            self._prompts[language, name] = Prompt(
                language=language,
                name=name,
                text=texts.get(language, {}).get(name, ""),
                milliseconds=0,
                origin="shipped",
                file=file.as_posix(),
                size=path.stat().st_size,
            )
        return self._prompts

    def measured(self, prompt: Prompt) -> Prompt:
        """The same with its length, which is found by reading it, once."""
        known = self._prompts[prompt.language, prompt.name]
        if not known.milliseconds:
            sound = self._read(self.path(prompt).read_bytes(), "")
            known = replace(known, milliseconds=sound.milliseconds)
            self._prompts[prompt.language, prompt.name] = known
        return known

    def path(self, prompt: Prompt) -> Path:
        return self._folder / prompt.file


def _texts(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        return {}
    sections = tomllib.loads(path.read_text(encoding="utf-8"))
    return {f"{section}/{name}": text for section, some in sections.items() for name, text in some.items()}
