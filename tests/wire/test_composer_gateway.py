"""Call control's side of the composer: it is begun, watched, and begun anew with all that was to be seen."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateways.video import records
from gateways.video.gateway import PAUSES, ComposerGateway
from gateways.video.records import Face, Scene
from tests.support.composing import BLUE, PATIENCE, RED, Eye, Line, Sender, near, output

SCENE = Scene(1, 640, 360, 15, "2x2", (Face("a", 1), Face("b", 2)), outputs=(output(11),))


class Told:
    """What the gateway tells, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()

    def composer_came(self, socket: Path) -> None:
        self._queue.put_nowait(("came",))

    def composer_went(self, reason: str) -> None:
        self._queue.put_nowait(("went", reason))

    def recorded(self, scene: int, path: str, trouble: str) -> None:
        self._queue.put_nowait(("recorded", scene, path, trouble))

    def composer_refused(self, what: str, number: int, reason: str) -> None:
        self._queue.put_nowait(("refused", what, number, reason))

    async def next(self) -> tuple[Any, ...]:
        return await asyncio.wait_for(self._queue.get(), PATIENCE)


class Engine:
    """The media engine's side, with two members that send."""

    def __init__(self, path: Path) -> None:
        self._line = Line(path, records.ENGINE)
        self._senders = Sender(1, RED), Sender(2, BLUE)

    async def sees_both(self) -> None:
        await asyncio.to_thread(self._see, Eye("H264"))

    def _see(self, eye: Eye) -> None:
        give_up = time.perf_counter() + PATIENCE
        while time.perf_counter() < give_up:
            frame = self._line.heard()
            key = frame[0] == records.MEMBER_WANTED
            for sender in self._senders:
                self._line.say(records.picture(sender.picture(key=key)))
            if frame[0] == records.ENCODED:
                eye.see(records.read_encoded(frame))
                if near(eye.colour_at(160, 90), RED) and near(eye.colour_at(480, 90), BLUE):
                    return
        raise TimeoutError("both are not seen")

    def close(self) -> None:
        self._line.close()


@asynccontextmanager
async def gateway(folder: Path, told: Told, **more: Any) -> AsyncIterator[ComposerGateway]:
    composer = ComposerGateway(folder / "composer.sock", folder / "composer.log", told, **more)
    try:
        yield composer
    finally:
        await composer.stop()


async def pid_of(composer: ComposerGateway) -> int:
    async with asyncio.timeout(PATIENCE):
        while composer.beat is None:  # noqa: ASYNC110 - nobody is told of signs of life
            await asyncio.sleep(0.01)
    return composer.beat.pid


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSTOP])
async def test_one_that_dies_or_hangs_is_followed_by_one_that_knows_all(tmp_path: Path, kill: signal.Signals) -> None:
    told = Told()
    async with gateway(tmp_path, told, missed_seconds=1.5) as composer:
        composer.show(SCENE)
        assert await told.next() == ("came",)
        engine = Engine(tmp_path / "composer.sock")
        await engine.sees_both()
        pid = await pid_of(composer)
        began = time.perf_counter()
        os.kill(pid, kill)
        went, reason = await told.next()
        assert went == "went"
        assert reason == (
            "the composer has died" if kill == signal.SIGKILL else "no sign of life of the composer for 1.5 s"
        )
        assert await told.next() == ("came",)
        engine.close()
        engine = Engine(tmp_path / "composer.sock")
        await engine.sees_both()
        assert time.perf_counter() - began < (2.0 if kill == signal.SIGKILL else 4.0)
        assert await pid_of(composer) != pid
        engine.close()


async def test_all_of_it_may_be_killed(tmp_path: Path) -> None:
    told = Told()
    async with gateway(tmp_path, told) as composer:
        composer.show(SCENE)
        assert await told.next() == ("came",)
        os.kill(parent_of(await pid_of(composer)), signal.SIGKILL)
        assert (await told.next())[0] == "went"
        while (event := await told.next()) != ("came",):
            assert event[0] == "went"
        engine = Engine(tmp_path / "composer.sock")
        await engine.sees_both()
        engine.close()


async def test_it_is_begun_when_there_is_something_to_compose_and_ended_when_there_is_not(tmp_path: Path) -> None:
    told = Told()
    async with gateway(tmp_path, told, idle_seconds=0.0) as composer:
        assert not (tmp_path / "composer.sock").exists()
        composer.show(SCENE)
        assert await told.next() == ("came",)
        composer.close(1)
        async with asyncio.timeout(PATIENCE):
            while (tmp_path / "composer.sock").exists():  # noqa: ASYNC110 - it goes with the process
                await asyncio.sleep(0.02)
        assert not composer.there
        composer.show(SCENE)
        while (event := await told.next()) != ("came",):
            assert event[0] == "went"


async def test_what_cannot_be_begun_is_told_with_its_reason(tmp_path: Path) -> None:
    told = Told()
    async with gateway(tmp_path, told, command=("/bin/sh", "-c", "echo no room; exit 1")) as composer:
        composer.show(SCENE)
        assert await told.next() == ("went", "the composer did not begin: no room")
        assert not composer.there


async def test_a_scene_that_cannot_be_is_told(tmp_path: Path) -> None:
    told = Told()
    async with gateway(tmp_path, told) as composer:
        composer.show(Scene(5, 640, 360, 99, "2x2", ()))
        assert await told.next() == ("came",)
        assert await told.next() == ("refused", "scene", 5, "99 pictures a second")


async def test_composers_that_die_one_after_the_other_come_less_and_less_often(tmp_path: Path) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet, and die of what is to be seen."""
        await reader.readexactly(records.GREETING.size)
        writer.write(records.greeting(records.CONTROL))
        await reader.read(1)
        writer.close()

    told, died = Told(), list[float]()
    server = await asyncio.start_unix_server(die, tmp_path / "composer.sock")
    async with server, gateway(tmp_path, told) as composer:
        composer.show(SCENE)
        for pause in PAUSES[:3]:
            assert await told.next() == ("came",)
            assert not died or time.perf_counter() - died[-1] >= pause
            assert (await told.next())[0] == "went"
            died.append(time.perf_counter())
            assert composer.coming == (len(died) == 1)
