"""Session-ID (RFC 7989): one name for a call on all its legs, made of a half by each end."""

import re

from gateways._native import SipRequest, SipResponse

NIL = "0" * 32
"""The half of an end that is not known yet."""

_HALF = re.compile(r"[0-9a-f]{32}")


def half(message: SipRequest | SipResponse) -> str:
    """The half of whoever sent a message; empty when it has none, or what it has is no UUID."""
    value = message.header("Session-ID")
    if value is None:
        return ""
    own = value.partition(";")[0].strip().lower()
    return own if _HALF.fullmatch(own) and own != NIL else ""


def header(local: str, remote: str) -> tuple[str, str]:
    """What we say: on each leg, the half of the end behind us comes first."""
    return "Session-ID", f"{local};remote={remote or NIL}"
