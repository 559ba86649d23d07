"""Members with a camera, a microphone and a screen, for benchmarks: SIP and RTP of our own, what comes kept with the
kernel's time of it and looked at afterwards, so that looking delays nothing.

The wall of a marked member's room changes its colour again and again, and at the same moment it begins a burst of tone.
"""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, Self

import av
import numpy as np
from av.video.frame import PictureType

from tests.bench.heads import SIZE, head
from tests.wire.doctored_calls import Caller, Phone, port_in, value
from tests.wire.rtp_party import Party, Rtp, decode_a_law

FRAME = 0.02
"""Seconds of a packet of sound."""
STEP = 0.067
"""Seconds from a picture to the next. No measure of a composer's clock: changes fall on all places of that."""
HALF = 17
"""Pictures from one change to the next."""
EVERY = HALF * STEP
BURST = 0.3
"""Seconds."""
RED, BLUE = (90, 240), (240, 110)
_LONGEST = 1100
_SO_TIMESTAMPNS = 35
LOUD = 1000
QUIET = 400
"""The least that a burst is, of 32768, and the samples of silence before one."""


class Came(NamedTuple):
    """A datagram, and its time of the wall clock in seconds."""

    at: float
    data: bytes


class Change(NamedTuple):
    """A picture in which the wall has another colour for the first time: when the last of its packets came, and its RTP
    time."""

    at: float
    rtp: int
    red: bool


class Onset(NamedTuple):
    """The first sample of a burst: when it could be played as soon as its packet was there, and its RTP time."""

    at: float
    rtp: int


class Clock(NamedTuple):
    """What a sender report says (RFC 3550 section 6.4.1), when it came, and of whom."""

    came: float
    ntp: float
    rtp: int
    name: str


@dataclass
class Camera:
    """Pictures in packets, to be played round and round: the first is a key frame, and the wall changes its colour with
    `HALF` and twice that many pictures, where none is."""

    codec: str
    pictures: list[list[bytes]]

    @classmethod
    def film(cls, codec: str, *, marked: bool, seed: int = 1) -> Self:
        """A head before a wall, encoded beforehand."""
        context: Any = av.CodecContext.create({"H264": "libx264", "VP8": "libvpx"}[codec], "w")
        context.width, context.height = SIZE
        context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, 90_000), Fraction(15)
        context.gop_size, context.thread_count, context.bit_rate = 10_000, 1, 600_000
        context.options = (
            {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline"}
            if codec == "H264"
            else {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        )
        chance = np.random.default_rng(seed)
        wall = chance.integers(70, 130, (SIZE[1] // 20, SIZE[0] // 20)).repeat(20, 0).repeat(20, 1)
        pictures = []
        for count in range(2 * HALF):
            tint = (122, 132) if not marked else RED if is_red(count) else BLUE
            frame = av.VideoFrame.from_numpy_buffer(head(wall, chance, count * STEP, tint), "yuv420p")
            frame.pts = round(count * STEP * 90_000)
            frame.pict_type = PictureType.NONE if count else PictureType.I
            pictures += [list(_packets(codec, bytes(packet))) for packet in context.encode(frame)]
        return cls(codec, pictures)


def is_red(count: int) -> bool:
    """Whether the wall is red in a picture."""
    return (count + HALF // 2) // HALF % 2 == 0


@dataclass
class Member:
    """Somebody in a room, or alone with the echo."""

    phone: Phone
    to: str
    sound: Party
    pictures: Party
    ends: tuple[tuple[str, int], tuple[str, int]]
    """Where its sound and its pictures go."""
    payload_type: int
    codec: str
    keeps: bool = False
    """Whether what comes is kept."""
    heard: list[Came] = field(default_factory=list)
    seen: list[Came] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    """When the first packets of pictures with another colour went."""
    first: float = float("inf")
    """When the wall changes for the first time."""

    @classmethod
    async def call(cls, server: tuple[str, int], name: str, number: str, codec: str) -> Self:
        """Come in. Raises AssertionError where there is no video."""
        sound, pictures = Party(ssrc=hash(name) & 0xFFFF), Party(ssrc=hash(name) & 0xFFFF | 1 << 16)
        phone = await Phone.open(server, Caller(name, to=number))
        phone.say("INVITE", 1, body=_offer(sound.address[1], pictures.address[1], codec))
        answer = await phone.answer()
        assert answer.startswith("SIP/2.0 200"), answer
        to = value(answer, "To")
        phone.say("ACK", 1, to=to)
        line = re.search(r"^m=video (\d+) \S+ (\d+)", answer, re.MULTILINE)
        assert line is not None, answer
        assert line[1] != "0", f"no video: {answer}"
        ends = ("127.0.0.1", port_in(answer)), ("127.0.0.1", int(line[1]))
        member = cls(phone, to, sound, pictures, ends, int(line[2]), codec)
        loop = asyncio.get_running_loop()
        for party, kept in ((sound, member.heard), (pictures, member.seen)):
            party.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            party.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            loop.add_reader(party.socket, member._read, party.socket, kept)
        return member

    async def leave(self) -> None:
        self.phone.say("BYE", 2, to=self.to)
        await self.phone.answer("2 BYE")
        self.phone.transport.close()
        for party in (self.sound, self.pictures):
            asyncio.get_running_loop().remove_reader(party.socket)
            party.socket.close()

    def _read(self, bound: socket.socket, kept: list[Came]) -> None:
        for _ in range(64):
            try:
                data, ancillary, _, _ = bound.recvmsg(2048, 64)
            except OSError:
                return
            if self.keeps:
                seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
                kept.append(Came(seconds + nanoseconds / 1e9, data))

    async def film(self, camera: Camera, until: asyncio.Event) -> None:
        """Show pictures, the next one every `STEP`."""
        began, count, sequence = _now(), 0, 0
        self.first = began + next(count for count in range(HALF) if not is_red(count)) * STEP
        while not until.is_set():
            await _sleep_to(began + count * STEP)
            if count and is_red(count) != is_red(count - 1):
                self.sent.append(_now())
            packets = camera.pictures[count % len(camera.pictures)]
            for payload in packets:
                sequence += 1
                last = payload is packets[-1]
                head = Rtp(
                    self.payload_type,
                    sequence & 0xFFFF,
                    round(count * STEP * 90_000),
                    self.pictures.ssrc,
                    payload,
                    last,
                )
                self.pictures.socket.sendto(head.print(), self.ends[1])
            count += 1

    async def talk(self, until: asyncio.Event, *, marked: bool) -> None:
        """Say silence, and, marked, a burst whenever the wall changes its colour, to the sample: a packet goes when its
        last sample has been said."""
        began, number = _now(), 0
        while not until.is_set():
            said = [marked and self._is_loud(began + (number * 160 + at) / 8000) for at in range(160)]
            payload = bytes((0x15 if at // 8 % 2 else 0x95) if loud else 0xD5 for at, loud in enumerate(said))
            number += 1
            await _sleep_to(began + number * FRAME)
            packet = Rtp(8, number & 0xFFFF, number * 160, self.sound.ssrc, payload)
            self.sound.socket.sendto(packet.print(), self.ends[0])

    def _is_loud(self, at: float) -> bool:
        return at >= self.first and (at - self.first) % EVERY < BURST


def _now() -> float:
    """By the clock of the kernel's times."""
    return time.time_ns() / 1e9


async def _sleep_to(moment: float) -> None:
    left = moment - _now()
    await asyncio.sleep(max(0.0, left))


def _offer(sound: int, pictures: int, codec: str) -> str:
    parameters = "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n" if codec == "H264" else ""
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {sound} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=rtcp-mux\r\n"
        f"m=video {pictures} RTP/AVP 97\r\na=rtpmap:97 {codec}/90000\r\n{parameters}"
        "a=rtcp-fb:97 nack pli\r\na=rtcp-mux\r\n"
    )


def _packets(codec: str, picture: bytes) -> Iterator[bytes]:
    """RFC 6184 section 5.8 (FU-A), RFC 7741 section 4.2."""
    if codec == "VP8":
        for at in range(0, len(picture), _LONGEST):
            yield bytes([0 if at else 0x10]) + picture[at : at + _LONGEST]
        return
    for unit in re.split(rb"\x00\x00\x00?\x01", picture)[1:]:
        if len(unit) <= _LONGEST:
            yield unit
            continue
        for at in range(1, len(unit), _LONGEST):
            bits = (0x80 if at == 1 else 0) | (0x40 if at + _LONGEST >= len(unit) else 0)
            yield bytes([unit[0] & 0x60 | 28, bits | unit[0] & 0x1F]) + unit[at : at + _LONGEST]


def whole_pictures(codec: str, came: Sequence[Came]) -> Iterator[tuple[float, int, bytes]]:
    """When the last packet of each picture came, its RTP time, and its bytes; those of which something is missing are
    left out, with all that follow up to the next complete one."""
    data, next_one, broken = bytearray(), None, False
    for at, packet in came:
        if 192 <= packet[1] <= 223:
            continue
        rtp = Rtp.parse(packet)
        broken |= next_one is not None and rtp.sequence != next_one
        next_one = rtp.sequence + 1 & 0xFFFF
        data += _unit(codec, rtp.payload)
        if rtp.marker:
            if not broken:
                yield at, rtp.timestamp, bytes(data)
            data.clear()
            broken = False


def _unit(codec: str, payload: bytes) -> bytes:
    start = b"\0\0\0\1"
    if codec == "VP8":
        extended = payload[0] & 0x80
        skip = 1
        if extended:
            flags = payload[1]
            skip = 2 + (2 if flags & 0x80 and payload[2] & 0x80 else bool(flags & 0x80)) + bool(flags & 0x40)
            skip += bool(flags & 0x30)
        return payload[skip:]
    kind = payload[0] & 0x1F
    if kind == 28:
        head = start + bytes([payload[0] & 0x60 | payload[1] & 0x1F]) if payload[1] & 0x80 else b""
        return head + payload[2:]
    if kind == 24:
        units, at = b"", 1
        while at < len(payload):
            (length,) = struct.unpack_from("!H", payload, at)
            units += start + payload[at + 2 : at + 2 + length]
            at += 2 + length
        return units
    return start + payload


def is_key(codec: str, picture: bytes) -> bool:
    """Whether a picture can be decoded alone (H.264: an IDR; RFC 6386 section 9.1)."""
    if codec == "VP8":
        return not picture[0] & 1
    return any(picture[at.end()] & 0x1F == 5 for at in re.finditer(rb"\x00\x00\x01", picture))


def changes(codec: str, came: Sequence[Came]) -> list[Change]:
    """Each picture from which on the wall has another colour."""
    decoder: Any = av.CodecContext.create({"H264": "h264", "VP8": "vp8"}[codec], "r")
    decoder.thread_count = 1
    found: list[Change] = []
    shown: bool | None = None
    for at, rtp, data in whole_pictures(codec, came):
        try:
            frames = decoder.decode(av.Packet(data))
        except av.FFmpegError:
            continue  # those before the first key frame
        for frame in frames:
            red = colour(frame)
            if red is not None and shown is not None and red != shown:
                found.append(Change(at, rtp, red))
            shown = shown if red is None else red
    return found


def colour(frame: Any) -> bool | None:
    """Whether a red wall is in a picture, or a blue one (False); None: none of both."""
    size = frame.width * frame.height
    whole = frame.to_ndarray(format="yuv420p").reshape(-1)
    u, v = whole[size : size * 5 // 4], whole[size * 5 // 4 : size * 3 // 2]
    red, blue = float((v > 190).mean()), float((u > 190).mean())
    return None if max(red, blue) < 0.03 else red > blue


def onsets(came: Sequence[Came]) -> list[Onset]:
    """Each first sample of a burst."""
    found, quiet = [], 0
    for at, packet in came:
        if 192 <= packet[1] <= 223:
            continue
        rtp = Rtp.parse(packet)
        samples = np.abs(np.array(decode_a_law(rtp.payload)))
        (loud,) = np.nonzero(samples > LOUD)
        if len(loud) and quiet + loud[0] > QUIET:
            found.append(Onset(at + loud[0] / 8000, rtp.timestamp + int(loud[0])))
        quiet = len(samples) - 1 - int(loud[-1]) if len(loud) else quiet + len(samples)
    return found


def clocks(came: Sequence[Came]) -> list[Clock]:
    """What sender reports said, in order. Raises AssertionError where one has no CNAME (RFC 3550 section 6.1)."""
    found = []
    for at, packet in came:
        if packet[1] != 200:
            continue
        _, _, length, _, seconds, part, rtp = struct.unpack_from("!BBHIIII", packet)
        described = packet[4 * (length + 1) :]
        assert described[1] == 202, packet.hex()
        assert described[8] == 1, packet.hex()
        name = described[10 : 10 + described[9]].decode()
        found.append(Clock(at, seconds - 2_208_988_800 + part / (1 << 32), rtp, name))
    return found


def moment(rtp: int, rate: int, clock: Clock) -> float:
    """The wall time of an RTP time, by a sender report."""
    ahead = (rtp - clock.rtp + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
    return clock.ntp + ahead / rate
