"""Lets a switch notice what another process changed in its database: the command line, or a second switch.

What calls need is kept in memory. Whoever changes what is kept there counts the change, in the transaction that makes
it; every switch looks at the counts each second, and loads again what others have changed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy import select, text

from softswitch.platform.background import Background
from softswitch.platform.database import Database, DatabaseUnavailable, Session
from softswitch.platform.tables import ChangeRow

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0

Load = Callable[[Database], Awaitable[None]]
"""Reads a part's memory anew; called again whenever another process changed that part."""

_COUNT = text(
    "INSERT INTO platform_change (name, version) VALUES (:name, 1)"
    " ON CONFLICT (name) DO UPDATE SET version = platform_change.version + 1"
)


async def count_change(session: Session, name: str) -> None:
    """Say that this transaction changes a part's rows. Its memory is the caller's to change, after the commit."""
    await session.execute(_COUNT, {"name": name})
    own = session.own_changes
    session.after_commit(lambda: own.update({name: 1}))


class Changes:
    """Loads parts, and loads them again when another process has changed them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loads: Mapping[str, Load] = {}
        self._known: dict[str, int] = {}
        self._background = Background("changes")

    async def start(self, loads: Mapping[str, Load]) -> None:
        """Load each part by the name that `count_change` is given, and watch them from now on."""
        self._loads = loads
        self._known = await self._versions()
        self._database.own_changes.clear()
        for load in loads.values():
            await load(self._database)
        self._background.start(self._watch())

    async def stop(self) -> None:
        """Watch no more."""
        await self._background.stop()

    async def look(self) -> None:
        """Load what others have changed since the last look."""
        own = self._database.own_changes
        for name, version in (await self._versions()).items():
            changes = version - self._known.get(name, 0)
            ours = min(changes, own[name])
            own[name] -= ours
            self._known[name] = version
            if changes > ours and name in self._loads:
                await self._load(name)

    async def _load(self, name: str) -> None:
        own = self._database.own_changes
        while True:
            before = own[name]
            await self._loads[name](self._database)
            if own[name] == before:
                return
            # A change of ours came between: what was loaded may be older than it.

    async def _versions(self) -> dict[str, int]:
        async with self._database.reading() as session:
            return {row.name: row.version for row in await session.scalars(select(ChangeRow))}

    async def _watch(self) -> None:
        away = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
                away = False
            except DatabaseUnavailable as error:
                if not away:
                    log.warning("changes by others cannot be seen", error=str(error))
                away = True
            except Exception:
                # What was stored by others may be what we cannot read: memory stays as it was, and so does the switch.
                log.exception("what others changed could not be loaded")
