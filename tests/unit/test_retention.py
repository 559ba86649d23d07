import asyncio

from softswitch.platform.database import Database
from softswitch.platform.retention import Retention
from tests.support.admin_plane import StandingClock


async def test_retention_stops_at_once_whatever_it_waits_for(database: Database) -> None:
    retention = Retention(database, StandingClock(), list, days=7)
    retention.start()
    async with asyncio.timeout(5):
        await retention.stop()
        await retention.stop()
    assert await retention.prune() == 0


async def test_a_log_that_is_kept_for_ever_is_not_looked_at(database: Database) -> None:
    retention = Retention(database, StandingClock(), list, days=0)
    retention.start()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "retention"]
    await retention.stop()
