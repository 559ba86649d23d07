"""Old facts are deleted from the event log, a few at a time. Call records are kept: they are no part of it."""

import asyncio
from collections.abc import Callable, Collection

import structlog
from sqlalchemy import delete, func, select

from softswitch.kernel.clock import Clock
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database, DatabaseUnavailable
from softswitch.platform.event_log import EventRow

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
ROUND_SECONDS = 3600.0
"""Between the end of one round and the next; the first comes a minute after the start."""
_FIRST_SECONDS = 60.0
_AT_ONCE = 500
"""Rows looked at in one transaction: some milliseconds, in which nothing else is written."""
_REST_SECONDS = 0.2
"""Between two of them, so that an old and large log is not deleted at the cost of the calls."""


class Retention:
    """Deletes what is older than some days, except of calls that are live or were when that time began."""

    def __init__(self, database: Database, clock: Clock, live: Callable[[], Collection[CallId]], days: int) -> None:
        """`live` gives the calls that have not ended. `days` 0: all is kept for ever."""
        self._database = database
        self._clock = clock
        self._live = live
        self._days = days
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Delete in rounds from now on."""
        if self._days:
            self._task = asyncio.create_task(self._go_round(), name="retention")

    async def stop(self) -> None:
        """Stop once the rows at hand are deleted. Stopping twice does nothing."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def prune(self) -> int:
        """One round; gives the number of rows that are gone. Raises DatabaseUnavailable."""
        before = self._clock.wall_ms() - self._days * DAY_MS
        after, gone = 0, 0
        while not self._stopping.is_set():
            looked_at = await self._delete_some(after, before)
            if looked_at is None:
                break
            after, deleted = looked_at
            gone += deleted
            await self._pause(_REST_SECONDS)
        return gone

    async def _delete_some(self, after: int, before: int) -> tuple[int, int] | None:
        """Look at the next rows behind a number: gives the last one's and how many went; None: there are none left."""
        async with self._database.session() as session:
            # The newest row stays, whatever its age, so that its number is not given a second time.
            newest = select(func.max(EventRow.seq)).scalar_subquery()
            old = (EventRow.seq > after, EventRow.seq < newest, EventRow.at < before)
            rows = select(EventRow.seq, EventRow.call).where(*old).order_by(EventRow.seq).limit(_AT_ONCE)
            found = (await session.execute(rows)).all()
            if not found:
                return None
            calls = {call for _, call in found if call is not None}
            younger = select(EventRow.call).where(EventRow.call.in_(calls), EventRow.at >= before).distinct()
            keep = {*await session.scalars(younger), *self._live()}
            doomed = [seq for seq, call in found if call is None or call not in keep]
            await session.execute(delete(EventRow).where(EventRow.seq.in_(doomed)))
        return found[-1][0], len(doomed)

    async def _go_round(self) -> None:
        await self._pause(_FIRST_SECONDS)
        while not self._stopping.is_set():
            try:
                gone = await self.prune()
                if gone:
                    log.info("old facts were deleted", rows=gone, older_than_days=self._days)
            except DatabaseUnavailable as error:
                log.warning("old facts could not be deleted", error=str(error))
            except Exception:
                log.exception("old facts could not be deleted")
            await self._pause(ROUND_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
