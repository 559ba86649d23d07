"""How the signalling of one party differs from what holds for all: an account's, or a trunk's."""

from typing import Literal

from msgspec import Struct

EarlyMedia = Literal["pass", "ring", "authorised"]
Reliable = Literal["as-set", "never", "supported", "required"]


class LegRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """As it is stored, too: every leaf has a default, which changes nothing."""

    early_media: EarlyMedia = "pass"
    """What becomes of sound that the party sends before it answers: the caller hears it; it hears ringing instead; or
    it hears it only where the party's network authorises it (P-Early-Media, RFC 5009), and ringing otherwise."""
    session_expires: int | None = None
    """Seconds between refreshes of its calls (RFC 4028); 0: we never ask for any; None: as for all."""
    reliable: Reliable = "as-set"
    """Provisional responses (RFC 3262). `never`: it is not offered them in our calls to it, nor sent any that it does
    not require; `supported`: it is sent them where it can take them; `required`: it must send them, too."""


def rules_or_none(rules: LegRules) -> LegRules | None:
    """None where they change nothing, so that nobody need look at them."""
    return None if rules == LegRules() else rules
