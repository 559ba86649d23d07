"""Whether sound that a party sends before it answers is passed on to the caller."""

from gateways._native import SipResponse
from softswitch.calls.leg_rules import EarlyMedia


def passes(policy: EarlyMedia, response: SipResponse) -> bool:
    """By what is set for the party: always, never, or where its network authorises it (RFC 5009)."""
    if policy != "authorised":
        return policy == "pass"
    # RFC 5009 section 8: the last of several says what holds now; what flows backward, to the caller, is sent.
    said = (response.header("P-Early-Media") or "").split(",")
    return any(word.strip().lower() in ("sendrecv", "sendonly") for word in said)
