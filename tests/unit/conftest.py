"""Fixtures of the tests that touch the database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new SQLite database."""
    database = Database(f"sqlite:///{tmp_path / 'new folder' / 'switch.db'}")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()
