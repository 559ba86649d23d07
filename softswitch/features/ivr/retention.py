"""Paths through flows, and what callers said in them, are deleted when they are old, a few at a time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import structlog

from softswitch.features.ivr import store
from softswitch.kernel.clock import Clock
from softswitch.platform.database import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
ROUND_SECONDS = 3600.0
_FIRST_SECONDS = 60.0
_AT_ONCE = 500


class Retention:
    """Deletes in rounds. `days` 0: all is kept for ever."""

    def __init__(self, database: Database, clock: Clock, recordings: Path, days: int) -> None:
        """`recordings`: the folder `flows` of the data folder."""
        self._database = database
        self._clock = clock
        self._recordings = recordings
        self._days = days
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, a minute from now."""
        if self._days:
            self._task = asyncio.create_task(self._go_round(), name="flows' retention")

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def sweep(self) -> tuple[int, int]:
        """Delete all that is old; gives how many paths and recordings. Raises DatabaseUnavailable and OSError."""
        before = self._clock.wall_ms() - self._days * DAY_MS
        paths = 0
        while True:
            async with self._database.session() as session:
                gone = await store.remove_paths(session, before, _AT_ONCE)
            paths += gone
            if gone < _AT_ONCE:
                break
        return paths, await asyncio.to_thread(self._remove_files, before)

    def _remove_files(self, before: int) -> int:
        gone = 0
        for file in list(self._files()):
            if file.stat().st_mtime_ns // 1_000_000 < before:
                file.unlink(missing_ok=True)
                gone += 1
        return gone

    def _files(self) -> Iterator[Path]:
        if self._recordings.is_dir():
            yield from self._recordings.glob("*/*.wav")

    async def _go_round(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            try:
                paths, recordings = await self.sweep()
                if paths or recordings:
                    log.info("old ways through flows were deleted", paths=paths, recordings=recordings)
            except (DatabaseUnavailable, OSError) as error:
                log.warning("old ways through flows could not be deleted", error=str(error))
            except Exception:
                log.exception("old ways through flows could not be deleted")
            await asyncio.sleep(ROUND_SECONDS)
