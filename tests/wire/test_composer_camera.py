"""A camera as a member, served over RTSP by a server that was not written here."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from gateways.video import records
from gateways.video.records import Camera, Face, Scene, Trouble
from tests.support.composing import BLUE, PATIENCE, Eye, composer, near, output
from tests.support.server import free_sip_port

SCENE = Scene(1, 640, 360, 15, "speaker", (Face("gate", 5, "Gate"),), outputs=(output(11),))


def film(path: Path) -> None:
    """Two seconds in blue."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(
            "libx264", rate=15, options={"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(30):
            frame = av.VideoFrame(320, 180, "yuv420p")
            for plane, value in zip(frame.planes, BLUE, strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


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


def test_a_camera_is_seen_and_seen_again_when_it_comes_back(tmp_path: Path) -> None:
    film(tmp_path / "gate.mp4")
    port = free_sip_port("127.0.0.1")
    with composer(tmp_path) as desk:
        desk.control.say(records.told(records.CAMERA, Camera(5, f"rtsp://user:secret@127.0.0.1:{port}/gate.mp4")))
        desk.show(SCENE)
        trouble = records.read_told(desk.control.until(records.TROUBLE), Trouble)
        assert (trouble.what, trouble.number) == ("camera", 5)
        assert trouble.reason == "Connection refused"
        eye = Eye("H264")
        with serving(tmp_path, port):
            desk.see(eye, 11, lambda eye: near(eye.colour_at(320, 100), BLUE))
            assert records.read_told(desk.control.until(records.TROUBLE), Trouble) == Trouble("camera", 5, "")
        desk.see(eye, 11, lambda eye: not near(eye.colour_at(320, 100), BLUE))
        assert records.read_told(desk.control.until(records.TROUBLE), Trouble).reason
        with serving(tmp_path, port):
            desk.see(eye, 11, lambda eye: near(eye.colour_at(320, 100), BLUE))


def test_a_camera_that_is_dropped_is_let_go(tmp_path: Path) -> None:
    film(tmp_path / "gate.mp4")
    port = free_sip_port("127.0.0.1")
    with composer(tmp_path) as desk, serving(tmp_path, port):
        desk.control.say(records.told(records.CAMERA, Camera(5, f"rtsp://127.0.0.1:{port}/gate.mp4")))
        desk.show(SCENE)
        eye = desk.see(Eye("H264"), 11, lambda eye: near(eye.colour_at(320, 100), BLUE))
        desk.control.say(records.number(records.DROP, 5))
        desk.see(eye, 11, lambda eye: not near(eye.colour_at(320, 100), BLUE))
        give_up = time.perf_counter() + PATIENCE
        pid = desk.beat().pid
        while len(list(Path(f"/proc/{pid}/task").iterdir())) > 1:
            assert time.perf_counter() < give_up
            desk.beat()
