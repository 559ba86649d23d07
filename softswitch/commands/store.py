"""How commands work on the database themselves, whether a switch runs on it or not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from softswitch.platform.database import Database
from softswitch.settings import Settings

Result = TypeVar("Result")


class SystemClock:
    """The time of this machine."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_ms(self) -> int:
        return round(datetime.now(UTC).timestamp() * 1000)


def with_database(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Do some work on the database that the settings name, and close it. Raises what the work raises."""

    async def do() -> Result:
        database = Database(settings.database)
        try:
            await database.migrate()
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(do())
