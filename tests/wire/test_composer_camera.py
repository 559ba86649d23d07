"""A camera as a member, served over RTSP by a server that was not written here."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from gateways.video import records
from gateways.video.records import Camera, Face, Scene, Trouble
from tests.support.composing import BLUE, PATIENCE, Desk, Eye, composer, near, output
from tests.support.server import free_sip_port

SCENE = Scene(1, 640, 360, 15, "speaker", (Face("gate", 5, "Gate"),), outputs=(output(11),))


HZ = 440.0


def film(path: Path, seconds: int = 2, *, loud: bool = False) -> None:
    """Some seconds in blue; `loud`: with a tone in stereo at 48 kHz."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(
            "libx264", rate=15, options={"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        sound: Any = file.add_stream("aac", rate=48_000, layout="stereo") if loud else None
        for at in range(15 * seconds):
            frame = av.VideoFrame(320, 180, "yuv420p")
            for plane, value in zip(frame.planes, BLUE, strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            file.mux(stream.encode(frame))
            if sound is not None:
                file.mux(sound.encode(tone(at * 3200, 3200)))
        file.mux(stream.encode(None))
        if sound is not None:
            file.mux(sound.encode(None))


def tone(begin: int, count: int) -> Any:
    """Samples of the tone, from one on."""
    wave = 8000 * np.sin(2 * np.pi * HZ * np.arange(begin, begin + count) / 48_000)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32) / 32768, "fltp", "stereo")
    frame.sample_rate, frame.pts = 48_000, begin
    return frame


def hears(desk: Desk, member: int, samples: int) -> Any:
    """So many of the samples that come of a member."""
    heard = b""
    give_up = time.perf_counter() + PATIENCE
    while len(heard) < 2 * samples:
        assert time.perf_counter() < give_up, f"only {len(heard) // 2} samples have come"
        number, some = records.read_sound(desk.engine.until(records.SOUND))
        assert number == member
        heard += some
    return np.frombuffer(heard, "<i2").astype(float)


def share(samples: Any, hz: float) -> float:
    """How much of the strength of some sound is at a frequency."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    at = round(hz * len(samples) / records.SOUND_RATE)
    return float(power[at - 4 : at + 5].sum() / max(power.sum(), 1.0))


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


def test_a_camera_is_heard_also_while_nobody_sees_it(tmp_path: Path) -> None:
    film(tmp_path / "gate.mp4", 20, loud=True)
    port = free_sip_port("127.0.0.1")
    with composer(tmp_path) as desk, serving(tmp_path, port):
        url = f"rtsp://127.0.0.1:{port}/gate.mp4"
        desk.control.say(records.told(records.CAMERA, Camera(5, url, sound=True)))
        assert share(hears(desk, 5, 16_000)[4000:], HZ) > 0.95
        assert records.read_told(desk.control.until(records.TROUBLE), Trouble).reason in ("", "Connection refused")
        desk.show(SCENE)
        desk.see(Eye("H264"), 11, lambda eye: near(eye.colour_at(320, 100), BLUE))
        assert share(hears(desk, 5, 16_000)[4000:], HZ) > 0.95


def test_the_sound_of_a_camera_is_not_fetched_where_it_is_not_wanted(tmp_path: Path) -> None:
    film(tmp_path / "gate.mp4", loud=True)
    port = free_sip_port("127.0.0.1")
    with composer(tmp_path) as desk, serving(tmp_path, port):
        desk.control.say(records.told(records.CAMERA, Camera(5, f"rtsp://127.0.0.1:{port}/gate.mp4")))
        desk.show(SCENE)
        eye, kinds = Eye("H264"), set()
        while eye.frame is None or not near(eye.colour_at(320, 100), BLUE):
            frame = desk.engine.heard()
            kinds.add(frame[0])
            if frame[0] == records.ENCODED:
                eye.see(records.read_encoded(frame))
        assert records.SOUND not in kinds


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
