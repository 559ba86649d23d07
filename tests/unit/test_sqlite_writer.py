import sqlite3
from functools import partial
from pathlib import Path

import pytest

from softswitch.kernel.errors import SwitchError
from softswitch.platform.database import Database, DatabaseUnavailable
from softswitch.platform.sqlite_writer import Insert, SqliteWriter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE number (value INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    connection.close()
    return path


def stored(file: Path) -> list[tuple[int, str]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT value, name FROM number ORDER BY value").fetchall()
    finally:
        connection.close()


def numbers(*values: int, name: str = "n") -> Insert:
    return Insert("INSERT OR REPLACE INTO number (value, name)", 2, [(value, f"{name}{value}") for value in values])


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 65, 137, 1000])
def test_every_row_is_stored_once_and_whole(file: Path, count: int) -> None:
    writer = SqliteWriter(partial(sqlite3.connect, file))
    writer.insert([numbers(*range(count))])
    writer.close()
    assert stored(file) == [(value, f"n{value}") for value in range(count)]


def test_the_later_of_two_rows_with_one_key_stays_where_that_was_asked(file: Path) -> None:
    writer = SqliteWriter(partial(sqlite3.connect, file))
    writer.insert([numbers(*range(70)), numbers(69, name="later ")])
    writer.close()
    assert stored(file)[69] == (69, "later 69")


def test_after_a_failure_nothing_of_it_is_stored_and_the_next_goes_well(file: Path) -> None:
    writer = SqliteWriter(partial(sqlite3.connect, file))
    bad = Insert("INSERT INTO number (value, name)", 2, [(100, None)])
    with pytest.raises(sqlite3.IntegrityError):
        writer.insert([numbers(1, 2, 3), bad])
    assert stored(file) == []
    writer.insert([numbers(4)])
    writer.close()
    assert stored(file) == [(4, "n4")]


async def test_a_database_says_plainly_why_it_cannot_be_written(file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    await database.insert([numbers(1)])
    other = sqlite3.connect(file, isolation_level=None)
    await database.close()
    # The other program keeps its lock longer than one is willing to wait.
    other.execute("BEGIN IMMEDIATE")
    database = Database(f"sqlite:///{file}?timeout=0.05")
    with pytest.raises(DatabaseUnavailable, match="held by another program"):
        await database.insert([numbers(2)])
    other.execute("ROLLBACK")
    other.close()
    await database.insert([numbers(3)])
    await database.close()
    assert stored(file) == [(1, "n1"), (3, "n3")]


async def test_a_mistake_of_ours_is_not_taken_for_the_disks(file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    with pytest.raises(sqlite3.OperationalError, match="no such table") as raised:
        await database.insert([Insert("INSERT INTO absent (value)", 1, [(1,)])])
    assert not isinstance(raised.value, SwitchError)
    await database.close()
