from collections.abc import AsyncIterator
from typing import Any

import pytest

from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import CHANGED, Directory
from softswitch.platform.changes import Changes, count_change
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock


@pytest.fixture
async def elsewhere(database: Database) -> AsyncIterator[Database]:
    """The same database, as another process has it open."""
    other = Database(str(database.url))
    yield other
    await other.close()


class Counted:
    """A part that counts how often it is loaded."""

    def __init__(self) -> None:
        self.loads = 0
        self.meanwhile: list[Any] = []

    async def load(self, database: Database) -> None:
        self.loads += 1
        if self.meanwhile:
            await self.meanwhile.pop()()


async def change(database: Database, name: str = "part") -> None:
    async with database.session() as session:
        await count_change(session, name)


@pytest.fixture
async def part(database: Database) -> Counted:
    return Counted()


@pytest.fixture
async def changes(database: Database, part: Counted) -> AsyncIterator[Changes]:
    changes = Changes(database)
    await change(database)
    await changes.start({"part": part.load})
    yield changes
    await changes.stop()


async def test_a_part_is_loaded_at_the_start_and_not_for_what_was_changed_before(
    changes: Changes, part: Counted
) -> None:
    await changes.look()
    assert part.loads == 1


async def test_what_another_process_changed_is_loaded_once(
    changes: Changes, part: Counted, elsewhere: Database
) -> None:
    await change(elsewhere)
    await change(elsewhere)
    await changes.look()
    await changes.look()
    assert part.loads == 2


async def test_what_this_process_changed_is_not_loaded(changes: Changes, part: Counted, database: Database) -> None:
    await change(database)
    await changes.look()
    await change(database)
    await change(database)
    await changes.look()
    assert part.loads == 1


async def test_a_foreign_change_among_own_ones_is_noticed(
    changes: Changes, part: Counted, database: Database, elsewhere: Database
) -> None:
    await change(database)
    await change(elsewhere)
    await change(database)
    await changes.look()
    assert part.loads == 2


async def test_an_own_change_while_loading_loads_again(
    changes: Changes, part: Counted, database: Database, elsewhere: Database
) -> None:
    part.meanwhile.append(lambda: change(database))
    await change(elsewhere)
    await changes.look()
    assert part.loads == 3


async def test_a_change_that_was_rolled_back_is_none(changes: Changes, part: Counted, database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            await count_change(session, "part")
            raise ZeroDivisionError
    await changes.look()
    assert part.loads == 1


async def test_changes_of_a_part_that_nobody_follows_are_passed_over(
    changes: Changes, part: Counted, elsewhere: Database
) -> None:
    await change(elsewhere, "another part")
    await changes.look()
    assert part.loads == 1


async def test_accounts_made_disabled_and_deleted_by_another_process_are_noticed(
    database: Database, elsewhere: Database, clock: StandingClock
) -> None:
    removed: list[str] = []
    here, there = Directory("softswitch", clock, on_removed=removed.append), Directory("softswitch", clock)
    async with elsewhere.session() as session:
        await there.create(session, [NewAccount(number=number, password="x") for number in ("1001", "1002", "1003")])
    changes = Changes(database)
    await changes.start({CHANGED: here.load})
    async with elsewhere.session() as session:
        await there.create(session, [NewAccount(number="1004", password="x")])
        await there.change(session, "1001", {"enabled": False})
        await there.remove(session, "1002")
    await changes.look()
    assert (here.ha1("1001", "MD5"), here.account("1002")) == (None, None)
    assert here.account("1004") == there.account("1004")
    assert sorted(removed) == ["1001", "1002"]
    await changes.stop()
