"""A database session that keeps nothing: for features whose memory is what a story is about."""

from typing import Any


class NoTables:
    """In place of `softswitch.platform.database.Session`."""

    async def merge(self, row: Any) -> Any:
        return row

    async def flush(self) -> None:
        pass

    async def execute(self, statement: Any) -> None:
        pass
