"""What a model phone and its peer say of sound: offers and answers of one call, judged by RFC 3264."""

from typing import TYPE_CHECKING

from softswitch.kernel.address import HostPort
from tests.support.sip_text import Sdp

if TYPE_CHECKING:
    from tests.support.phones import Phone

REVERSED = {"sendonly": "recvonly", "recvonly": "sendonly"}
ALLOWED_ANSWERS = {
    "sendonly": ("recvonly", "inactive"),
    "recvonly": ("sendonly", "inactive"),
    "inactive": ("inactive",),
}


class Offers:
    """Both sides' newest descriptions."""

    def __init__(self, phone: "Phone", call_id: str) -> None:
        self._phone = phone
        self._call_id = call_id
        number = len(phone.calls)
        self._origin = f"{phone.user} {number + 1}"
        self._version = 0
        self._agreed: Sdp | None = None
        self._theirs = b""
        self.rtp = HostPort(phone.address.host, 40000 + 2 * number)
        self.local: Sdp | None = None
        """What this phone last offered or answered, and what it goes back to when an offer is refused."""
        self.remote: Sdp | None = None

    def describe(self, direction: str, formats: tuple[str, ...] = ()) -> Sdp:
        """An offer of ours; its version rises when it says something new (RFC 3264 section 8)."""
        sdp = Sdp(self._origin, self._version, self.rtp, formats or self._phone.offered, direction)
        if sdp != self.local:
            self._version += 1
            sdp = sdp._replace(version=self._version)
        self.local = sdp
        return sdp

    def answer(self) -> Sdp:
        """Our answer to the last offer: its formats that we know, its direction reversed."""
        assert self.remote is not None
        known = tuple(name for name in self.remote.formats if name in self._phone.offered)
        if not known:
            self._breach(f"an offer with nothing but {self.remote.formats}")
        return self.describe(REVERSED.get(self.remote.direction, self.remote.direction), known)

    def keep(self) -> None:
        """What holds now is what a refused offer goes back to."""
        self._agreed = self.local

    def refused(self) -> None:
        """RFC 3264 section 4: a refused offer changes nothing."""
        self.local = self._agreed

    def take_offer(self, body: bytes) -> None:
        """The peer's description."""
        sdp, last = Sdp.read(body), self.remote
        if last is not None:
            if sdp.origin != last.origin:
                self._breach(f"SDP origin went from {last.origin!r} to {sdp.origin!r} (RFC 3264 8)")
            elif body != self._theirs and sdp.version <= last.version:
                self._breach(f"SDP changed, version {last.version} → {sdp.version} (RFC 3264 8)")
            elif body == self._theirs and sdp.version != last.version:
                self._breach("SDP version changed and nothing else")
        self.remote, self._theirs = sdp, body

    def take_answer(self, body: bytes) -> None:
        """The peer's description, in answer to ours."""
        self.take_offer(body)
        answer, offer = self.remote, self.local
        assert answer is not None
        if offer is None:
            self._breach("an answer to no offer")
            return
        if answer.media != 1:
            self._breach(f"{answer.media} m-lines answer one (RFC 3264 6)")
        if answer.address.port and not set(answer.formats) & set(offer.formats):
            self._breach(f"the answer {answer.formats} has nothing of {offer.formats}")
        allowed = ALLOWED_ANSWERS.get(offer.direction)
        if allowed and answer.direction not in allowed:
            self._breach(f"{offer.direction} answered by {answer.direction} (RFC 3264 6.1)")

    def _breach(self, what: str) -> None:
        self._phone.breach(f"{self._call_id}: {what}")
