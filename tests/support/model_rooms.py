"""Where the simulated switch keeps its rooms: rows in dictionaries."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


class _Session:
    """As much of a session as the rooms' queries use."""

    def __init__(self, rows: dict[Any, Any]) -> None:
        self._rows = rows
        self._after: list[Callable[[], None]] = []
        self.own_changes: dict[str, int] = {}

    async def get(self, kind: type, key: Any) -> Any:
        return self._rows.get((kind, key))

    async def merge(self, row: Any) -> None:
        keys = tuple(getattr(row, column.name) for column in row.__table__.primary_key)
        self._rows[type(row), keys[0] if len(keys) == 1 else keys] = row

    async def delete(self, row: Any) -> None:
        self._rows = {key: each for key, each in self._rows.items() if each is not row}

    async def flush(self) -> None:
        return

    async def execute(self, statement: object, values: object = None) -> None:
        return

    def after_commit(self, action: Callable[[], None]) -> None:
        self._after.append(action)


class MemoryDatabase:
    """`softswitch.platform.database.Database` as far as rooms go."""

    def __init__(self) -> None:
        self._rows: dict[Any, Any] = {}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        session = _Session(dict(self._rows))
        yield session
        self._rows = session._rows
        for action in session._after:
            action()
