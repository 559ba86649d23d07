"""What others may watch of an account: its calls, its presence, its mailbox, its registrations; and of a room."""

from enum import Enum, IntEnum

from msgspec import Struct

from softswitch.kernel.address import Party
from softswitch.kernel.ids import LegId


class Subject(Enum):
    """What of an account is watched."""

    CALLS = "calls"
    """For lamps."""
    PRESENCE = "presence"
    MAILBOX = "mailbox"
    REGISTRATIONS = "registrations"
    ROOM = "room"
    """Of a conference room, not of an account."""


class Permission(IntEnum):
    """How much a watcher may know."""

    NOTHING = 0
    STATE = 1
    """That there is a call, and how far it is."""
    PARTIES = 2
    """And with whom."""


class WatchedCall(Struct, frozen=True, gc=False):
    """One leg of an account as its watchers see it."""

    leg: LegId
    stage: str
    """`trying`, `early` (it rings), `confirmed` or `terminated`: RFC 4235 section 3.7.1."""
    calling: bool
    """Whether the account called; otherwise it is called."""
    other: Party
    """Whom it talks with."""


class Mailbox(Struct, frozen=True, gc=False):
    """How many voice messages wait (RFC 3842 section 5.2)."""

    new: int = 0
    old: int = 0
    urgent_new: int = 0
    """Of the new ones."""
    urgent_old: int = 0


ACTIVITIES = frozenset(
    {
        "appointment",
        "away",
        "breakfast",
        "busy",
        "dinner",
        "holiday",
        "in-transit",
        "looking-for-work",
        "lunch",
        "meal",
        "meeting",
        "on-the-phone",
        "performance",
        "permanent-absence",
        "playing",
        "presentation",
        "shopping",
        "sleeping",
        "spectator",
        "steering",
        "travel",
        "tv",
        "unknown",
        "vacation",
        "working",
        "worship",
    }
)
"""What a person may be doing (RFC 4480 section 3.2)."""


class Presence(Struct, frozen=True, gc=False):
    """Whether someone can be reached, and what they do."""

    open: bool
    """Whether any of their devices takes calls or messages (RFC 3863 section 4.1.4)."""
    activities: tuple[str, ...] = ()
    """Of `ACTIVITIES`."""
    note: str = ""
    """In their own words."""
    do_not_disturb: bool = False


class Published(Struct, frozen=True, gc=False):
    """What one device says of its person (PUBLISH, RFC 3903)."""

    open: bool | None
    """None: it does not say."""
    activities: tuple[str, ...] = ()
    note: str = ""
