"""Stores bindings behind the registrar's back, in batches: no REGISTER waits for the database."""

import asyncio

import structlog

from softswitch.features.registrar import store
from softswitch.features.registrar.service import Registrations
from softswitch.kernel.clock import Clock
from softswitch.platform.background import Background
from softswitch.platform.database import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.1
"""How long changes are gathered before they are written together: what a crash may lose."""
BATCH = 2000
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


class BindingWriter:
    """Keeps the table of bindings like the memory of `Registrations`."""

    def __init__(self, registrations: Registrations, database: Database, clock: Clock) -> None:
        self._registrations = registrations
        self._database = database
        self._clock = clock
        self._marked = asyncio.Event()
        self._background = Background("binding writer")

    async def start(self) -> None:
        """Load what was stored (and has not run out) and write from now on."""
        async with self._database.session() as session:
            loaded = await store.load(session, self._clock.wall_ms())
        self._registrations.start(loaded, self._marked.set)
        self._background.start(self._run())

    async def stop(self) -> None:
        """Write what is left, and stop."""
        self._registrations.stop()
        await self._background.stop()
        await self._write()

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._marked.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._marked.clear()
            try:
                async with self._background.uncut:
                    await self._write()
                failures = 0
            except DatabaseUnavailable as error:
                wait = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                log.error("bindings could not be stored; they are kept in memory", error=str(error), again_in=wait)
                self._marked.set()
                await asyncio.sleep(wait)

    async def _write(self) -> None:
        while taken := self._registrations.take_marked(BATCH):
            try:
                async with self._database.session() as session:
                    await store.write(session, taken)
            except BaseException:
                self._registrations.mark_again(list(taken))
                raise
