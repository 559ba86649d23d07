"""Composed pictures and their sound, in one file."""

import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from gateways.video import records
from gateways.video.composer.muxing import Job, mux
from gateways.video.composer.works import Works
from gateways.video.records import Face, Record, Recorded, Scene
from tests.support.composing import BLUE, RED, Sender, colour_of, near, output

RATE = 16_000


class Room:
    """A composed room in a time of its own."""

    def __init__(self, now: float = 1000.0) -> None:
        self.told: list[Recorded] = []
        self.works = Works(lambda frame: None, self._tell, lambda: None)
        self.now = now
        self.member = Sender(1, RED)
        self.works.scene(Scene(1, 640, 360, 15, "speaker", (Face("a", 1),), outputs=(output(11),)), self.now)

    def _tell(self, frame: bytes) -> None:
        if frame[4] == records.RECORDED:
            self.told.append(records.read_told(frame[4:], Recorded))

    def record(self, path: Path | str) -> None:
        self.works.record(Record(1, str(path), 1000 if path else 0))

    def live(self, seconds: float, *, flash_at: float | None = None) -> None:
        """The member sends 15 pictures a second, just after each one that is drawn, and is blue from a moment on."""
        for _ in range(round(seconds * 15)):
            self.now += 1 / 15
            self.works.tick(self.now, "")
            if flash_at is not None and self.now + 0.001 >= flash_at:
                self.member.colour = BLUE
            self.works.picture(self.member.picture())


def tone(path: Path, began: float, seconds: float, from_: float) -> None:
    """A sound that is silent until a moment, and a tone from then on."""
    samples = (8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)
    samples[: int((from_ - began) * RATE)] = 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def parts(folder: Path, take: int = 0) -> list[str]:
    return sorted(str(path) for path in folder.glob(f"meeting.{take}.*.mp4"))


def pictures(path: Path | str) -> list[tuple[float, Any]]:
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(video=0) if not packet.is_corrupt]
        return [(float(frame.time or 0), frame) for packet in packets for frame in packet.decode()]


def sound(path: Path) -> tuple[Any, int]:
    """Samples from the beginning of the file, and their rate."""
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    rate = frames[0].sample_rate
    whole = np.zeros(int(float(frames[-1].time or 0) * rate) + 4096)
    for frame in frames:
        at = round(float(frame.time or 0) * rate)
        data = frame.to_ndarray().reshape(-1)
        if at < 0:
            data, at = data[-at:], 0
        whole[at : at + len(data)] = data
    return whole, rate


def test_lips_and_words_are_together(tmp_path: Path) -> None:
    """A member turns blue at the moment at which a tone begins; both are found in the file less than 80 ms apart."""
    room = Room()
    room.live(1)
    room.record(tmp_path / "meeting.0")
    room.live(4, flash_at=1003.0)
    room.record("")
    tone(tmp_path / "room.wav", 1000.5, 5, from_=1003.0)
    out = tmp_path / "meeting.mp4"
    length = mux(Job([parts(tmp_path)], str(tmp_path / "room.wav"), 1_000_500_000, str(out)))
    assert abs(length - 4000) <= 70
    turned = next(at for at, frame in pictures(out) if near(colour_of(frame, 320, 180), BLUE))
    samples, rate = sound(out)
    begun = int(np.argmax(np.abs(samples) > 0.05)) / rate
    assert begun == pytest.approx(1003.0 - 1001.0, abs=0.1)
    assert abs(turned - begun) < 0.08


def test_a_pause_is_neither_seen_nor_heard(tmp_path: Path) -> None:
    room = Room()
    room.record(tmp_path / "meeting.0")
    room.live(2)
    room.record("")
    room.live(3)
    room.record(tmp_path / "meeting.1")
    room.live(2, flash_at=1006.0)
    room.record("")
    # The tone begins in the pause.
    tone(tmp_path / "room.wav", 1000.0, 7, from_=1003.5)
    out = tmp_path / "meeting.mp4"
    length = mux(Job([parts(tmp_path, 0), parts(tmp_path, 1)], str(tmp_path / "room.wav"), 1_000_000_000, str(out)))
    assert abs(length - 4000) <= 140
    samples, rate = sound(out)
    assert int(np.argmax(np.abs(samples) > 0.05)) / rate == pytest.approx(2.0, abs=0.1)
    turned = next(at for at, frame in pictures(out) if near(colour_of(frame, 320, 180), BLUE))
    assert turned == pytest.approx(3.0, abs=0.1)


def test_after_a_crash_the_file_is_played_to_where_it_was_written_and_sound_goes_on(tmp_path: Path) -> None:
    room = Room()
    room.record(tmp_path / "meeting.0")
    room.live(3)
    # What has died has closed nothing: its file as it lies on the disk now.
    (torn,) = parts(tmp_path)
    torn_bytes = Path(torn).read_bytes()
    room.record("")
    Path(torn).write_bytes(torn_bytes[:-100])
    assert len(pictures(torn)) >= 15
    after = Room(1004.0)
    after.record(tmp_path / "meeting.0")
    after.live(2)
    after.record("")
    tone(tmp_path / "room.wav", 1000.0, 7, from_=1003.5)
    out = tmp_path / "meeting.mp4"
    length = mux(Job([parts(tmp_path)], str(tmp_path / "room.wav"), 1_000_000_000, str(out)))
    assert abs(length - 6000) <= 140
    times = [at for at, _ in pictures(out)]
    assert times == sorted(times)
    assert times[-1] > 5.8
    samples, rate = sound(out)
    assert int(np.argmax(np.abs(samples) > 0.05)) / rate == pytest.approx(3.5, abs=0.1)


def test_a_room_without_sound_and_one_whose_sound_is_short(tmp_path: Path) -> None:
    room = Room()
    room.record(tmp_path / "meeting.0")
    room.live(2)
    room.record("")
    out = tmp_path / "meeting.mp4"
    mux(Job([parts(tmp_path)], "", 0, str(out)))
    with av.open(str(out)) as file:
        assert not file.streams.audio
    tone(tmp_path / "room.wav", 1001.0, 0.5, from_=1001.0)
    mux(Job([parts(tmp_path)], str(tmp_path / "room.wav"), 1_001_000_000, str(out)))
    samples, rate = sound(out)
    loud = np.flatnonzero(np.abs(samples) > 0.05) / rate
    assert loud[0] == pytest.approx(1.0, abs=0.1)
    assert loud[-1] == pytest.approx(1.5, abs=0.1)


def test_what_cannot_be_written_is_told_and_pictures_go_on(tmp_path: Path) -> None:
    room = Room()
    room.record(tmp_path / "there is no such folder" / "meeting.0")
    room.live(1)
    (told,) = room.told
    assert told.scene == 1
    assert "No such file or directory" in told.trouble
    assert room.works.figures.encoded >= 15


def test_a_job_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meeting.0.5.mp4").write_bytes(b"ftyp")
    job = Job([parts(tmp_path), []], "", 0, str(tmp_path / "meeting.mp4"))
    done = subprocess.run(
        [sys.executable, "-m", "gateways.video.composer.muxing"],
        input=msgspec.json.encode(job),
        capture_output=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.decode() == "ValueError: there are no pictures in it\n"
    assert not (tmp_path / "meeting.mp4").exists()
