"""One picture, encoded once for all who see it."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
from av.video.frame import PictureType

from gateways.video.composer.canvas import Canvas
from gateways.video.records import H264, Output

_CLOCK: Final = Fraction(1, 90_000)
KEY_SECONDS: Final = 10
"""A key frame comes at least so often, though nobody asks."""
_BUFFER_SECONDS: Final = 0.5
"""How much the rate may swing: a key frame is larger than those after it."""


class Encoder:
    """H.264 in constrained baseline, or VP8, of constant rate and without delay: what goes in comes out at once."""

    def __init__(self, output: Output, width: int, height: int, fps: int) -> None:
        self.output = output
        self._shape = (width, height, fps)
        self._context = _context(output, *self._shape)
        self._key = True

    def force_key(self) -> None:
        """The next picture is a key frame."""
        self._key = True

    def change(self, output: Output) -> None:
        """Another rate or form holds from the next picture on, which is a key frame."""
        if output != self.output:
            self.output = output
            self._context = _context(output, *self._shape)
            self._key = True

    def encode(self, canvas: Canvas, rtp: int) -> Iterator[tuple[int, bool, bytes]]:
        """RTP time, whether it is a key frame, and the bytes: Annex B with parameter sets before each key frame, or a
        frame of VP8. Raises av.FFmpegError."""
        frame = av.VideoFrame.from_numpy_buffer(canvas.pixels, "yuv420p")
        frame.pts = rtp
        frame.time_base = _CLOCK
        if self._key:
            frame.pict_type = PictureType.I
            self._key = False
        for packet in self._context.encode(frame):
            yield packet.pts if packet.pts is not None else rtp, packet.is_keyframe, bytes(packet)


def _context(output: Output, width: int, height: int, fps: int) -> Any:
    context = av.CodecContext.create("libx264" if output.codec == H264 else "libvpx", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base = _CLOCK
    context.framerate = Fraction(fps)
    context.thread_count = 1
    context.gop_size = KEY_SECONDS * fps
    context.max_b_frames = 0
    bits = output.kbps * 1000
    context.bit_rate = bits
    buffer = str(int(bits * _BUFFER_SECONDS))
    if output.codec == H264:
        more = ["sliced-threads=0"]
        if output.longest_slice:
            more.append(f"slice-max-size={output.longest_slice}")
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "maxrate": str(bits),
            "bufsize": buffer,
            "forced-idr": "1",
            "x264-params": ":".join(more),
        }
    else:
        context.options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "error-resilient": "default",
            "minrate": str(bits),
            "maxrate": str(bits),
            "bufsize": buffer,
            "max-intra-rate": "300",
            "undershoot-pct": "95",
        }
    context.open()
    return context
