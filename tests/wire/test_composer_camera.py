"""A camera as a member, served over RTSP by a server that was not written here."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from gateways.video import records
from gateways.video.records import Camera, Face, Scene, Trouble
from tests.support.cameras import film, serving
from tests.support.composing import BLUE, PATIENCE, Desk, Eye, composer, near, output
from tests.support.server import free_sip_port

HZ = 440
SCENE = Scene(1, 640, 360, 15, "speaker", (Face("gate", 5, "Gate"),), outputs=(output(11),))


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
    film(tmp_path / "gate.mp4", 20, hz=HZ)
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
    film(tmp_path / "gate.mp4", hz=HZ)
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


def test_a_camera_with_pictures_too_large_to_be_shown_is_not_decoded(tmp_path: Path) -> None:
    film(tmp_path / "gate.mp4", size=(2560, 1440))
    port = free_sip_port("127.0.0.1")
    with composer(tmp_path) as desk, serving(tmp_path, port):
        desk.control.say(records.told(records.CAMERA, Camera(5, f"rtsp://127.0.0.1:{port}/gate.mp4")))
        desk.show(SCENE)
        told = "Connection refused"
        while told == "Connection refused":  # the server may come later than the camera is asked for
            told = records.read_told(desk.control.until(records.TROUBLE), Trouble).reason
        assert told == "Invalid argument"


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
