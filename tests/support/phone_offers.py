"""What a model phone and its peer say of sound: offers and answers of one call, judged by RFC 3264."""

from typing import TYPE_CHECKING

from softswitch.kernel.address import HostPort
from tests.support.sip_text import Sdp, SdpVideo

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
        self.shows = bool(phone.sees)
        """Whether this phone would have video in this call."""
        self.looks = ""
        """The direction of its video, where that is not the sound's."""
        self._lines = 0

    def describe(self, direction: str, formats: tuple[str, ...] = ()) -> Sdp:
        """An offer of ours; its version rises when it says something new (RFC 3264 section 8)."""
        if self._phone.only_sends and direction == "sendrecv":
            direction = "sendonly"
        video = self._video(direction)
        sdp = Sdp(
            self._origin, self._version, self.rtp, formats or self._phone.offered, direction, 1 + len(video), video
        )
        if sdp != self.local:
            self._version += 1
            sdp = sdp._replace(version=self._version)
        self.local = sdp
        return sdp

    def _video(self, direction: str) -> tuple[SdpVideo, ...]:
        """Our video lines, none fewer than there have been (RFC 3264 section 8)."""
        phone, lines = self._phone, list[SdpVideo]()
        count = max(self._lines, len(phone.sees) if self.shows else 0)
        for place in range(count):
            wanted = phone.sees[place] if self.shows and place < len(phone.sees) else None
            port = self.rtp.port + 10_000 + 2 * place
            lines.append(
                SdpVideo(0, ()) if wanted is None else wanted._replace(port=port, direction=self.looks or direction)
            )
        self._lines = count
        return tuple(lines)

    def _video_answer(self, offered: tuple[SdpVideo, ...]) -> tuple[SdpVideo, ...]:
        lines = []
        for place, (line, ours) in enumerate(
            zip(offered, self._video("sendrecv") + (SdpVideo(0, ()),) * 9, strict=False)
        ):
            known = {name for _, name, _ in ours.formats}
            formats = tuple(each for each in line.formats if each[1] in known)
            if not line.port or not formats:
                lines.append(SdpVideo(0, ()))
                continue
            direction = self.looks or REVERSED.get(line.direction, line.direction)
            if self._phone.only_sends and direction == "sendrecv":
                direction = "sendonly"
            wishes = tuple(wish for wish in ours.feedback if wish in line.feedback)
            lines.append(SdpVideo(self.rtp.port + 10_000 + 2 * place, formats, direction, wishes, line.content))
        self._lines = len(lines)
        return tuple(lines)

    def answer(self) -> Sdp:
        """Our answer to the last offer: its formats that we know, its direction reversed."""
        assert self.remote is not None
        known = tuple(name for name in self.remote.formats if name in self._phone.offered)
        if not known:
            self._breach(f"an offer with nothing but {self.remote.formats}")
        sdp = self.describe(REVERSED.get(self.remote.direction, self.remote.direction), known)
        if sdp.video or self.remote.video:
            video = self._video_answer(self.remote.video)
            self.local = sdp = sdp._replace(video=video, media=1 + len(video))
        return sdp

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
            elif sdp.media < last.media:
                self._breach(f"{last.media} m-lines became {sdp.media} (RFC 3264 8)")
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
        if answer.media != offer.media:
            self._breach(f"{answer.media} m-lines answer {offer.media} (RFC 3264 6)")
        for ours, theirs in zip(offer.video, answer.video, strict=False):
            if theirs.port and (
                not ours.port or not set(theirs.formats[0][:1]) & {number for number, *_ in ours.formats}
            ):
                self._breach(f"the video {theirs} answers {ours}")
            if not set(theirs.feedback) <= set(ours.feedback):
                self._breach(f"feedback that was not offered: {theirs} (RFC 4585 4.2)")
        if answer.address.port and not set(answer.formats) & set(offer.formats):
            self._breach(f"the answer {answer.formats} has nothing of {offer.formats}")
        allowed = ALLOWED_ANSWERS.get(offer.direction)
        if allowed and answer.direction not in allowed:
            self._breach(f"{offer.direction} answered by {answer.direction} (RFC 3264 6.1)")

    def _breach(self, what: str) -> None:
        self._phone.breach(f"{self._call_id}: {what}")
