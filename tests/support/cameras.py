"""Cameras under test: films, served over RTSP by a server that was not written here."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.support.composing import BLUE


def film(path: Path, seconds: int = 2, *, hz: int = 0, size: tuple[int, int] = (320, 180)) -> None:
    """Some seconds in blue; `hz`: with a tone, in stereo at 48 kHz."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(
            "libx264", rate=15, options={"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        )
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        sound: Any = file.add_stream("aac", rate=48_000, layout="stereo") if hz else None
        for at in range(15 * seconds):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane, value in zip(frame.planes, BLUE, strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            file.mux(stream.encode(frame))
            if sound is not None:
                file.mux(sound.encode(tone(hz, at * 3200, 3200)))
        file.mux(stream.encode(None))
        if sound is not None:
            file.mux(sound.encode(None))


def tone(hz: int, begin: int, count: int) -> Any:
    """Samples of the tone, from one on."""
    wave = 8000 * np.sin(2 * np.pi * hz * np.arange(begin, begin + count) / 48_000)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32) / 32768, "fltp", "stereo")
    frame.sample_rate, frame.pts = 48_000, begin
    return frame


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """An RTSP server with the files of a folder."""
    program = (
        "import asyncio, sys; from aio_rtsp_toolkit.server import serve;"
        "asyncio.run(serve(sys.argv[1], '127.0.0.1', int(sys.argv[2])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder), str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    ) as server:
        try:
            yield
        finally:
            server.kill()
