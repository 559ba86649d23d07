"""How one leg's sound, and each of its video lines, is protected by keys in its descriptions (SDES, RFC 4568)."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from gateways._native import AudioStream, SessionDescription, VideoStream
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.media import PLAIN, MediaDescription, Security, Srtp, SrtpKey

SUITES = ("AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80")
"""What we offer, best first; the tag of each is its place, from 1. The last is the one that every phone has."""
_MASTER_BYTES = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AES_256_CM_HMAC_SHA1_32": 46,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
}
"""Of a master key and its salt."""

Line = tuple[int, str, bytes, bytes]
"""Tag, suite, key with salt, MKI."""
Said = tuple[bool, tuple[Line, ...]]
"""Whether over RTP/SAVP, and the ways."""
NOT_SAID: Said = (False, ())


class SdesRecord(Struct, frozen=True, gc=False):
    """What is kept of one stream's keys, to go on with."""

    policy: Srtp
    keys: Mapping[str, SrtpKey]
    passing: bool
    agreed: Security | None


class Sdes:
    """One stream's. Our key for a suite is made once and kept for as long as the leg lives: with another one in each
    description every refresh would be a change."""

    __slots__ = ("_entropy", "_keys", "_passing", "agreed", "policy")

    def __init__(self, policy: Srtp, entropy: Callable[[int], bytes]) -> None:
        self.policy = policy
        self._entropy = entropy
        self._keys: dict[str, SrtpKey] = {}
        self._passing = False
        """Whether we said another party's ways last, because sound bypasses us."""
        self.agreed: Security | None = None
        """What the party said last that holds."""

    def remembered(self) -> SdesRecord:
        """What another process needs to go on."""
        return SdesRecord(self.policy, self._keys, self._passing, self.agreed)

    @classmethod
    def restored(cls, record: SdesRecord, entropy: Callable[[int], bytes]) -> "Sdes":
        """As it was remembered."""
        sdes = cls(record.policy, entropy)
        sdes._keys, sdes._passing, sdes.agreed = dict(record.keys), record.passing, record.agreed
        return sdes

    def another(self) -> "Sdes":
        """Of another stream of the same leg: the same policy, and no key in common."""
        return Sdes(self.policy, self._entropy)

    # What we say ----------------------------------------------------------------------------------------

    def offer(self, told: Security | None) -> Said:
        """How our offer is protected. `told`: what another party says of its own, where we are to say that."""
        self._passing = told is not None
        if told is not None:
            return told.secure, _lines(told)
        agreed = self.agreed
        if self.policy is Srtp.REQUIRED or (agreed is not None and agreed.secure):
            return True, self._ways()
        if self.policy is Srtp.PREFERRED or (agreed is not None and agreed.theirs is not None):
            return False, self._ways()
        return NOT_SAID

    def answer(self, theirs: SessionDescription, media: MediaDescription) -> Said:
        """How our answer is. Raises ValueError where it could not be as the policy wants it."""
        told = media.security
        return self._pass(told) if told is not None else self._reply(self.taken(theirs, answering=False)[1])

    def reply(self, stream: VideoStream, told: Security | None) -> Said:
        """How our answer to a video line is. Raises as `answer` and `security`."""
        return self._pass(told) if told is not None else self._reply(self.security(stream, answering=False))

    def _pass(self, told: Security) -> Said:
        self._passing = True
        if self.policy is Srtp.REQUIRED and not told.offered:
            raise ValueError("SRTP is required, and the other party has none")
        return told.secure, _lines(told)

    def _reply(self, security: Security) -> Said:
        self._passing = False
        if security.ours is None:
            return NOT_SAID
        tag = security.offered[0][0]
        # RFC 4568 section 5.1.2: the answer has the tag and the suite of the way that is taken, and a key of our own.
        return security.secure, ((tag, security.ours.suite, security.ours.key, b""),)

    def _ways(self) -> tuple[Line, ...]:
        return tuple((tag, suite, self._key(suite).key, b"") for tag, suite in enumerate(SUITES, 1))

    def _key(self, suite: str) -> SrtpKey:
        key = self._keys.get(suite)
        if key is None:
            key = self._keys[suite] = SrtpKey(suite, self._entropy(_MASTER_BYTES[suite]))
        return key

    # What they say --------------------------------------------------------------------------------------

    def taken(self, theirs: SessionDescription, *, answering: bool) -> tuple[AudioStream, Security]:
        """Which stream of theirs holds, and how it is protected. Raises RemoteProtocolError(488) saying why none does.

        A party may offer its sound twice, over RTP/SAVP and over RTP/AVP: the protected one is taken.
        """
        secure, plain = theirs.secure_audio, theirs.audio
        audio = secure if secure is not None and (secure.crypto or plain is None) else plain
        if audio is None:
            raise RemoteProtocolError("No audio stream over RTP/AVP or RTP/SAVP", 488)
        return audio, self.security(audio, answering=answering)

    def security(self, stream: AudioStream | VideoStream, *, answering: bool) -> Security:
        """How a stream of theirs is protected. Raises RemoteProtocolError(488) where it may not be so."""
        ways = tuple((tag, SrtpKey(suite, key, mki)) for tag, suite, key, mki in stream.crypto)
        if answering and self._passing:
            return Security(stream.secure, ways) if ways else PLAIN
        if answering:
            # Section 5.1.3: the answer names one way of those offered. In plain sound no way at all is one, too.
            ways = tuple(way for way in ways if way[1].suite == dict(enumerate(SUITES, 1)).get(way[0]))
        if ways:
            _, key = ways[0]
            return Security(stream.secure, ways, self._key(key.suite), key)
        if stream.secure:
            raise RemoteProtocolError("its SDP has no a=crypto line for RTP/SAVP (SRTP) that could be used", 488)
        if self.policy is Srtp.REQUIRED:
            raise RemoteProtocolError("its SDP offers only plain RTP (RTP/AVP), and SRTP is required of it", 488)
        return PLAIN


def _lines(security: Security) -> tuple[Line, ...]:
    return tuple((tag, key.suite, key.key, key.mki) for tag, key in security.offered)


def clear_signalling(policy: Srtp, kind: str, host: str, *, allowed: bool) -> str:
    """Why keys may not be said by a transport to or from an IP address; empty where they may.

    Who insists on SRTP wants nobody to listen, and the keys stand in the descriptions (RFC 4568 section 7.1: they
    "MUST" be protected). Where SRTP is only liked, it stops at least those who see the sound and not the signalling.
    """
    if policy is not Srtp.REQUIRED or allowed or kind in ("tls", "wss") or host == "::1" or host.startswith("127."):
        return ""
    return (
        f"SRTP is required of it, and its signalling over {kind.upper()} would carry the keys in the clear: TLS is"
        " needed (or the setting `sip.srtp_keys_in_clear`)"
    )
