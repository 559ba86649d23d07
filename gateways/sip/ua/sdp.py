"""Session descriptions at the switch's edge: SDP below, `MediaDescription` above (RFC 8866, RFC 3264)."""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from gateways._native import AudioStream, SessionDescription, offer
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
    """What a peer's description says about sound; `answering` an offer of ours. Raises RemoteProtocolError(488) when it
    has none we could take."""
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


class LocalDescription:
    """What one leg has said of itself: one session id, and a version that rises when the description changes
    (RFC 3264 section 8)."""

    __slots__ = ("_body", "_session_id", "_version", "agreed", "renamed", "said", "sdes")

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

    def remembered(self) -> LocalRecord:
        """What another process needs to go on: what was said last and holds, and the version that was said last."""
        sdes = self.sdes.remembered() if self.sdes is not None else None
        return LocalRecord(self._session_id, self._version, self.agreed, sdes)

    @classmethod
    def restored(cls, record: LocalRecord, entropy: Callable[[int], bytes]) -> "LocalDescription":
        """As it was remembered. Its next word has a version that no other word can have had, since some may have been
        said after the last that was written down. `entropy` makes keys that are not there yet."""
        local = cls(record.session_id)
        local._version = record.version + _GAP
        local.said = local.agreed = record.agreed
        local.sdes = Sdes.restored(record.sdes, entropy) if record.sdes is not None else None
        return local

    def forbids(self, media: MediaDescription) -> bool:
        """Whether the policy of this leg is against an offer, which is another party's word for word."""
        told = media.security
        if told is None:
            return False
        return told.secure if self.sdes is None else self.sdes.policy is Srtp.REQUIRED and not told.offered

    def offer(self, media: MediaDescription) -> bytes:
        """An offer to the peer."""
        self.said = media
        stream = _stream(media, self.renamed, NOT_SAID if self.sdes is None else self.sdes.offer(media))
        body = offer(stream, session_id=self._session_id, version=self._version)
        if self._body and body != self._body:
            self._version += 1
            body = offer(stream, session_id=self._session_id, version=self._version)
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
        body = theirs.answer(stream, session_id=self._session_id, version=self._version)
        if self._body and body != self._body:
            self._version += 1
            body = theirs.answer(stream, session_id=self._session_id, version=self._version)
        self._body, self.said = body, media
        return body
