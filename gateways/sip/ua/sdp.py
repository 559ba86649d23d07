"""Session descriptions at the switch's edge: SDP below, `MediaDescription` above (RFC 8866, RFC 3264)."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct, structs

from gateways._native import AudioStream, SessionDescription, VideoStream, offer
from gateways.sip.ua.media_lines import MediaLines, MediaLinesRecord
from gateways.sip.ua.sdes import NOT_SAID, Said, Sdes, SdesRecord
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.media import Codec, Direction, MediaDescription, Security, Srtp

MIME = "application/sdp"

_DIRECTIONS = {direction.value: direction for direction in Direction}


def read(body: bytes) -> SessionDescription:
    """A peer's description. Raises RemoteProtocolError(400) when it is broken."""
    try:
        return SessionDescription.parse(body)
    except ValueError as error:
        raise RemoteProtocolError(f"Bad SDP: {error}", 400) from None


def described(
    description: SessionDescription, sdes: Sdes | None = None, *, answering: bool = False
) -> MediaDescription:
    """What a peer's description says about sound alone; `answering` an offer of ours. Raises RemoteProtocolError(488)
    when it has none we could take."""
    security: Security | None = None
    if sdes is not None:
        audio, security = sdes.taken(description, answering=answering)
    else:
        plain = description.audio
        if plain is None:
            raise RemoteProtocolError("No audio stream over RTP/AVP", 488)
        audio = plain
    rtcp = audio.rtcp
    return MediaDescription(
        HostPort(audio.host, audio.port),
        _codecs(audio.codecs),
        _DIRECTIONS[audio.direction],
        audio.ptime,
        HostPort(*rtcp) if rtcp is not None else None,
        audio.rtcp_mux,
        security,
    )


def with_video(
    theirs: SessionDescription, media: MediaDescription, lines: MediaLines, *, answering: bool = False
) -> MediaDescription:
    """What it says about sound, with its video, if it has any, and who may show something there."""
    secure = media.security is not None and media.security.secure
    video = lines.heard(theirs, secure=secure, answering=answering)
    return structs.replace(media, video=video, floor=lines.floor(theirs)) if video else media


@lru_cache(maxsize=1024)
def _codecs(named: tuple[tuple[int, str, int, int, str], ...]) -> tuple[Codec, ...]:
    """Every phone of a make says the same."""
    return tuple(Codec(*codec) for codec in named)


def unfit(description: SessionDescription, sdes: Sdes | None) -> str:
    """What is wrong with the protocol of the sound in a peer's offer, as the end of a sentence; empty where nothing is,
    or there is no sound at all."""
    if sdes is None:
        if description.audio is not None or description.secure_audio is None:
            return ""
        return "its SDP offers only RTP/SAVP (SRTP), and this switch was to speak plain RTP (RTP/AVP) with it"
    if description.audio is None and description.secure_audio is None:
        return ""
    try:
        sdes.taken(description, answering=False)
    except RemoteProtocolError as error:
        return str(error)
    return ""


def _stream(media: MediaDescription, renamed: tuple[str, str] | None, said: Said) -> AudioStream:
    host, port = media.address
    if renamed is not None and host == renamed[0]:
        host = renamed[1]
    return AudioStream(
        host,
        port,
        media.codecs,
        direction=media.direction.value,
        ptime=media.ptime,
        rtcp=media.rtcp,
        rtcp_mux=media.rtcp_mux,
        secure=said[0],
        crypto=said[1],
    )


_GAP = 1000
"""By how many versions a restored description is ahead."""


class LocalRecord(Struct, frozen=True, gc=False):
    """What is kept of what one leg has said of itself, to go on with."""

    session_id: int
    version: int
    agreed: MediaDescription | None
    sdes: SdesRecord | None
    lines: MediaLinesRecord | None = None


class LocalDescription:
    """What one leg has said of itself: one session id, and a version that rises when the description changes
    (RFC 3264 section 8)."""

    __slots__ = ("_body", "_session_id", "_version", "agreed", "lines", "renamed", "said", "sdes", "sees")

    def __init__(self, session_id: int) -> None:
        self._session_id = session_id
        self._version = 0
        self._body = b""
        self.renamed: tuple[str, str] | None = None
        """An address of ours, and the one that this peer knows it by."""
        self.said: MediaDescription | None = None
        """What was said last: an offer that was refused, perhaps."""
        self.agreed: MediaDescription | None = None
        """What was said last and holds."""
        self.sdes: Sdes | None = None
        """How the sound is protected; None: never."""
        self.lines: MediaLines | None = None
        """The m-lines; None: there has never been one but that of the sound."""
        self.sees = True
        """Whether this party may have video."""

    def remembered(self) -> LocalRecord:
        """What another process needs to go on: what was said last and holds, and the version that was said last."""
        sdes = self.sdes.remembered() if self.sdes is not None else None
        lines = self.lines.remembered() if self.lines is not None else None
        return LocalRecord(self._session_id, self._version, self.agreed, sdes, lines)

    @classmethod
    def restored(cls, record: LocalRecord, entropy: Callable[[int], bytes]) -> "LocalDescription":
        """As it was remembered. Its next word has a version that no other word can have had, since some may have been
        said after the last that was written down. `entropy` makes keys that are not there yet."""
        local = cls(record.session_id)
        local._version = record.version + _GAP
        local.said = local.agreed = record.agreed
        local.sdes = Sdes.restored(record.sdes, entropy) if record.sdes is not None else None
        if record.lines is not None:
            local.lines = MediaLines.restored(record.lines, local.sdes, entropy)
        return local

    def described(self, theirs: SessionDescription, *, answering: bool = False) -> MediaDescription:
        """What the party's description says; raises as the function of the same name."""
        media = described(theirs, self.sdes, answering=answering)
        if theirs.lines == 1 and self.lines is None:
            return media
        if self.lines is None:
            self.lines = MediaLines(self.sdes)
        seen = with_video(theirs, media, self.lines, answering=answering)
        return seen if self.sees else media

    def forbids(self, media: MediaDescription) -> bool:
        """Whether the policy of this leg is against an offer, which is another party's word for word."""
        told = media.security
        if told is None:
            return False
        return told.secure if self.sdes is None else self.sdes.policy is Srtp.REQUIRED and not told.offered

    def offer(self, media: MediaDescription) -> bytes:
        """An offer to the peer."""
        if media.video and not self.sees:
            media = structs.replace(media, video=())
        self.said = media
        stream = _stream(media, self.renamed, NOT_SAID if self.sdes is None else self.sdes.offer(media.security))
        if media.video and self.lines is None:
            self.lines = MediaLines(self.sdes)
        lines = None if self.lines is None else self.lines.offered(media, self.renamed)
        body = offer(stream, session_id=self._session_id, version=self._version, lines=lines)
        if self._body and body != self._body:
            self._version += 1
            body = offer(stream, session_id=self._session_id, version=self._version, lines=lines)
        self._body = body
        return body

    def decline(self, theirs: SessionDescription | None) -> bytes:
        """An answer that takes nothing of an offer: its streams refused with port 0 (RFC 3264 section 6).

        For an ACK that must answer although a BYE follows it: "the UAC core MUST generate a valid answer in the ACK
        and then send a BYE immediately" (RFC 3261 section 13.2.2.4). Empty where there is no offer that we could read.
        """
        audio = (theirs.audio or theirs.secure_audio) if theirs is not None else None
        if theirs is None or audio is None:
            return b""
        nothing = AudioStream(audio.host, 0, audio.codecs, direction="inactive", secure=audio.secure)
        self._version += 1
        return theirs.answer(nothing, session_id=self._session_id, version=self._version)

    def answer(self, theirs: SessionDescription, media: MediaDescription) -> bytes:
        """An answer to the peer's offer. Raises ValueError when no codec is common, or the sound would be protected
        otherwise than this leg's policy wants it."""
        stream = _stream(media, self.renamed, NOT_SAID if self.sdes is None else self.sdes.answer(theirs, media))
        video: Sequence[tuple[int, VideoStream]] = ()
        if media.video and self.sees and self.lines is not None:
            video = self.lines.answered(theirs, media, self.renamed)
        floor = None
        if video and media.floor is not None and self.lines is not None:
            floor = self.lines.told_floor(theirs, media.floor, self.renamed)
        body = theirs.answer(stream, session_id=self._session_id, version=self._version, video=video, floor=floor)
        if self._body and body != self._body:
            self._version += 1
            body = theirs.answer(stream, session_id=self._session_id, version=self._version, video=video, floor=floor)
        self._body, self.said = body, media
        return body
