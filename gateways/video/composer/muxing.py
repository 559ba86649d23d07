"""Pictures and sound of a meeting, recorded apart, become one file: `python -m gateways.video.composer.muxing` with a
`Job` in JSON on its standard input. It prints the length in milliseconds; exit status 1: why not.

Pictures lie in files `<anything>.<microseconds of CLOCK_MONOTONIC at the first picture>.mp4`. Those of one take follow
each other, with a gap where the composer had to be begun anew: the last picture stands, and sound goes on. Between two
takes the recording was paused: neither is there.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any, Final

import av
import msgspec
import numpy as np

GENTLE: Final = 10
"""How much this stands back behind those who carry sound (nice(2))."""
_PICTURE_CLOCK: Final = Fraction(1, 90_000)
_SOUND_RATE: Final = 48_000
_SOUND_BITS: Final = 64_000
_SOUND_FRAME: Final = 1024
"""Samples of a frame of AAC."""
_MICRO: Final = 1_000_000


class Job(msgspec.Struct, frozen=True):
    """What is to be made of what."""

    takes: list[list[str]]
    """Files with pictures, take by take."""
    sound: str
    """A file with the sound of the whole meeting; empty: there is none."""
    sound_began_us: int
    """When its first sample was heard, by CLOCK_MONOTONIC."""
    out: str


@dataclass(frozen=True, slots=True)
class _Part:
    path: str
    began_us: int
    length_us: int


@dataclass(frozen=True, slots=True)
class _Take:
    parts: tuple[_Part, ...]
    at_us: int
    """Where it begins in what is made."""

    @property
    def began_us(self) -> int:
        return self.parts[0].began_us

    @property
    def length_us(self) -> int:
        last = self.parts[-1]
        return last.began_us + last.length_us - self.began_us


def mux(job: Job) -> int:
    """Make the file, and give its length in milliseconds. Raises OSError, av.FFmpegError, or ValueError where there are
    no pictures."""
    takes: list[_Take] = []
    at = 0
    for files in job.takes:
        parts = tuple(sorted(filter(None, map(_part, files)), key=lambda part: part.began_us))
        if parts:
            takes.append(_Take(parts, at))
            at += takes[-1].length_us
    if not takes:
        raise ValueError("there are no pictures in it")
    unfinished = Path(f"{job.out}.part")
    try:
        with av.open(str(unfinished), "w", format="mp4", options={"movflags": "faststart"}) as out:
            with av.open(takes[0].parts[0].path) as first:
                video = out.add_stream_from_template(first.streams.video[0])
            streams = [_pictures(takes, video)]
            if job.sound:
                streams.append(_sound(job, takes, out.add_stream("aac", rate=_SOUND_RATE)))
            for _, packet in merge(*streams, key=lambda timed: timed[0]):
                out.mux(packet)
        unfinished.replace(job.out)
    finally:
        unfinished.unlink(missing_ok=True)
    return at // 1000


def _part(path: str) -> _Part | None:
    """What is in a file; None: nothing that could be played, since its writer died too soon."""
    began = int(path.removesuffix(".mp4").rpartition(".")[2])
    try:
        with av.open(path) as file:
            stream = file.streams.video[0]
            length = max((_micro(packet, packet.pts + packet.duration) for packet in _whole(file, stream)), default=0)
            return _Part(path, began, length) if length else None
    except (av.InvalidDataError, av.EOFError, IndexError):
        return None


def _whole(file: Any, stream: Any) -> Iterator[Any]:
    """Packets, without the one in which the writer died."""
    return (packet for packet in file.demux(stream) if packet.pts is not None and not packet.is_corrupt)


def _micro(packet: Any, moment: int) -> int:
    return int(moment * packet.time_base * _MICRO)


def _pictures(takes: list[_Take], stream: Any) -> Iterator[tuple[int, Any]]:
    """Packets with their times in microseconds."""
    last = -1
    for take in takes:
        for part in take.parts:
            offset = take.at_us + part.began_us - take.began_us
            with av.open(part.path) as file:
                for packet in _whole(file, file.streams.video[0]):
                    at = offset + _micro(packet, packet.pts)
                    last = max(at * 9 // 100, last + 1)
                    packet.stream = stream
                    packet.time_base = _PICTURE_CLOCK
                    packet.pts = packet.dts = last
                    packet.duration = 0
                    yield at, packet


def _sound(job: Job, takes: list[_Take], stream: Any) -> Iterator[tuple[int, Any]]:
    """Those of what was heard during the takes."""
    stream.codec_context.layout = "mono"
    stream.codec_context.format = "fltp"
    stream.bit_rate = _SOUND_BITS
    count = 0
    for samples in _framed(_heard(job, takes)):
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = _SOUND_RATE, count, Fraction(1, _SOUND_RATE)
        for packet in stream.encode(frame):
            yield count * _MICRO // _SOUND_RATE, packet
        count += len(samples)
    for packet in stream.encode(None):
        yield count * _MICRO // _SOUND_RATE, packet


def _framed(pieces: Iterator[Any]) -> Iterator[Any]:
    """In pieces as the encoder takes them; the last one is filled up with silence."""
    left = np.zeros(0, np.int16)
    for piece in pieces:
        left = np.concatenate((left, piece))
        whole = len(left) // _SOUND_FRAME * _SOUND_FRAME
        yield from left[:whole].reshape(-1, _SOUND_FRAME)
        left = left[whole:]
    if len(left):
        yield np.concatenate((left, np.zeros(_SOUND_FRAME - len(left), np.int16)))


def _heard(job: Job, takes: list[_Take]) -> Iterator[Any]:
    """Samples of each take; silence where the sound had not begun, or has ended."""
    at, pieces = 0, _decoded(job.sound)
    held = np.zeros(0, np.int16)
    for take in takes:
        begin, end = (
            (moment - job.sound_began_us) * _SOUND_RATE // _MICRO
            for moment in (take.began_us, take.began_us + take.length_us)
        )
        if begin < 0:
            yield np.zeros(min(end, 0) - begin, np.int16)
            begin = 0
        while begin < end:
            if at + len(held) <= begin:  # all of it is before
                at += len(held)
                piece = next(pieces, None)
                if piece is None:
                    yield np.zeros(end - begin, np.int16)
                    held = np.zeros(0, np.int16)
                    break
                held = piece
                continue
            piece = held[begin - at : end - at]
            yield piece
            begin += len(piece)


def _decoded(path: str) -> Iterator[Any]:
    resampler = av.AudioResampler("s16", "mono", _SOUND_RATE)
    with av.open(path) as file:
        for frame in file.decode(audio=0):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray().reshape(-1)
        for resampled in resampler.resample(None):
            yield resampled.to_ndarray().reshape(-1)


def main() -> None:
    """One job."""
    os.nice(GENTLE)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        print(mux(job))
    except (OSError, av.FFmpegError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
