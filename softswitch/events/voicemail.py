"""What happens in voicemail. What was said, and PINs, are in no fact."""

from softswitch.events.base import Fact
from softswitch.kernel.ids import CallId


class MailboxFact(Fact, frozen=True, gc=False, kw_only=True):
    """A fact about one box. The call that it came of, if any, may be over."""

    box: str
    of_call: CallId = CallId("")


class MessageLeft(MailboxFact, frozen=True, gc=False, kw_only=True):
    """A message is in a box, and its file is complete."""

    message: str
    from_number: str
    seconds: float
    urgent: bool = False
    forwarded_by: str = ""
    """The box that it came from."""
    note: str = ""
    """What went wrong."""


class MessageLost(MailboxFact, frozen=True, gc=False, kw_only=True):
    """Somebody wanted to leave a message and could not: the disk is full, say."""

    from_number: str
    reason: str


class MailboxFull(MailboxFact, frozen=True, gc=False, kw_only=True):
    """Somebody wanted to leave a message, and there was no room for it."""

    from_number: str


class MailboxOpened(MailboxFact, frozen=True, gc=False, kw_only=True):
    """Somebody listens to the messages of a box."""

    by: str
    """Whose phone: `account/1001`, `trunk/uas`."""
    from_number: str


class MailboxRefused(MailboxFact, frozen=True, gc=False, kw_only=True):
    """A wrong PIN."""

    by: str
    from_number: str
    locked: bool
    """Whether the box, or whoever calls, is locked out for a time from now on."""


class MessageMailed(MailboxFact, frozen=True, gc=False, kw_only=True):
    """The mail server has taken a message that was left."""

    message: str


class MessageMailFailed(MailboxFact, frozen=True, gc=False, kw_only=True):
    """The mail server has not."""

    message: str
    reason: str
    given_up: bool
    """Whether it is tried no more."""
