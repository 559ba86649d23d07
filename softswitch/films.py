"""Recordings of composed pictures: files that the composer writes, take by take, and one file of them and the sound."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateways.video.gateway import ComposerGateway
from gateways.video.joining import join
from softswitch.kernel.errors import SwitchError

log = structlog.get_logger(__name__)

KBPS = 1500
LAST_SECONDS = 5.0
"""How long the composer may take to complete a file that is to be written no more."""

Kept = Callable[[str, int, str], None]
"""Is told the file's name below the data folder (empty: there is none), its milliseconds, and why it failed."""


@dataclass
class _Film:
    base: Path
    take: int = 0
    scene: int | None = None
    """Whose picture is written now."""
    trouble: str = ""
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """The composer writes nothing of it any more."""


class Films:
    """By their names, which are paths below the data folder without an ending."""

    def __init__(self, composer: ComposerGateway, folder: Path) -> None:
        self._composer = composer
        self._folder = folder
        self._films: dict[str, _Film] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def write(self, name: str, scene: int) -> None:
        """A scene's picture, from now on: one more take, unless it is written already."""
        film = self._films.get(name)
        if film is None:
            film = self._films[name] = _Film(self._folder / name)
            film.base.parent.mkdir(parents=True, exist_ok=True)
        if film.scene != scene:
            self.pause(name)
            film.take += 1
            film.scene = scene
            film.complete.clear()
            self._composer.record(scene, film.base.with_name(f"{film.base.name}.{film.take}"), KBPS)

    def pause(self, name: str) -> None:
        """Write nothing until `write`, or for ever."""
        film = self._films.get(name)
        if film is not None and film.scene is not None:
            self._composer.stop_recording(film.scene)
            film.scene = None
            if not self._composer.there:
                film.complete.set()

    def recorded(self, path: str, trouble: str) -> None:
        """A file is complete, or is not going to be."""
        for film in self._films.values():
            if path.startswith(f"{film.base}."):
                film.trouble = film.trouble or trouble
                film.complete.set()

    def keep(self, name: str, sound: str, began: float, kept: Kept) -> None:
        """It is over: make one file of it and of its sound, a file below the data folder (empty: there is none) that
        began at a moment of the monotonic clock. The files of pictures are deleted then. Those of a process
        that was killed are as good; where there are none, nothing is told."""
        self.pause(name)
        film = self._films.get(name)
        task = asyncio.create_task(self._keep(name, film, sound, began, kept), name=f"recording {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Wait for what is being put together; what cannot be stays in its parts."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=LAST_SECONDS)
            for task in late:
                task.cancel()

    def _left(self, name: str) -> _Film | None:
        """What an earlier process, which was killed, has let be written; None: nothing."""
        base = self._folder / name
        parts = (
            path.name.removeprefix(f"{base.name}.").partition(".")[0] for path in base.parent.glob(f"{base.name}.*.mp4")
        )
        takes = [int(take) for take in parts if take.isdigit()]
        if not takes:
            return None
        film = _Film(base, max(takes))
        film.complete.set()
        return film

    async def _keep(self, name: str, film: _Film | None, sound: str, began: float, kept: Kept) -> None:
        film = film or await asyncio.to_thread(self._left, name)
        if film is None:
            return
        try:
            await asyncio.wait_for(film.complete.wait(), LAST_SECONDS)
        except TimeoutError:
            log.warning("the composer has not completed a recording", name=name)
        self._films.pop(name, None)
        files, takes = f"{film.base.name}.", range(1, film.take + 1)
        parts = [sorted(film.base.parent.glob(f"{files}{take}.*.mp4")) for take in takes]
        out = film.base.with_name(f"{film.base.name}.mp4")
        try:
            length = await join(parts, self._folder / sound if sound else None, round(began * 1_000_000), out)
        except SwitchError as error:
            log.error("a recording cannot be put together", name=name, reason=str(error), trouble=film.trouble)
            kept("", 0, film.trouble or str(error))
            return
        for take in parts:
            for part in take:
                part.unlink(missing_ok=True)
        kept(f"{name}.mp4", length, film.trouble)
