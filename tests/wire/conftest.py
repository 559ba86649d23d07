"""Fixtures for tests on real databases."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from softswitch.platform.database import Database
from tests.support.postgres import PostgresServer, find_programs, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for all tests."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    with postgres_server(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'switch.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return await server.new_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of either kind, with its tables."""
    database = Database(database_url)
    await database.migrate()
    yield database
    await database.close()
