"""The m-lines of one leg's descriptions where there are more than its sound: video, and what was refused.

Their order is for ever: "the "m=" lines ... MUST NOT be removed" (RFC 3264 section 8), so that what has ended keeps its
place with port 0. A leg whose descriptions have only ever had the one line of sound has no `MediaLines`.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from gateways._native import SessionDescription, VideoStream
from gateways.sip.ua.sdes import NOT_SAID, Said, Sdes, SdesRecord
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.media import Codec, Direction, FloorLine, MediaDescription, Srtp, VideoLine

FloorSaid = tuple[str, int, str, list[str]]
"""Host, port, protocol and attributes of a line of floor control."""
OfferedLine = VideoStream | FloorSaid | tuple[str, str] | None
"""A video line, floor control, the type and the protocol of one that is over, or the place of the sound."""

NO_LINE = VideoLine(HostPort("0.0.0.0", 0), (), Direction.INACTIVE)
_SOUND = ("audio", "RTP/AVP")
_DIRECTIONS = {direction.value: direction for direction in Direction}


class MediaLinesRecord(Struct, frozen=True, gc=False):
    """What is kept of one leg's m-lines, to go on with."""

    lines: tuple[tuple[str, str], ...]
    audio: int
    places: tuple[int, ...]
    sdes: Mapping[int, SdesRecord]


class MediaLines:
    """One leg's. `sdes` is how its sound is protected, whose policy holds for its pictures, too; each line has keys of
    its own."""

    __slots__ = ("_audio", "_floor", "_lines", "_places", "_sdes", "_sound")

    def __init__(self, sdes: Sdes | None) -> None:
        self._sound = sdes
        self._lines: list[tuple[str, str]] = [_SOUND]
        """Type and protocol of each."""
        self._audio = 0
        """Which of them is the sound."""
        self._places: list[int] = []
        """Which of them is the video line of each place in `MediaDescription.video`."""
        self._sdes: dict[int, Sdes] = {}
        """By that place."""
        self._floor: tuple[int, FloorSaid] | None = None
        """What we have said of floor control, and in which line."""

    def remembered(self) -> MediaLinesRecord:
        """What another process needs to go on."""
        sdes = {place: sdes.remembered() for place, sdes in self._sdes.items()}
        return MediaLinesRecord(tuple(self._lines), self._audio, tuple(self._places), sdes)

    @classmethod
    def restored(cls, record: MediaLinesRecord, sdes: Sdes | None, entropy: Callable[[int], bytes]) -> "MediaLines":
        """As it was remembered."""
        lines = cls(sdes)
        lines._lines, lines._audio, lines._places = list(record.lines), record.audio, list(record.places)
        lines._sdes = {place: Sdes.restored(kept, entropy) for place, kept in record.sdes.items()}
        return lines

    def agreed(self, theirs: MediaDescription) -> None:
        """What the party has said holds."""
        for place, line in enumerate(theirs.video):
            sdes = self._protection(place)
            if sdes is not None:
                sdes.agreed = line.security

    # What they say ----------------------------------------------------------------------------------------

    def heard(self, theirs: SessionDescription, *, secure: bool, answering: bool) -> tuple[VideoLine, ...]:
        """The video of a party's description, whose sound is taken `secure` (over RTP/SAVP) or not.

        A party may offer all of it twice, over RTP/SAVP and over RTP/AVP: then the video that goes with the sound
        counts, and the other has no place.
        """
        described = dict(theirs.video)
        sounds = set[bool]()
        for index, (kind, port, protocol) in enumerate(theirs.media):
            if index == len(self._lines):
                self._lines.append((kind, protocol))
            elif port:
                self._lines[index] = (kind, protocol)
            if kind == "audio" and port:
                its = _is_secure(protocol)
                if its is secure and its not in sounds:
                    self._audio = index
                sounds.add(its)
        for index, stream in described.items():
            twice = len(sounds) == 2 and stream.secure is not secure
            if index not in self._places and not twice:
                self._places.append(index)
        return tuple(
            self._line(place, described.get(index), answering=answering) for place, index in enumerate(self._places)
        )

    def _line(self, place: int, stream: VideoStream | None, *, answering: bool) -> VideoLine:
        if stream is None or stream.port == 0:
            return NO_LINE
        sdes, security = self._protection(place), None
        if sdes is not None:
            try:
                security = sdes.security(stream, answering=answering)
            except RemoteProtocolError:
                return NO_LINE  # pictures that may not be had are no reason to refuse the sound
        elif stream.secure:
            return NO_LINE
        rtcp = stream.rtcp
        return VideoLine(
            HostPort(stream.host, stream.port),
            tuple(Codec(*codec) for codec in stream.codecs),
            _DIRECTIONS[stream.direction],
            stream.content,
            stream.bandwidth_kbps,
            HostPort(*rtcp) if rtcp is not None else None,
            stream.rtcp_mux,
            security,
            stream.feedback,
            stream.avpf,
            stream.label,
        )

    def _protection(self, place: int) -> Sdes | None:
        if self._sound is None:
            return None
        sdes = self._sdes.get(place)
        if sdes is None:
            sdes = self._sdes[place] = self._sound.another()
        return sdes

    def floor(self, theirs: SessionDescription) -> FloorLine | None:
        """Where a party speaks of who may show something, where it would be told (RFC 8856 section 5.1): to one that
        would itself tell there is nothing to say."""
        found = theirs.floor
        if found is None:
            return None
        _, (host, port, protocol, said) = found
        roles = next((each.partition(":")[2].split() for each in said if each.startswith("floorctrl:")), ["c-only"])
        return FloorLine(HostPort(host, port), protocol) if {"c-only", "c-s"} & set(roles) else None

    # What we say ------------------------------------------------------------------------------------------

    def told_floor(
        self, theirs: SessionDescription, line: FloorLine, renamed: tuple[str, str] | None
    ) -> tuple[int, FloorSaid] | None:
        """What we say of floor control in the place of their line."""
        found = theirs.floor
        self._floor = None if found is None else (found[0], _floor(line, renamed))
        return self._floor

    def offered(self, media: MediaDescription, renamed: tuple[str, str] | None) -> Sequence[OfferedLine]:
        """Every m-line of an offer of ours."""
        while len(self._places) < len(media.video):
            self._places.append(len(self._lines))
            self._lines.append(("video", "RTP/AVP"))
        lines: list[OfferedLine] = list(self._lines)
        lines[self._audio] = None
        for place, line in enumerate(media.video):
            if line.live and not self._forbids(place, line):
                sdes = self._protection(place)
                said = NOT_SAID if sdes is None else sdes.offer(line.security)
                lines[self._places[place]] = _stream(line, renamed, said)
        if self._floor is not None and self._floor[0] < len(lines):
            lines[self._floor[0]] = self._floor[1]
        return lines

    def answered(
        self, theirs: SessionDescription, media: MediaDescription, renamed: tuple[str, str] | None
    ) -> list[tuple[int, VideoStream]]:
        """What we take of their video lines, by their m-lines."""
        offered = dict(theirs.video)
        taken: list[tuple[int, VideoStream]] = []
        for place, line in enumerate(media.video[: len(self._places)]):
            stream = offered.get(self._places[place])
            if stream is None or not line.live or self._forbids(place, line):
                continue
            sdes = self._protection(place)
            try:
                said = NOT_SAID if sdes is None else sdes.reply(stream, line.security)
            except (ValueError, RemoteProtocolError):
                continue
            taken.append((self._places[place], _stream(line, renamed, said)))
        return taken

    def _forbids(self, place: int, line: VideoLine) -> bool:
        """Whether the policy of this leg is against a line that is another party's word for word."""
        told = line.security
        if told is None:
            return False
        return told.secure if self._sound is None else self._sound.policy is Srtp.REQUIRED and not told.offered


def _floor(line: FloorLine, renamed: tuple[str, str] | None) -> FloorSaid:
    """We serve: RFC 8856 section 5. The floor is of the video line whose label it names."""
    host, port = line.address
    if renamed is not None and host == renamed[0]:
        host = renamed[1]
    said = ["floorctrl:s-only", f"confid:{line.conference}", f"userid:{line.user}", f"floorid:1 mstrm:{line.label}"]
    if line.protocol == "TCP/BFCP":
        said += ["setup:passive", "connection:new"]
    return host, port, line.protocol, said


def _stream(line: VideoLine, renamed: tuple[str, str] | None, said: Said) -> VideoStream:
    host, port = line.address
    if renamed is not None and host == renamed[0]:
        host = renamed[1]
    return VideoStream(
        host,
        port,
        line.codecs,
        direction=line.direction.value,
        content=line.content,
        bandwidth_kbps=line.bandwidth_kbps,
        rtcp=line.rtcp,
        rtcp_mux=line.rtcp_mux,
        secure=said[0],
        avpf=line.avpf,
        crypto=said[1],
        feedback=line.feedback,
        label=line.label,
    )


def _is_secure(protocol: str) -> bool:
    return protocol.upper() in ("RTP/SAVP", "RTP/SAVPF")
