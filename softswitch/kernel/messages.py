"""Instant messages: one text from a party to an account."""

from enum import Enum

from msgspec import Struct

from softswitch.kernel.address import Party

MOST_BYTES = 16_384
"""Of a message's body."""


class TextMessage(Struct, frozen=True, gc=False):
    """One message; its body is never logged."""

    from_: Party
    to: str
    """The account."""
    content_type: str
    """As it came, parameters and all: `text/plain;charset=utf-8`."""
    body: bytes


class Taken(Enum):
    """What became of a message that a party gave us."""

    DELIVERED = "delivered"
    """A device of the account has it."""
    KEPT = "kept"
    """It is stored, and delivered as soon as a device can be reached."""
    NO_SUCH_ACCOUNT = "no such account"
    FULL = "full"
    """Too many messages wait for that account, or on the whole."""
    OFFLINE = "offline"
    """It is of a kind that is worth nothing later, and no device can be reached now."""
    UNABLE = "unable"
    """It cannot be stored now."""


class Delivery(Enum):
    """What a device said to a message."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """It will not have it, now or later."""
    NOT_UNDERSTOOD = "not understood"
    """It does not know such content."""
    UNREACHABLE = "unreachable"
    """It said nothing, or asks to be tried later."""
