"""A party of a media leg, in plain Python: a socket that sends and hears RTP."""

import asyncio
import math
import socket
import struct
from array import array
from bisect import bisect_left
from types import TracebackType
from typing import NamedTuple

PATIENCE = 5.0
"""Seconds until what should arrive is given up."""


class Rtp(NamedTuple):
    """One packet (RFC 3550 section 5.1)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def print(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        return struct.pack("!BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc) + self.payload

    @classmethod
    def parse(cls, data: bytes) -> "Rtp":
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        assert first == 0x80, f"no plain RTP: {data[:12].hex()}"
        return cls(second & 0x7F, sequence, timestamp, ssrc, data[12:], bool(second & 0x80))


class Party:
    """A phone's media side: one socket, used within a running event loop."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, ssrc: int = 0x5EED) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.setblocking(False)
            self.socket.bind((host, port))
            self.address: tuple[str, int] = self.socket.getsockname()[:2]
            # Where the kernel chooses, an even port: RTCP comes to the next one, which would be another party's.
            if port or self.address[1] % 2 == 0:
                break
            self.socket.close()
        self.ssrc = ssrc
        self._sequence = 0

    def __enter__(self) -> "Party":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, to: tuple[str, int], payload: bytes = b"\xd5" * 160, *, payload_type: int = 8) -> Rtp:
        """Send the next 20 ms; gives what was sent."""
        self._sequence += 1
        packet = Rtp(payload_type, self._sequence, self._sequence * len(payload), self.ssrc, payload)
        self.socket.sendto(packet.print(), to)
        return packet

    def press(self, to: tuple[str, int], digit: str, *, timestamp: int, ends: int = 3) -> None:
        """Send one key as a phone does (RFC 4733 section 2.5.1.4): updates, then the end three times."""
        event = "0123456789*#ABCD".index(digit)
        for duration, end in [(160, 0), (320, 0), (480, 0), *[(640, 0x80)] * ends]:
            self._sequence += 1
            payload = struct.pack("!BBH", event, end | 10, duration)
            self.socket.sendto(Rtp(101, self._sequence, timestamp, self.ssrc, payload).print(), to)

    async def hear(self) -> Rtp:
        """The next packet."""
        return Rtp.parse(await self.hear_bytes())

    async def hear_bytes(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.socket, 2048)

    def heard_nothing(self) -> bool:
        """Whether nothing waits to be heard."""
        try:
            self.socket.recv(2048)
        except BlockingIOError:
            return True
        return False


async def talk(party: Party, to: tuple[str, int], frequency: float, seconds: float, *, frame_ms: int = 20) -> None:
    """Say a tone for so long, as A-law in packets of a length."""
    length = 8 * frame_ms
    loop = asyncio.get_running_loop()
    start = loop.time()
    for n in range(round(seconds * 1000 / frame_ms)):
        await asyncio.sleep(max(0.0, start + n * frame_ms / 1000 - loop.time()))
        at = range(n * length, (n + 1) * length)
        party.send(to, bytes(_A_LAW[round(PEAK * math.sin(2 * math.pi * frequency * i / 8000)) >> 4] for i in at))


def heard_now(party: Party) -> list[Rtp]:
    """All packets that wait to be heard."""
    packets = []
    while True:
        try:
            packets.append(Rtp.parse(party.socket.recv(2048)))
        except BlockingIOError:
            return packets


PEAK = 8000
"""Of the tones that parties say."""


def decode_a_law(codes: bytes) -> list[int]:
    """ITU-T G.711 table 1, in 16-bit units."""
    samples = []
    for code in codes:
        code ^= 0x55
        segment, step = code >> 4 & 7, (code & 0x0F) << 4 | 8
        magnitude = step if segment == 0 else (step | 0x100) << (segment - 1)
        samples.append(magnitude if code & 0x80 else -magnitude)
    return samples


def encode_a_law(samples: list[int]) -> bytes:
    """The nearest code of each sample."""
    codes = sorted(range(256), key=lambda code: decode_a_law(bytes([code]))[0])
    levels = decode_a_law(bytes(codes))
    return bytes(codes[min(bisect_left(levels, sample), 255)] for sample in samples)


def amplitude_at(samples: list[int], frequency: float, rate: int = 8000) -> float:
    """The peak amplitude of one frequency (Goertzel)."""
    factor = 2 * math.cos(2 * math.pi * frequency / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    return 2 * math.sqrt(max(0.0, last * last + before * before - factor * last * before)) / len(samples)


def sine(frequency: float, seconds: float, rate: int, peak: int = 8000) -> bytes:
    """16-bit samples of a tone, in the machine's order (which `wave` wants)."""
    return array(
        "h", (round(peak * math.sin(2 * math.pi * frequency * n / rate)) for n in range(round(seconds * rate)))
    ).tobytes()


_A_LAW = {decoded >> 4: code for code, decoded in enumerate(decode_a_law(bytes(range(256))))}
"""The code of each value, in units of 16: those between two codes take the next one below."""
_last = _A_LAW[min(_A_LAW)]
for _value in range(-2048, 2048):
    _last = _A_LAW.setdefault(_value, _last)
