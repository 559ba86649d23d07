"""Numbers as a trunk writes them, and as the rest of the switch does (ITU-T E.164, E.123)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct, field

from softswitch.kernel.errors import Invalid

Form = Literal["as-is", "+e164", "e164", "international", "national"]
"""`+4930123`, `4930123`, `004930123`, `030123` (another country's as international), or untouched."""

_SEPARATORS = str.maketrans("", "", "-.() ")


class Rewrite(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One pattern: the first whose `match` is the whole number counts."""

    match: str
    """A regular expression."""
    replace: str
    """What the number becomes; `\\1` is the first group."""


class NumberRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """How numbers are written in both directions. Patterns come first, then the form."""

    country: str = ""
    """The country code that national numbers belong to, such as `49`."""
    national_prefix: str = "0"
    international_prefix: str = "00"
    outgoing: Form = "as-is"
    incoming: Form = "as-is"
    rewrite_outgoing: tuple[Rewrite, ...] = ()
    rewrite_incoming: tuple[Rewrite, ...] = ()
    rewrite_caller: tuple[Rewrite, ...] = field(default=())
    """Of the caller's number, outgoing."""


def e164(number: str, rules: NumberRules) -> str | None:
    """A number with its country code and a plus; None where it cannot be known, as of a short code or a name."""
    digits = number.partition(";")[0].translate(_SEPARATORS)
    if digits.startswith("+"):
        full = digits
    elif rules.international_prefix and digits.startswith(rules.international_prefix):
        full = "+" + digits[len(rules.international_prefix) :]
    elif rules.country and rules.national_prefix and digits.startswith(rules.national_prefix):
        full = f"+{rules.country}{digits[len(rules.national_prefix) :]}"
    else:
        return None
    # E.164 section 6: at most 15 digits; shorter than 4 is no subscriber's.
    return full if full[1:].isascii() and full[1:].isdigit() and 4 <= len(full) - 1 <= 15 else None


def in_form(number: str, form: Form, rules: NumberRules) -> str:
    """A number in a form; one whose country cannot be known stays as it is."""
    if form == "as-is":
        return number
    full = e164(number, rules)
    if full is None:
        return number
    match form:
        case "+e164":
            return full
        case "e164":
            return full[1:]
        case "national" if rules.country and full.startswith("+" + rules.country):
            return rules.national_prefix + full[1 + len(rules.country) :]
    return rules.international_prefix + full[1:]


def rewritten(number: str, rewrites: Sequence[Rewrite]) -> str:
    """A number as the first pattern that fits makes it."""
    for rewrite in rewrites:
        found = _compiled(rewrite.match).fullmatch(number)
        if found is not None:
            return found.expand(rewrite.replace)
    return number


def sent(number: str, rules: NumberRules) -> str:
    """A called number as the trunk wants it."""
    return in_form(rewritten(number, rules.rewrite_outgoing), rules.outgoing, rules)


def sent_caller(number: str, rules: NumberRules) -> str:
    """A caller's number as the trunk wants it."""
    return in_form(rewritten(number, rules.rewrite_caller), rules.outgoing, rules)


def received(number: str, rules: NumberRules) -> str:
    """A number, called or calling, that came from the trunk, as the dial plan wants it."""
    return in_form(rewritten(number, rules.rewrite_incoming), rules.incoming, rules)


def check_numbers(rules: NumberRules) -> None:
    """Raises Invalid naming the pattern that is none."""
    for name in ("rewrite_outgoing", "rewrite_incoming", "rewrite_caller"):
        for place, rewrite in enumerate(getattr(rules, name)):
            try:
                pattern = _compiled(rewrite.match)
            except re.error as error:
                raise Invalid(f"numbers.{name}.{place}.match", f"{error}") from error
            try:
                re._parser.parse_template(rewrite.replace, pattern)  # type: ignore[attr-defined]
            except (re.error, IndexError) as error:
                raise Invalid(f"numbers.{name}.{place}.replace", f"{error}") from error
    if "national" in (rules.outgoing, rules.incoming) and not rules.country:
        raise Invalid("numbers.country", "national numbers belong to a country: give its code, such as 49")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
