"""Many rows into an SQLite file, cheaply: a connection of its own, and few statements of many rows each.

Every step of a statement gives up the interpreter's lock and takes it again. Row by row that is two switches between
threads for each, which cost a loaded switch more than the writing does.
"""

import sqlite3
from collections.abc import Callable, Sequence

from msgspec import Struct

_TOGETHER = (64, 8, 1)
"""Rows in a statement: few sizes, so that the driver's cache holds them all, and few values (SQLite takes 32,766)."""


class Insert(Struct, frozen=True, eq=False):
    """Rows for a table, or those to take out of one."""

    into: str
    """`INSERT INTO event_log (at, call, body)`, `DELETE FROM live_calls WHERE call IN (`: the statement up to its
    VALUES."""
    columns: int
    rows: Sequence[tuple[object, ...]]
    behind: str = ""
    """What follows them."""


class SqliteWriter:
    """One connection to a file, used by one thread at a time."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """`connect` is called at the first use, and again after a failure. The file must be in WAL mode already."""
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    def insert(self, inserts: Sequence[Insert]) -> None:
        """Put rows into tables in one transaction. Raises sqlite3.Error, and then nothing was stored."""
        connection = self._connection
        if connection is None:
            connection = self._connect()
            connection.isolation_level = None  # we say BEGIN ourselves
            for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            self._connection = connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for insert in inserts:
                _insert(connection, insert)
            connection.execute("COMMIT")
        except BaseException:
            # Closing rolls back, whatever state the failure has left.
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one; the next `insert` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _insert(connection: sqlite3.Connection, insert: Insert) -> None:
    rows, place = insert.rows, f"({', '.join('?' * insert.columns)})"
    done = 0
    for together in _TOGETHER:
        statement = f"{insert.into} VALUES {', '.join([place] * together)}{insert.behind}"
        while len(rows) - done >= together:
            values = [value for row in rows[done : done + together] for value in row]
            connection.execute(statement, values)
            done += together
