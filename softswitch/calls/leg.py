"""One party's half of a call, as call control sees it."""

from enum import Enum

from softswitch.kernel.address import HostPort
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription


class LegState(Enum):
    """How far a leg has come."""

    INVITED = "invited"
    """The party was asked (or asked us), and nothing more is known."""
    RINGING = "ringing"
    UP = "up"
    """Answered."""
    ENDED = "ended"


class Leg:
    """What is known of one leg. Plain state: `Relay` and the engine decide, this remembers."""

    __slots__ = ("address", "destination", "held", "id", "leaving", "local", "remote", "state")

    def __init__(self, leg: LegId, destination: Destination | None, address: HostPort | None) -> None:
        self.id = leg
        self.destination = destination
        """What a dialled leg belongs to; None for the caller's."""
        self.address = address
        """Our RTP address towards the party; None when sound bypasses us."""
        self.state = LegState.INVITED
        self.leaving = False
        """Whether it was told to hang up and its `Ended` is awaited."""
        self.local: MediaDescription | None = None
        """What the party was last told, by an offer or an answer of ours."""
        self.remote: MediaDescription | None = None
        """What the party last told."""
        self.held = False
        """Whether this party has put the other on hold."""
