"""What two parties say about sound before they exchange it: the typed form of an offer or an answer."""

from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from softswitch.kernel.address import HostPort


class Direction(Enum):
    """Which way sound may go, seen from whoever says it (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> "Direction":
        """The same state seen from the other side."""
        return _REVERSED.get(self, self)


_REVERSED = {Direction.SENDONLY: Direction.RECVONLY, Direction.RECVONLY: Direction.SENDONLY}


class Codec(NamedTuple):
    """One payload type of an audio stream. `name` is upper case; `telephone-event` is spelled TELEPHONE-EVENT."""

    payload_type: int
    name: str
    clock_rate: int = 8000
    channels: int = 1
    parameters: str = ""
    """The `a=fmtp` text, without the payload type."""


class MediaDescription(Struct, frozen=True, gc=False):
    """One party's audio: where it wants RTP, in which codecs (best first), which way.

    Of several streams only the first audio stream is described; the gateway refuses the others in its answers.
    """

    address: HostPort
    """Where the describing party receives RTP."""
    codecs: tuple[Codec, ...]
    direction: Direction = Direction.SENDRECV
    ptime: int | None = None
    """Milliseconds of sound in a packet, where it was said."""
    rtcp: HostPort | None = None
    """Where RTCP goes; None: the RTP port + 1, or the RTP port itself under `rtcp_mux` (RFC 3605, RFC 5761)."""
    rtcp_mux: bool = False

    @property
    def on_hold(self) -> bool:
        """Whether the describing party does not want to hear us (RFC 3264 section 8.4)."""
        return not self.direction.receives
