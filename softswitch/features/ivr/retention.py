"""Paths through flows, and what callers said in them, are deleted when they are old, a few at a time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from softswitch.features.ivr import store
from softswitch.kernel.clock import Clock
from softswitch.platform.database import Database
from softswitch.platform.rounds import Rounds

DAY_MS = 86_400_000
ROUND_SECONDS = 3600.0
_AT_ONCE = 500


class Retention:
    """Deletes in rounds. `days` 0: all is kept for ever."""

    def __init__(self, database: Database, clock: Clock, recordings: Path, days: int) -> None:
        """`recordings`: the folder `flows` of the data folder."""
        self._database = database
        self._clock = clock
        self._recordings = recordings
        self._days = days
        self.rounds = Rounds("old ways through flows", self.sweep, ROUND_SECONDS)

    async def sweep(self) -> int:
        """Delete all that is old; gives how many they were. Raises DatabaseUnavailable and OSError."""
        if not self._days:
            return 0
        before = self._clock.wall_ms() - self._days * DAY_MS
        paths = 0
        while True:
            async with self.rounds.uncut, self._database.session() as session:
                gone = await store.remove_paths(session, before, _AT_ONCE)
            paths += gone
            if gone < _AT_ONCE:
                break
        return paths + await asyncio.to_thread(self._remove_files, before)

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
