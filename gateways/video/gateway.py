"""The composer as call control sees it: begun when there is something to compose, watched, killed when it hangs, begun
anew when it has died, and told everything again."""

import asyncio
import contextlib
import importlib.util
import os
import signal
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

import structlog

from gateways.video import records
from gateways.video.records import BadRecord, Beat, Camera, Frames, Holds, Rate, Record, Recorded, Scene, Trouble

log = structlog.get_logger(__name__)

EXTRA: Final = ("av", "numpy", "PIL", "pypdfium2")
"""Packages of softswitch[video]."""
MISSED_SECONDS: Final = 1.5
"""Without a sign of life for so long it hangs, and is killed: pictures stand still for two seconds at most."""
BEGIN_SECONDS: Final = 20.0
"""How long one may take until it listens."""
IDLE_SECONDS: Final = 60.0
"""After so long with nothing to compose it is ended."""
PAUSES: Final = (0.0, 0.2, 1.0, 5.0, 30.0)
"""Before one attempt after another to have one."""
SETTLED_SECONDS: Final = 10.0
"""One that died sooner came to nothing: what it was told, or what members send, may kill every one."""
_TRY_SECONDS: Final = 0.02
_READ: Final = 1 << 16

_T = TypeVar("_T")


class ComposerEvents(Protocol):
    """What is told of it. Calls come from the event loop, one at a time."""

    def composer_came(self, socket: Path) -> None:
        """It is there, and knows all scenes: the media engine can be told to connect."""
        ...

    def composer_went(self, reason: str) -> None:
        """It has died, hangs or does not begin. Another is on its way."""
        ...

    def recorded(self, scene: int, path: str, trouble: str) -> None:
        """A file with pictures is complete; `trouble`: why it is not."""
        ...

    def composer_refused(self, what: str, number: int, reason: str) -> None:
        """A scene, still picture or camera cannot be had; of a camera, an empty reason: now it can."""
        ...


def missing() -> str | None:
    """What to install so that pictures can be composed; None: it is there."""
    gone = next((package for package in EXTRA if importlib.util.find_spec(package) is None), None)
    return None if gone is None else f"the package {gone} is needed: pip install 'softswitch[video]'"


class ComposerGateway:
    """One composer. What it is to do is kept here, so that the next one can be told."""

    def __init__(
        self,
        socket: Path,
        says: Path,
        events: ComposerEvents,
        *,
        command: Sequence[str] = (sys.executable, "-m", "softswitch", "compose", "--socket"),
        missed_seconds: float = MISSED_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """It listens at `socket`; what it prints goes to the file `says`."""
        self._socket = socket
        self._says = says
        self._events = events
        self._command = (*command, str(socket))
        self._missed_seconds = missed_seconds
        self._idle_seconds = idle_seconds
        self._scenes: dict[int, Scene] = {}
        self._stills: dict[int, bytes] = {}
        self._cameras: dict[int, Camera] = {}
        self._records: dict[int, Record] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._failures = 0
        """Attempts in a row that came to nothing."""
        self.beat: Beat | None = None
        """The last sign of life, with its figures."""

    @property
    def there(self) -> bool:
        """Whether it can be asked for pictures now."""
        return self._writer is not None

    @property
    def coming(self) -> bool:
        """Whether one that was there, and has died, is expected back within a moment."""
        return self._failures == 1

    # What is to be seen

    def show(self, scene: Scene) -> None:
        """Compose this from now on; another scene of this number holds no more."""
        self._scenes[scene.scene] = scene
        self._say(records.told(records.SCENE, scene))

    def close(self, scene: int) -> None:
        """Compose it no more; what records it is completed and told."""
        self._records.pop(scene, None)
        if self._scenes.pop(scene, None) is not None:
            self._say(records.number(records.CLOSE, scene))

    def still(self, member: int, width: int, height: int, i420: bytes) -> None:
        """A picture that stands, to be named in scenes as a member."""
        self._stills[member] = records.still(member, width, height, i420)
        self._say(self._stills[member])

    def camera(self, member: int, url: str, sound: bool) -> None:
        """A stream to fetch, to be named in scenes as a member; `sound`: what it says goes to the media engine."""
        self._cameras[member] = Camera(member, url, sound)
        self._say(records.told(records.CAMERA, self._cameras[member]))

    def drop(self, member: int) -> None:
        """A still picture or a camera is no more."""
        if self._stills.pop(member, None) is not None or self._cameras.pop(member, None) is not None:
            self._say(records.number(records.DROP, member))

    def rate(self, source: int, kbps: int) -> None:
        """An output of a scene may have so much from now on."""
        for number, scene in self._scenes.items():
            outputs = tuple(
                records.with_rate(output, kbps) if output.source == source else output for output in scene.outputs
            )
            if outputs != scene.outputs:
                self._scenes[number] = records.with_outputs(scene, outputs)
                self._say(records.told(records.RATE, Rate(source, kbps)))

    def record(self, scene: int, path: Path, kbps: int) -> None:
        """Write a scene's picture to `<path>.<microseconds of CLOCK_MONOTONIC>.mp4`; after a crash, to one more."""
        self._records[scene] = Record(scene, str(path), kbps)
        self._say(records.told(records.RECORD, self._records[scene]))

    def stop_recording(self, scene: int) -> None:
        """The file is completed, and told."""
        if self._records.pop(scene, None) is not None:
            self._say(records.told(records.RECORD, Record(scene)))

    async def stop(self) -> None:
        """End it, with everything."""
        self._scenes.clear()
        self._stills.clear()
        self._cameras.clear()
        self._records.clear()
        if self._idle is not None:
            self._idle.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None

    # How it is kept

    def _say(self, frame: bytes) -> None:
        if self._writer is not None:
            self._writer.write(frame)
        wanted = bool(self._scenes or self._cameras)
        if wanted and self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if wanted and self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="composer")
        elif not wanted and self._keeping is not None and self._idle is None:
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._rest)

    def _rest(self) -> None:
        self._idle = None
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    async def _keep(self) -> None:
        self._failures = 0
        try:
            while True:
                await asyncio.sleep(PAUSES[min(self._failures, len(PAUSES) - 1)])
                came: float | None = None
                try:
                    reader, self._writer = await self._reach()
                    self._tell_all()
                    came = asyncio.get_running_loop().time()
                    self._events.composer_came(self._socket)
                    await self._listen(reader)
                except (OSError, EOFError, BadRecord) as error:
                    settled = came is not None and asyncio.get_running_loop().time() - came > SETTLED_SECONDS
                    self._failures = 1 if settled else self._failures + 1
                    reason = str(error) or type(error).__name__
                    log.error("there is no composer", reason=reason)
                    if self.beat is None:  # it came to nothing, and who keeps it is the last to know
                        await self._end()
                    self._leave()
                    self._events.composer_went(reason)
        finally:
            self._leave()
            await self._end()

    def _tell_all(self) -> None:
        assert self._writer is not None
        members = (*self._stills, *self._cameras)
        self._writer.write(records.told(records.HOLDS, Holds(tuple(self._scenes), members)))
        for still in self._stills.values():
            self._writer.write(still)
        for camera in self._cameras.values():
            self._writer.write(records.told(records.CAMERA, camera))
        for scene in self._scenes.values():
            self._writer.write(records.told(records.SCENE, scene))
        for record in self._records.values():
            self._writer.write(records.told(records.RECORD, record))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Until it has gone, or hangs. Raises OSError, EOFError or BadRecord."""
        frames = Frames()
        while True:
            data = await self._in_time(reader.read(_READ))
            if not data:
                raise EOFError("the composer has died")
            for frame in frames.feed(data):
                self._heed(frame)

    async def _in_time(self, awaited: Awaitable[_T]) -> _T:
        try:
            return await asyncio.wait_for(awaited, self._missed_seconds)
        except TimeoutError:
            if self.beat is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.beat.pid, signal.SIGKILL)
            raise TimeoutError(f"no sign of life of the composer for {self._missed_seconds:g} s") from None

    def _heed(self, frame: bytes) -> None:
        if frame[0] == records.BEAT:
            self.beat = records.read_told(frame, Beat)
        elif frame[0] == records.RECORDED:
            recorded = records.read_told(frame, Recorded)
            self._events.recorded(recorded.scene, recorded.path, recorded.trouble)
        elif frame[0] == records.TROUBLE:
            trouble = records.read_told(frame, Trouble)
            self._events.composer_refused(trouble.what, trouble.number, trouble.reason)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to one that listens, or begin one. Raises OSError."""
        begun = False
        async with asyncio.timeout(BEGIN_SECONDS):
            while True:
                try:
                    reader, writer = await asyncio.open_unix_connection(self._socket)
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    if not begun:
                        await self._begin()
                        begun = True
                    elif self._process is not None and self._process.returncode is not None:
                        raise OSError(f"the composer did not begin: {self._last_line()}") from None
                    await asyncio.sleep(_TRY_SECONDS)
        try:
            writer.write(records.greeting(records.CONTROL))
            records.read_greeting(await self._in_time(reader.readexactly(records.GREETING.size)))
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _begin(self) -> None:
        reason = missing()
        if reason is not None:
            raise OSError(reason)
        await self._end()
        self._says.parent.mkdir(parents=True, exist_ok=True)
        with self._says.open("wb") as says:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=says, stderr=says, start_new_session=True
            )
        log.info("a composer is begun", socket=str(self._socket), process=self._process.pid)

    def _leave(self) -> None:
        writer, self._writer = self._writer, None
        self.beat = None
        if writer is not None:
            writer.close()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5.0)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _last_line(self) -> str:
        lines = self._says.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
