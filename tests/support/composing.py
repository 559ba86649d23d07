"""A composer under test: its process, what a media engine and call control say to it, and members with pictures."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from gateways.video import records
from gateways.video.records import Beat, Encoded, Frames, Output, Picture, Scene

Colour = tuple[int, int, int]
RED: Colour = (81, 90, 240)
GREEN: Colour = (145, 54, 34)
BLUE: Colour = (41, 240, 110)
YELLOW: Colour = (210, 16, 146)
PATIENCE = 30.0
"""Seconds until what does not come is missed."""


class Eye:
    """Decodes what a viewer gets."""

    def __init__(self, codec: str) -> None:
        self._decoder: Any = av.CodecContext.create({"H264": "h264", "VP8": "vp8"}[codec], "r")
        self.frame: Any = None
        self._began = False

    def see(self, picture: Encoded) -> None:
        """Those before the first key frame are nothing to it."""
        self._began = self._began or picture.key
        if self._began:
            for frame in self._decoder.decode(av.Packet(picture.data)):
                self.frame = frame

    def colour_at(self, x: int, y: int) -> Colour:
        return colour_of(self.frame, x, y)


def colour_of(frame: Any, x: int, y: int) -> Colour:
    """Of one pixel of a decoded picture."""
    whole = frame.to_ndarray(format="yuv420p").reshape(-1)
    width, size = frame.width, frame.width * frame.height
    at = y // 2 * (width // 2) + x // 2
    return int(whole[y * width + x]), int(whole[size + at]), int(whole[size + size // 4 + at])


def near(colour: Colour, other: Colour, by: int = 12) -> bool:
    return all(abs(one - two) <= by for one, two in zip(colour, other, strict=True))


class Sender:
    """A member: a picture of one colour after the other, in which something moves."""

    def __init__(self, member: int, colour: Colour, width: int = 320, height: int = 180, codec: str = "H264") -> None:
        self.member, self.colour, self.codec = member, colour, codec
        self.count = 0
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        self._size = (width, height)
        context: Any = av.CodecContext.create({"H264": "libx264", "VP8": "libvpx"}[self.codec], "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 90_000), Fraction(15)
        context.gop_size = 10_000
        context.thread_count = 1
        context.bit_rate = 300_000
        context.options = (
            {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "forced-idr": "1"}
            if self.codec == "H264"
            else {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        )
        self._context = context
        self._key = True

    def picture(self, *, key: bool = False, gap: bool = False) -> Picture:
        width, height = self._size
        pixels = np.empty((height * 3 // 2, width), np.uint8)
        flat, size = pixels.reshape(-1), width * height
        for start, end, value in zip(
            (0, size, size * 5 // 4), (size, size * 5 // 4, size * 3 // 2), self.colour, strict=True
        ):
            flat[start:end] = value
        pixels[:8, (self.count * 4) % (width - 8) :][:, :8] = 235
        frame = av.VideoFrame.from_numpy_buffer(pixels, "yuv420p")
        frame.pts = rtp = self.count * 6000
        if key or self._key:
            frame.pict_type = av.video.frame.PictureType.I
            self._key = False
        self.count += 1
        (packet,) = self._context.encode(frame)
        return Picture(self.member, self.codec, packet.is_keyframe, gap, rtp, 0, bytes(packet))


class Line:
    """A connection to a composer."""

    def __init__(self, path: Path, role: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._frames = Frames()
        self._ready: list[bytes] = []
        self._socket.sendall(records.greeting(role))
        answer = b""
        while len(answer) < records.GREETING.size:
            answer += self._socket.recv(records.GREETING.size - len(answer))
        assert records.read_greeting(answer) == role

    def say(self, frame: bytes) -> None:
        self._socket.settimeout(PATIENCE)
        self._socket.sendall(frame)

    def heard(self, seconds: float = PATIENCE) -> bytes:
        """The next frame. Raises TimeoutError, or ConnectionError at the end."""
        self._socket.settimeout(seconds)
        while not self._ready:
            data = self._socket.recv(1 << 18)
            if not data:
                raise ConnectionResetError("the composer has gone")
            self._ready += self._frames.feed(data)
        return self._ready.pop(0)

    def until(self, kind: int) -> bytes:
        """The next frame of a kind."""
        give_up = time.perf_counter() + PATIENCE
        while time.perf_counter() < give_up:
            frame = self.heard()
            if frame[0] == kind:
                return frame
        raise TimeoutError(f"no record of kind {kind}")

    def skim(self, seconds: float) -> None:
        """Read for so long, and keep nothing."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            with contextlib.suppress(TimeoutError):
                self.heard(left)
            self._ready.clear()

    def close(self) -> None:
        self._socket.close()


class Desk:
    """A composer's process with both its peers."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "composer.sock"
        self.said = folder / "composer.log"
        with self.said.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "softswitch", "compose", "--socket", str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        give_up = time.perf_counter() + PATIENCE
        while True:
            try:
                self.control = Line(self.path, records.CONTROL)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.perf_counter() > give_up:
                    raise
                time.sleep(0.02)
        self.engine = Line(self.path, records.ENGINE)

    def connect_again(self) -> None:
        """After a crash: whoever listens goes on listening."""
        self.control.close()
        self.engine.close()
        self.control = Line(self.path, records.CONTROL)
        self.engine = Line(self.path, records.ENGINE)

    def show(self, scene: Scene) -> None:
        self.control.say(records.told(records.SCENE, scene))

    def beat(self) -> Beat:
        return records.read_told(self.control.until(records.BEAT), Beat)

    def crash(self) -> None:
        """kill -9 of what composes."""
        os.kill(self.beat().pid, signal.SIGKILL)

    def encoded(self, source: int) -> Encoded:
        """The next picture of a source."""
        while True:
            picture = records.read_encoded(self.engine.until(records.ENCODED))
            if picture.source == source:
                return picture

    def see(self, eye: Eye, source: int, until: Callable[[Eye], bool], *senders: Sender) -> Eye:
        """Watch, while members send, until what is to be seen is seen. Raises TimeoutError."""
        if eye.frame is None:
            self.engine.say(records.number(records.WANTED, source))
        give_up = time.perf_counter() + PATIENCE
        while time.perf_counter() < give_up:
            frame = self.engine.heard()
            if frame[0] == records.MEMBER_WANTED:
                for sender in senders:
                    if sender.member == records.read_number(frame):
                        self.engine.say(records.picture(sender.picture(key=True)))
            elif frame[0] == records.ENCODED:
                picture = records.read_encoded(frame)
                if picture.source != source:
                    continue
                eye.see(picture)
                if eye.frame is not None and until(eye):
                    return eye
                for sender in senders:
                    self.engine.say(records.picture(sender.picture()))
        raise TimeoutError("what is to be seen is not seen")

    def end(self) -> None:
        self.control.close()
        self.engine.close()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()


@contextlib.contextmanager
def composer(folder: Path) -> Iterator[Desk]:
    """A composer's process, until the end of the test."""
    desk = Desk(folder)
    try:
        yield desk
    finally:
        desk.end()


def output(source: int, codec: Any = "H264", kbps: int = 800, longest_slice: int = 0) -> Output:
    return Output(source, codec, kbps, longest_slice)
