"""What a prompt is, and how it may be called. Pure."""

import re
from typing import Literal

from msgspec import Struct

from softswitch.kernel.errors import Invalid
from softswitch.kernel.spoken import LANGUAGES

Origin = Literal["shipped", "uploaded", "synthesised", "recorded"]

WORDLESS = "none"
"""The language of sounds without words, such as music."""
MOST_LETTERS = 2000
"""Of the text of one prompt."""
LONGEST_NAME = 128
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*")
SOUND = "sound"
"""How no name ends: `/prompts/LANGUAGE/NAME/sound` is the sound of one."""


class Prompt(Struct, frozen=True, gc=False, kw_only=True):
    """A prompt in a language."""

    language: str
    """`none`: it has no words."""
    name: str
    """Without the language: `main/welcome`."""
    text: str
    """What it says; empty: nobody has written it down."""
    milliseconds: int
    origin: Origin
    voice: str = ""
    """Which voice has spoken it, if one did."""
    by: str = ""
    """Who made it."""
    made_at: int = 0
    """Wall milliseconds; 0 for what ships."""
    file: str
    """Of one that ships: below the folder of those; else below the data folder."""
    size: int = 0
    """Bytes of the file."""


def sound_name(language: str, name: str) -> str:
    """How the media engine's gateway knows it: `en/main/welcome`, `music/hold`."""
    return name if language == WORDLESS else f"{language}/{name}"


def check_name(language: str, name: str) -> None:
    """Raises Invalid naming the field that cannot be."""
    if language not in LANGUAGES and language != WORDLESS:
        raise Invalid("language", f"{language!r} is none of {', '.join(LANGUAGES)} and {WORDLESS}")
    if len(name) > LONGEST_NAME or _NAME.fullmatch(name) is None:
        raise Invalid(
            "name",
            f"{name[:LONGEST_NAME]!r} is no name of a prompt: small letters, digits, - and _, in parts, main/welcome",
        )
    if name.rpartition("/")[2] == SOUND:
        raise Invalid("name", f"the last part of a name cannot be {SOUND!r}")
    if language == WORDLESS and name.partition("/")[0] in LANGUAGES:
        raise Invalid("name", f"a sound without words cannot begin with the name of a language, as {name!r} does")


def check_text(text: str) -> None:
    """Raises Invalid for a text that is too long or no text."""
    if len(text) > MOST_LETTERS:
        raise Invalid("text", f"{len(text)} letters are too many: {MOST_LETTERS} at the most")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise Invalid("text", "there are control characters in it")


def file_of(language: str, name: str, digest: str, suffix: str) -> str:
    """Where a prompt of one's own is kept, below the data folder. Another sound has another file, so that whatever
    plays or keeps the one never meets the other."""
    return f"prompts/{language}/{name}.{digest[:16]}{suffix}"
