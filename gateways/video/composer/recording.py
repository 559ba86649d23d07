"""A picture into a file that can be played up to where it was written, whatever ends the writing."""

from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from gateways.video.composer.canvas import Canvas
from gateways.video.composer.pace import RTP_RATE

FRAGMENT_SECONDS: Final = 1
"""So much is lost at most when the process dies: each fragment of the file is complete in itself."""


class Recording:
    """One file, `<path>.<microseconds of CLOCK_MONOTONIC at its first picture>.mp4`, of one size throughout."""

    def __init__(self, path: str, canvas: Canvas, fps: int, kbps: int) -> None:
        self._begin = path
        self._shape = (canvas.width, canvas.height, fps, kbps)
        self._file: av.container.OutputContainer | None = None
        self._first = 0

    @property
    def path(self) -> str:
        """Of the file, once there is one."""
        return self._file.name if self._file is not None else ""

    def add(self, canvas: Canvas, rtp: int, now: float) -> None:
        """One picture. Raises OSError or av.FFmpegError where it cannot be written."""
        if self._file is None:
            self._open(now)
            self._first = rtp
        assert self._file is not None
        frame = av.VideoFrame.from_numpy_buffer(canvas.pixels, "yuv420p")
        frame.pts = rtp - self._first
        frame.time_base = Fraction(1, RTP_RATE)
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        """The file is complete. Raises OSError or av.FFmpegError where it is not."""
        if self._file is not None:
            self._file.mux(self._stream.encode(None))
            self._file.close()
            self._file = None

    def _open(self, now: float) -> None:
        width, height, fps, kbps = self._shape
        path = Path(f"{self._begin}.{round(now * 1_000_000)}.mp4")
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        self._file = av.open(str(path), "w", format="mp4", options=options)
        stream = self._stream = self._file.add_stream("libx264", rate=fps)
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, RTP_RATE)
        context.thread_count = 1
        context.gop_size = FRAGMENT_SECONDS * fps
        context.max_b_frames = 0
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "crf": "26",
            "maxrate": str(kbps * 1000),
            "bufsize": str(kbps * 2000),
        }
