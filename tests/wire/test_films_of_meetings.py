"""A meeting is recorded: pictures by a real composer that is killed meanwhile, and one file of them and the sound."""

import asyncio
import os
import signal
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from gateways.video import records
from gateways.video.cameras import Cameras
from gateways.video.gateway import ComposerGateway
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec
from softswitch.pictures import RoomPictures
from tests.support.composing import PATIENCE, RED, Line, Sender, colour_of, near
from tests.support.picture_engine import PictureEngine, seen

ROOM = MixId("conference/3000")
NAME = "conferences/3000/1-1"
H264 = Codec(99, "H264", 90_000, 1, "profile-level-id=42e01f;packetization-mode=1")
ENOUGH = 4000
"""Bytes of a file that has pictures in it."""


class Feeder(threading.Thread):
    """The media engine's side of the composer: a member in red, and a connection for each composer after the other."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            try:
                self._feed(Line(self._path, records.ENGINE))
            except (OSError, records.BadRecord):
                continue

    def _feed(self, line: Line) -> None:
        sender: Sender | None = None
        while not self._over.is_set():
            try:
                frame = line.heard(1 / 15)
            except TimeoutError:
                frame = b"\0"
            if frame[0] == records.MEMBER_WANTED:
                sender = sender or Sender(records.read_number(frame), RED)
                line.say(records.picture(sender.picture(key=True)))
            elif sender is not None:
                line.say(records.picture(sender.picture()))

    def end(self) -> None:
        self._over.set()


async def until(what: Callable[[], bool]) -> None:
    """Nobody tells of files that grow."""
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def silence(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.zeros(int(seconds * 16_000), np.int16).tobytes())


def files(folder: Path, take: int) -> list[Path]:
    return sorted(path for path in folder.glob(f"{NAME}.{take}.*.mp4") if path.stat().st_size > ENOUGH)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_meeting_is_one_file_though_it_was_paused_and_its_composer_killed(
    tmp_path: Path, restarted: bool
) -> None:
    """`restarted`: another process of the switch puts it together than has recorded it."""
    socket = tmp_path / "composer.sock"
    made: list[ComposerGateway] = []

    def make(events: RoomPictures) -> ComposerGateway:
        made.append(ComposerGateway(socket, tmp_path / "composer.log", events))
        return made[0]

    pictures = RoomPictures(PictureEngine(a=H264), make, tmp_path, Cameras(()))
    feeder = Feeder(socket)
    kept: asyncio.Future[tuple[str, int, str]] = asyncio.get_running_loop().create_future()
    try:
        began = time.monotonic()  # noqa: TID251 - of the composer's clock
        pictures.record(ROOM, NAME, "on")
        pictures.follow(ROOM, seen(1, layout="speaker"), {1: LegId("a")})
        feeder.start()
        await until(lambda: len(files(tmp_path, 1)) == 1 and made[0].beat is not None)
        beat = made[0].beat
        assert beat is not None
        os.kill(beat.pid, signal.SIGKILL)
        await until(lambda: len(files(tmp_path, 1)) == 2)
        pictures.record(ROOM, NAME, "paused")
        pictures.record(ROOM, NAME, "on")
        await until(lambda: len(files(tmp_path, 2)) == 1)
        pictures.end(ROOM)
        silence(tmp_path / f"{NAME}.wav", 2)
        if restarted:
            await until(lambda: made[0].beat is not None)
            await pictures.stop()
            pictures = RoomPictures(PictureEngine(a=H264), make, tmp_path, Cameras(()))
        pictures.keep(NAME, f"{NAME}.wav", began, lambda *told: kept.set_result(told))
        file, milliseconds, trouble = await asyncio.wait_for(kept, PATIENCE)
    finally:
        feeder.end()
        await pictures.stop()
    assert (file, trouble) == (f"{NAME}.mp4", "")
    with av.open(str(tmp_path / file)) as film:
        assert film.streams.audio
        frames = list(film.decode(video=0))
    assert {(frame.width, frame.height) for frame in frames} == {(1280, 720)}
    assert near(colour_of(frames[-1], 640, 300), RED)
    assert float(frames[-1].time or 0) * 1000 <= milliseconds
    assert milliseconds > 2000
    assert not files(tmp_path, 1) and not files(tmp_path, 2)


async def test_what_cannot_be_put_together_is_said_and_its_parts_stay(tmp_path: Path) -> None:
    pictures = RoomPictures(
        PictureEngine(a=H264),
        lambda events: ComposerGateway(tmp_path / "composer.sock", tmp_path / "log", events, command=("/bin/false",)),
        tmp_path,
        Cameras(()),
    )
    kept: asyncio.Future[tuple[str, int, str]] = asyncio.get_running_loop().create_future()
    try:
        pictures.record(ROOM, NAME, "on")
        part = tmp_path / f"{NAME}.1.5.mp4"
        part.write_bytes(b"no film")
        pictures.keep(NAME, "", 0.0, lambda *told: kept.set_result(told))
        assert await asyncio.wait_for(kept, PATIENCE) == ("", 0, "1-1.mp4: ValueError: there are no pictures in it")
        assert part.read_bytes() == b"no film"
    finally:
        await pictures.stop()
