"""What two parties say about sound and pictures before they exchange them: the typed form of an offer or an answer."""

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


class Srtp(Enum):
    """Whether a party's sound is encrypted under keys that go with its descriptions (RFC 3711, RFC 4568)."""

    OFF = "off"
    """Never; who offers nothing else is refused."""
    OPTIONAL = "optional"
    """Where the party offers it."""
    PREFERRED = "preferred"
    """Offered to the party, and plain sound taken where it wants no other."""
    REQUIRED = "required"
    """Or there is no call."""


class SrtpKey(Struct, frozen=True, gc=False):
    """A master key with its salt, for a suite by its name in SDP. The bytes stay out of `repr`, and so out of every
    log."""

    suite: str
    key: bytes
    mki: bytes = b""
    """Its name in each packet; empty: there is none."""

    def __repr__(self) -> str:
        return f"SrtpKey({self.suite!r})"


class Security(Struct, frozen=True, gc=False):
    """How a stream is protected."""

    secure: bool
    """Whether over RTP/SAVP, which means SRTP or nothing."""
    offered: tuple[tuple[int, SrtpKey], ...]
    """The ways that the describing party names, by their tags."""
    ours: SrtpKey | None = None
    """What we send under; None: in the clear, or by the keys of others because sound bypasses us."""
    theirs: SrtpKey | None = None
    """What the describing party sends under."""


PLAIN = Security(False, ())
"""In the clear."""


SLIDES = "slides"
"""The content of a line beside that of a person (RFC 4796 section 5)."""


class VideoLine(Struct, frozen=True, gc=False):
    """One party's video of one kind: where it wants RTP, in which codecs (best first), which way.

    A line keeps its place in `MediaDescription.video` for as long as a leg lives, also when it is refused or has ended
    (RFC 3264 section 8), so that the place names it.
    """

    address: HostPort
    """Where the describing party receives RTP; port 0: it refuses the line, or has ended it."""
    codecs: tuple[Codec, ...]
    """Beside those of pictures (`H264`, `VP8` ...) there may be `RTX`, `RED` and `ULPFEC`."""
    direction: Direction = Direction.SENDRECV
    content: str = ""
    """What is to be seen (RFC 4796): `main`, `slides`, `speaker`, `sl`, `alt`; empty: it was not said, which is the
    picture of a person."""
    bandwidth_kbps: int | None = None
    """The most that the describing party takes (`b=TIAS` or `b=AS`, RFC 8866 section 5.8)."""
    rtcp: HostPort | None = None
    """As of `MediaDescription`."""
    rtcp_mux: bool = False
    security: Security | None = None
    """As of `MediaDescription`."""
    feedback: tuple[str, ...] = ()
    """What the describing party takes by RTCP (RFC 4585, RFC 5104): `nack`, `nack pli`, `ccm fir`, `ccm tmmbr`."""
    avpf: bool = False
    """Whether over RTP/AVPF; phones say and honour `feedback` over RTP/AVP, too."""
    label: str = ""
    """A name for others to refer to it (RFC 4574)."""

    @property
    def live(self) -> bool:
        """Whether the describing party would have it."""
        return self.address.port != 0

    @property
    def of_slides(self) -> bool:
        """Whether it stands beside the picture of a person, of whom all else is; `sl` is sign language."""
        return self.content == SLIDES


class FloorLine(Struct, frozen=True, gc=False):
    """Where a party speaks of who may show something (BFCP, RFC 8856)."""

    address: HostPort
    protocol: str
    """`UDP/BFCP` or `TCP/BFCP`."""
    conference: int = 0
    """What we call the conference, and the party in it; said by us alone."""
    user: int = 0
    label: str = ""
    """Of the video line that the floor is of (RFC 4574)."""


class MediaDescription(Struct, frozen=True, gc=False):
    """One party's audio: where it wants RTP, in which codecs (best first), which way; and its video, where it has any.

    Of several audio streams only the first is described; the gateway refuses the others in its answers, and all that is
    neither audio nor video.
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
    security: Security | None = None
    """None: in the clear, or, where we are to say it, as the party's gateway sees fit."""
    video: tuple[VideoLine, ...] = ()
    """Its video lines, in the order of the m-lines; empty for all who have none."""
    floor: FloorLine | None = None
    """Its floor control; said by us only in answer to a party that has one."""

    @property
    def on_hold(self) -> bool:
        """Whether the describing party does not want to hear us (RFC 3264 section 8.4)."""
        return not self.direction.receives
