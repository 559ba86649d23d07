"""Recordings whose time is over are deleted, a few at a time."""

import asyncio

import structlog

from softswitch.features.recording import store
from softswitch.features.recording.service import Recordings
from softswitch.kernel.clock import Clock
from softswitch.platform.audit import Audit
from softswitch.platform.database import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)

ROUND_SECONDS = 600.0
_FIRST_SECONDS = 60.0
_AT_ONCE = 100


class Retention:
    """Deletes in rounds, and says so in the audit log."""

    def __init__(self, recordings: Recordings, database: Database, clock: Clock, audit: Audit) -> None:
        self._recordings = recordings
        self._database = database
        self._clock = clock
        self._audit = audit
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, a minute from now."""
        self._task = asyncio.create_task(self._go_round(), name="recordings' retention")

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def sweep(self) -> int:
        """Delete all whose time is over; gives how many they were. Raises DatabaseUnavailable and OSError."""
        gone = 0
        while True:
            async with self._database.reading() as session:
                old = await store.expired(session, self._clock.wall_ms(), _AT_ONCE)
            old = [recording for recording in old if not recording.live]
            if not old:
                return gone
            for recording in old:
                async with self._database.session() as session:
                    await self._recordings.delete(session, recording.id)
                self._audit.note(who="switch", source="", action=f"delete recording {recording.id}", detail="expired")
            gone += len(old)

    async def _go_round(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            try:
                gone = await self.sweep()
                if gone:
                    log.info("old recordings were deleted", recordings=gone)
            except (DatabaseUnavailable, OSError) as error:
                log.warning("old recordings could not be deleted", error=str(error))
            except Exception:
                log.exception("old recordings could not be deleted")
            await asyncio.sleep(ROUND_SECONDS)
