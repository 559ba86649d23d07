"""Pictures: of two who see each other, and who sees what beyond that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from softswitch.events import VideoFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, VideoLine


class Video(Protocol):
    """Pictures. Each video line of a leg is a leg of its own here, named by `IdSource.video`, with one local RTP
    address from `open_video` to `close_video`. A line does one of: nothing, a bridge, an echo."""

    def open_video(self, line: LegId) -> HostPort:
        """Take a local RTP port for a line: the address to describe to its party.

        Raises Rejected(SWITCH_CONGESTION) when no port is left.
        """
        ...

    def connect_video(self, line: LegId, local: VideoLine, remote: VideoLine) -> None:
        """Tell what was agreed: where the party receives and in which codecs, and what we said we receive. May be
        called again after each new offer and answer; a line that either side has refused or ended (`live` is false) is
        neither sent to nor heard until then."""
        ...

    def bridge_video(self, a: LegId, b: LegId) -> None:
        """Let two lines see each other: packets pass as they are, under the payload types that each party was told, and
        so does what is asked by RTCP. Lines bridged with each other already stay so."""
        ...

    def echo_video(self, line: LegId) -> None:
        """Send a party's pictures back to it."""
        ...

    def silence_video(self, line: LegId) -> None:
        """End whatever the line is doing, and whatever another does with it."""
        ...

    def refresh_video(self, line: LegId) -> None:
        """The party of a line has said by signalling that it needs a whole picture of what it sees: whoever sends that
        is asked by PLI or FIR as agreed, once in half a second at the most. Who has agreed to neither is to be asked by
        signalling: `VideoEvents.key_frame_wanted` says so."""
        ...

    def video_figures(self, line: LegId) -> VideoFigures:
        """The line's counters so far."""
        ...

    def close_video(self, line: LegId) -> None:
        """Give the port back. Closing twice does nothing."""
        ...

    @property
    def video_codecs(self) -> Sequence[Codec]:
        """What the engine itself understands, best first (a bridged line may use others)."""
        ...


class VideoEvents(Protocol):
    """What the media engine tells of pictures."""

    def key_frame_wanted(self, line: LegId) -> None:
        """Somebody who sees a line needs a whole picture of it, and its party takes no such wish by RTCP: it is to be
        asked by signalling (RFC 5168)."""
        ...


class VideoSwitch(Protocol):
    """Who sees what, beyond two who see each other. A line is one that `Video` has opened; a source is a line, or what
    the composer makes. Besides what it shows and is shown, a line does nothing."""

    def taken(self, line: LegId) -> Codec | None:
        """What the party of a line takes that the engine can show to many, as the party said it; None: nothing, or
        there is no such line."""
        ...

    def sent(self, line: LegId) -> Codec | None:
        """The codec that a connected line's party sends; None: it sends nothing now."""
        ...

    def takes_kbps(self, line: LegId) -> int | None:
        """The most that it takes, as it said in its description; None: it has not."""
        ...

    def show(self, viewer: LegId, source: LegId | None) -> None:
        """Show a line what another sends, from its next whole picture on; until then, what it has been shown. The
        viewer keeps one stream: it sees no more of a change than another picture. None, and when the source is closed:
        nothing more comes, and the last picture stays.

        Sources whose codec (packetization mode) the viewer has not agreed to are not shown, which is logged.
        """
        ...

    def limit_video(self, line: LegId, kbps: int | None) -> None:
        """The most that a line's party is to send, where it agreed to be told (TMMBR, REMB); None: what its viewers
        take."""
        ...

    def composer(self, path: Path | None) -> None:
        """Go to the composer that listens at a socket, or to none any more. To be said again when it was lost and is
        back."""
        ...

    def feed(self, line: LegId, member: int | None) -> None:
        """Give a line's pictures to the composer under a number that the caller and the composer know; None: no
        more."""
        ...

    def open_source(self, source: LegId, number: int, codec: Codec) -> None:
        """Take what the composer makes under a number as a source, until `close_video`. The codec is `H264`, whose
        parameters say its packetization mode and profile, or `VP8`.

        Raises Rejected(SWITCH_CONGESTION) when there are too many.
        """
        ...

    def close_video(self, line: LegId) -> None:
        """See `Video`."""
        ...

    def open_voice(self, leg: LegId, number: int) -> None:
        """Make a leg of sound that has no party: it says what the composer sends of a member's sound under a number,
        until `close_voice`. It joins mixes and has its level there as any leg.

        Raises Rejected(SWITCH_CONGESTION) when there are too many.
        """
        ...

    def close_voice(self, leg: LegId) -> None:
        """It says nothing any more. One that is not open is left alone."""
        ...


class VideoSwitchEvents(Protocol):
    """What a `VideoSwitch` tells."""

    def video_flows(self, line: LegId, flows: bool) -> None:
        """The first packet of a line has come, or one after a stall; False: nothing has come for two seconds."""
        ...

    def shown(self, viewer: LegId, source: LegId) -> None:
        """A viewer sees a source from now on."""
        ...

    def composer_ready(self) -> None:
        """The composer is there: it gets the pictures of all that are fed to it, from whole ones on."""
        ...

    def composer_lost(self, reason: str) -> None:
        """The composer has gone, or could not be reached: who is shown what it made keeps the last picture."""
        ...
