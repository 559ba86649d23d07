"""What every language can say."""

from collections.abc import Callable, Sequence
from datetime import date, time
from decimal import Decimal
from typing import NamedTuple, Protocol

from softswitch.kernel.errors import Invalid

LARGEST = 999_999_999_999
"""The largest number that is said as a number."""


class Clip(NamedTuple):
    """A recorded word."""

    name: str
    """Below the language's folder: `number/21`."""


class Rest(NamedTuple):
    """Silence between words."""

    milliseconds: int


Said = tuple[Clip | Rest, ...]


class Unspeakable(Invalid):
    """A value that no clips are there for: too large, or a currency that is not known."""


class Grammar(Protocol):
    """How one language says values. Each method raises Unspeakable for what it cannot say."""

    def number(self, value: int | Decimal) -> Said:
        """A number as such: 120, -3, 2.50 (every digit behind the point that is there is said)."""
        ...

    def count(self, things: int) -> Said:
        """How many there are of something that is named next: 两 where the number is 二."""
        ...

    def digits(self, text: str) -> Said:
        """A telephone or account number, digit by digit in groups; `*` and `#` are said, and blanks, dots and hyphens
        are where it rests."""
        ...

    def ordinal(self, value: int) -> Said:
        """A place in a row, 1 to 99: third."""
        ...

    def date(self, day: date) -> Said:
        """A day with its weekday and year."""
        ...

    def time(self, at: time) -> Said:
        """A time of day, to the minute."""
        ...

    def duration(self, seconds: int) -> Said:
        """A span, to the minute from one minute on."""
        ...

    def money(self, amount: Decimal, currency: str) -> Said:
        """An amount in a currency of ISO 4217."""
        ...

    def clips(self) -> Sequence[str]:
        """The names of all clips that it may use."""
        ...


def clips(*names: str) -> Said:
    """Clips without rests."""
    return tuple(map(Clip, names))


def signed(value: int | Decimal, whole: Callable[[int], Said]) -> Said:
    """A number by how a language says whole ones: its sign before, and the digits behind its point one by one. Raises
    Unspeakable."""
    number = Decimal(value)
    if not number.is_finite():
        raise Unspeakable("number", f"{value} is no number that can be said")
    units, _, places = format(abs(number), "f").partition(".")
    if int(units) > LARGEST:
        raise Unspeakable("number", f"{value} is beyond {LARGEST}")
    said = (clips("word/minus") if number < 0 else ()) + whole(int(units))
    return said + (clips("word/point", *(f"number/{digit}" for digit in places)) if places else ())


def span(seconds: int, counted: Callable[[int, str], Said]) -> Said:
    """A span by how a language counts a `second`, `minute` and `hour`. Raises Unspeakable."""
    if seconds < 0:
        raise Unspeakable("duration", f"{seconds} seconds cannot be said")
    if seconds < 60:
        return counted(seconds, "second")
    hours, minutes = divmod(round(seconds / 60), 60)
    said = counted(hours, "hour") if hours else ()
    return said + (counted(minutes, "minute") if minutes or not hours else ())


def minor_units(amount: Decimal, places: int, currency: str) -> tuple[int, int]:
    """An amount in whole units and hundredths (or what the currency has). Raises Unspeakable for parts of the smallest
    unit, and for what is negative: who owes whom is for the sentence around it to say."""
    scaled = amount.scaleb(places)
    if not amount.is_finite() or amount < 0 or scaled != scaled.to_integral_value():
        raise Unspeakable("amount", f"{amount} {currency} cannot be said")
    whole, part = divmod(int(scaled), 10**places)
    if whole > LARGEST:
        raise Unspeakable("amount", f"{amount} {currency} is beyond {LARGEST}")
    return whole, part


def grouped(text: str, names: dict[str, str]) -> Said:
    """Digits by their clips, with rests where the text has blanks, dots or hyphens, and else after every four of a long
    run. Raises Unspeakable."""
    said: list[Clip | Rest] = []
    groups = "".join(" " if c in " .-/()" else c for c in text.removeprefix("+")).split()
    if not groups or len(text) > 64:
        raise Unspeakable("digits", f"{text!r} is no number to be said digit by digit")
    if text.startswith("+"):
        said.append(Clip("word/plus"))
    if len(groups) == 1 and len(groups[0]) > 5:
        digits = groups[0]
        groups = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)][::-1]
    for index, group in enumerate(groups):
        if index:
            said.append(Rest(250))
        for character in group:
            if character not in names:
                raise Unspeakable("digits", f"{character!r} in {text!r} is no digit")
            said.append(Clip(names[character]))
    return tuple(said)
