"""One party's half of a call, as call control sees it."""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from softswitch.calls.pressed_keys import PressedKeys
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, Direction, MediaDescription


class LegState(Enum):
    """How far a leg has come."""

    INVITED = "invited"
    """The party was asked (or asked us), and nothing more is known."""
    RINGING = "ringing"
    UP = "up"
    """Answered."""
    ENDED = "ended"


class Open(Enum):
    """What of an offer of our own making is open on a leg (those that pass between two parties are `Relay`'s)."""

    NOTHING = "nothing"
    OFFER = "offer"
    """It was told an offer and has not replied."""
    REQUEST = "request"
    """It was asked for an offer, which we must answer."""
    ANSWER = "answer"
    """Our answer to its call was an offer; its own answer comes with the acknowledgement."""


_UNKNOWN = Party("")


class OurVideo(Struct, frozen=True, gc=False):
    """A video line as our own media engine would have it with a party."""

    content: str = ""
    """`main` or empty: the picture of a person; else what a party must have said of the line (RFC 4796): `slides`."""
    direction: Direction = Direction.SENDRECV
    """Seen from us."""
    bandwidth_kbps: int | None = None
    """The most that we take."""
    codecs: tuple[Codec, ...] = ()
    """Best first; empty: all that the engine understands."""
    offered: bool = True
    """Whether a party that has no such line is offered one."""


class OurFloor(Struct, frozen=True, gc=False):
    """Where a party may ask for the floor of its slides, and who it is there."""

    address: HostPort
    conference: int
    user: int


class Leg:
    """What is known of one leg. Plain state: `Relay` and the engine decide, this remembers."""

    __slots__ = (
        "address",
        "aside",
        "codecs",
        "destination",
        "far_session_id",
        "floor",
        "held",
        "id",
        "inbound",
        "informed",
        "leaving",
        "local",
        "open",
        "opened_at",
        "party",
        "pictures",
        "pressed",
        "remote",
        "seen",
        "sees",
        "session_id",
        "shows",
        "state",
        "unfit",
        "watcher",
    )

    def __init__(self, leg: LegId, destination: Destination | None, address: HostPort | None) -> None:
        self.id = leg
        self.destination = destination
        """What it belongs to: `account/1002`, `trunk/uas`."""
        self.party = _UNKNOWN
        """Whom it leads to, as others are shown it."""
        self.inbound = False
        """Whether the party called us."""
        self.address = address
        """Our RTP address towards the party; None when sound bypasses us."""
        self.state = LegState.INVITED
        self.leaving = False
        """Whether it was told to hang up and its `Ended` is awaited."""
        self.local: MediaDescription | None = None
        """What the party was last told, by an offer or an answer of ours."""
        self.remote: MediaDescription | None = None
        """What the party last told."""
        self.open = Open.NOTHING
        self.codecs: tuple[str, ...] = ()
        """The rule of whom it belongs to, which codecs it is told of: see `codec_choice`."""
        self.opened_at = 0
        """When it got its port, wall milliseconds."""
        self.informed = False
        self.pressed: PressedKeys | None = None
        """Whether the party sent a key as INFO."""
        self.unfit = ""
        """What was wrong with the protocol of its offer, as the end of a sentence."""
        self.session_id = ""
        """The party's half of the call's Session-ID (RFC 7989)."""
        self.far_session_id = ""
        """The half of whom it talks with."""
        self.held = False
        """Whether this party has put the other on hold."""
        self.sees = True
        """Whether the party may have video."""
        self.pictures: tuple[HostPort, ...] = ()
        """Our RTP addresses towards the party for its video lines, by their places; empty: it has none with us."""
        self.seen: dict[int, tuple[str, str]] | None = None
        """The codec and the content of its video lines that were ever agreed, by their places."""
        self.shows: tuple[OurVideo, ...] = ()
        """The video that our own media engine would have with the party while it talks with nobody else."""
        self.floor: OurFloor | None = None
        """Where the party may ask for the floor of its slides; None: nowhere."""
        self.watcher: Callable[[], None] | None = None
        """Who is told when what is agreed on its video lines may have changed."""
        self.aside = False
        """Whether the switch holds the other party for it, without a word to either phone."""
