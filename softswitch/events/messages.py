"""What happens to instant messages. Their words are in no fact."""

from softswitch.events.base import Fact


class MessageFact(Fact, frozen=True, gc=False, kw_only=True):
    """A fact about one message."""

    message: int
    """Its number, as HTTP shows it."""
    to_account: str


class MessageSent(MessageFact, frozen=True, gc=False, kw_only=True):
    """A message was taken, and is stored."""

    from_number: str
    content_type: str


class MessageDelivered(MessageFact, frozen=True, gc=False, kw_only=True):
    """A device has it."""


class MessageRefused(MessageFact, frozen=True, gc=False, kw_only=True):
    """No device will have it."""


class MessageExpired(MessageFact, frozen=True, gc=False, kw_only=True):
    """No device came for it in time."""
