"""What callers hear, as it is written: prompts, values, texts. Pure."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

Expr = str | int | float | bool
"""An expression; see `expression`."""
Text = Annotated[str, Meta(max_length=2000)]
Texts = Text | dict[Language, Text]
"""One text, or one for each language; expressions stand in braces."""


class Saying(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is heard that is no prompt: exactly one of these."""

    text: Annotated[Texts | None, Meta(description="spoken by the voice of the language")] = None
    number: Annotated[Expr | None, Meta(description="said as a number: twenty-one")] = None
    digits: Annotated[Expr | None, Meta(description="said digit by digit: two one")] = None
    ordinal: Annotated[Expr | None, Meta(description="said as a place in a row: third")] = None
    duration: Annotated[Expr | None, Meta(description="seconds, said as a span of time")] = None
    money: Annotated[Expr | None, Meta(description="said as an amount of `currency`")] = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="of `money`, as ISO 4217 writes it")] = "CNY"
    date: Annotated[Expr | None, Meta(description="a text such as 2026-11-26, said as a day")] = None
    time: Annotated[Expr | None, Meta(description="a text such as 14:05, said as a time of day")] = None
    silence: Annotated[Annotated[int, Meta(ge=1, le=60_000)] | None, Meta(description="milliseconds of nothing")] = None
    tone: Annotated[Annotated[float, Meta(ge=20, le=4000)] | None, Meta(description="a tone in Hz for 400 ms")] = None

    def kinds(self) -> list[str]:
        """Which of them are there."""
        return [name for name in SAYINGS if getattr(self, name) is not None]


SAYINGS = ("text", "number", "digits", "ordinal", "duration", "money", "date", "time", "silence", "tone")
EXPRESSIONS: dict[str, str] = {
    "number": "number",
    "digits": "text",
    "ordinal": "number",
    "duration": "number",
    "money": "number",
    "date": "text",
    "time": "text",
}
"""The kind of value that each needs."""

PROMPT_NAME = "^[A-Za-z0-9][A-Za-z0-9_./-]{0,199}$"
"""Looked at when a flow is read, and not part of the type: a pattern beside a list in a union makes msgspec 0.22 free
what it does not own, and the process dies of it, most often at its end."""
Heard = str | Saying
Hear = Heard | tuple[Heard, ...]
"""A prompt by its name, a saying, or a list of these."""


def heard(hear: Hear) -> Sequence[str | Saying]:
    """What is heard, as a list."""
    return hear if isinstance(hear, tuple) else (hear,)
