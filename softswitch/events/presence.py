"""What happens to presence and mailboxes."""

from softswitch.events.base import Fact


class PresencePublished(Fact, frozen=True, gc=False, kw_only=True):
    """A device said what its person does, or its word ran out. The presence that is composed of everything now."""

    account: str
    open: bool
    activities: tuple[str, ...]
    note: str


class MailboxChanged(Fact, frozen=True, gc=False, kw_only=True):
    """Other counts of voice messages wait."""

    account: str
    new: int
    old: int
