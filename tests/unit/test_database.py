import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Database, DatabaseUnavailable, parse_url
from softswitch.platform.tables import TokenRow
from tests.support.tables import difference_to_code


def token(name: str) -> TokenRow:
    return TokenRow(name=name, role="viewer", digest=name, created_at=1)


async def names(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(TokenRow.name).order_by(TokenRow.id)))


async def test_the_migrations_make_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    assert await difference_to_code(database) == []


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    async with database.session() as session:
        session.add(token("kept"))
    await database.migrate()
    assert await names(database) == ["kept"]


async def test_two_starts_at_once_migrate_once(tmp_path: Path) -> None:
    both = [Database(f"sqlite:///{tmp_path / 'switch.db'}") for _ in range(2)]
    await asyncio.gather(*(database.migrate() for database in both))
    for database in both:
        assert await names(database) == []
        await database.close()


async def test_the_files_of_a_new_database_are_for_its_user_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'switch.db'}")
    await database.migrate()
    async with database.session() as session:
        session.add(token("secret"))
    rights = await asyncio.to_thread(lambda: {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()})
    await database.close()
    assert rights == dict.fromkeys(("switch.db", "switch.db-wal", "switch.db-shm"), 0o600)


async def test_a_block_that_raises_leaves_nothing_and_runs_no_after_commit(database: Database) -> None:
    ran: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            session.add(token("a"))
            session.after_commit(lambda: ran.append("a"))
            await session.flush()
            raise ZeroDivisionError
    assert (await names(database), ran) == ([], [])


async def test_after_commit_runs_when_others_can_see_the_row(database: Database) -> None:
    ran: list[str] = []
    async with database.session() as session:
        session.add(token("a"))
        session.after_commit(lambda: ran.append("a"))
        await session.flush()
        assert (await names(database), ran) == ([], [])
    assert (await names(database), ran) == (["a"], ["a"])


async def test_writers_queue_and_none_fails(database: Database) -> None:
    async def write(name: str) -> None:
        async with database.session() as session:
            await session.scalar(select(TokenRow.id))
            session.add(token(name))

    await asyncio.gather(*(write(str(number)) for number in range(30)))
    assert len(await names(database)) == 30


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:////tmp/x.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg"),
        ("postgres://u:p@h/d", "postgresql+asyncpg"),
    ],
)
def test_a_plain_url_gets_our_driver(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize("url", ["", "switch.db", "mysql://h/d", "postgresql://h", "postgresql://h:port/d"])
def test_a_bad_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(Invalid, match=r"database: .*write sqlite"):
        parse_url(url)


async def migration_error(url: str) -> str:
    database = Database(url)
    with pytest.raises(DatabaseUnavailable) as failure:
        await database.migrate()
    await database.close()
    return str(failure.value)


async def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot make the folder" in await migration_error(f"sqlite:///{tmp_path}/file/switch.db")


async def test_a_folder_in_the_files_place_is_said_plainly(tmp_path: Path) -> None:
    assert "cannot open the database" in await migration_error(f"sqlite:///{tmp_path}")


async def test_a_file_of_another_kind_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "switch.db").write_text("[sip]\n" * 1000)
    assert "no SQLite database" in await migration_error(f"sqlite:///{tmp_path}/switch.db")


async def test_a_read_only_database_is_said_plainly(database: Database) -> None:
    read_only = Database(f"sqlite:///file:{database.url.database}?mode=ro&uri=true")
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        async with read_only.session() as session:
            session.add(token("a"))
    await read_only.close()


async def test_a_database_of_a_newer_program_is_left_alone(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "newer softswitch" in await migration_error(str(database.url))


async def test_an_unreachable_server_is_named_without_its_password() -> None:
    said = await migration_error("postgresql://user:secret@127.0.0.1:1/switch")
    assert "cannot reach the database postgresql+asyncpg://user:***@127.0.0.1:1/switch" in said
