"""What phones leave here for a time: subscriptions and publications. How long, and how many."""

from msgspec import Struct


class SoftStateRules(Struct, frozen=True):
    """Limits; times in seconds."""

    min_expires: int = 60
    max_expires: int = 7200
    default_expires: int = 3600
    """Where the phone does not say."""
    per_account: int = 1000
    """That one account may hold: a console watches every extension."""
    most: int = 50_000
    """In all."""


def granted(rules: SoftStateRules, said: str | None) -> int | tuple[int, list[tuple[str, str]]]:
    """How long what a phone asks for may last, 0 being its end; or the refusal (RFC 6665 section 4.2.1.1, RFC 3903
    section 6). `said` is the request's Expires."""
    if said is None:
        return rules.default_expires
    if not said.isascii() or not said.isdigit():
        return 400, []
    seconds = min(int(said[:9]), rules.max_expires)
    if 0 < seconds < rules.min_expires:
        return 423, [("Min-Expires", str(rules.min_expires))]
    return seconds
