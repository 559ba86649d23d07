"""The database: SQLite for one machine without care, PostgreSQL where there is one.

Nothing on the path of a call waits for it. Features keep in memory what a call asks for, and change that memory in
`Session.after_commit`, so that memory never runs ahead of what is stored.
"""

import asyncio
import os
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.util import await_only

from softswitch.kernel.errors import Invalid, SwitchError
from softswitch.platform.sqlite_writer import Insert, SqliteWriter

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x50F7_5817
"""A number of our own for PostgreSQL's advisory lock."""


class DatabaseUnavailable(SwitchError):
    """The database cannot be reached, read or written; the message says what to look at."""


class Session(AsyncSession):
    """One transaction's session. Functions that are handed one may `flush` and never commit."""

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the transaction is on disk; not at all if it is rolled back.

        Actions of successive transactions run in the order of their commits.
        """
        self.info.setdefault("after_commit", []).append(action)

    @property
    def own_changes(self) -> "Counter[str]":
        """`Database.own_changes` of this session's database."""
        own: Counter[str] = self.info["own_changes"]
        return own


class Database:
    """A pool of connections and the two ways to use it: `session` to write, `reading` to read."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Raises Invalid for a URL that names neither SQLite nor PostgreSQL."""
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"connect_args": {"timeout": 10}} if self.is_sqlite else {"pool_pre_ping": True}
        self.engine = create_async_engine(self.url, **options)
        self._reading = self.engine.execution_options(
            **({"sqlite_reading": True} if self.is_sqlite else {"postgresql_readonly": True})
        )
        self.own_changes: Counter[str] = Counter()
        """Changes that were counted here and not yet seen; see `softswitch.platform.changes`."""
        # SQLite has one writer at a time. Those who wait inside this process queue here, in order, rather than poll
        # the file's lock; the file's own lock keeps out other processes.
        self._writer: AbstractAsyncContextManager[Any] = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._direct: SqliteWriter | None = None
        self._direct_thread: ThreadPoolExecutor | None = None
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "do_connect", _try_sqlite)
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A transaction that commits at the end of the block, or rolls back if the block raises.

        Do not open one inside another: on SQLite the inner would wait for the outer. Raises DatabaseUnavailable.
        """
        info = {"own_changes": self.own_changes}
        async with self._writer, Session(self.engine, expire_on_commit=False, info=info) as session:
            with _plain_errors(self.url):
                async with session.begin():
                    yield session
            for action in session.info.get("after_commit", ()):
                action()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """A session that only reads, and waits for no writer."""
        async with Session(self._reading, expire_on_commit=False) as session:
            with _plain_errors(self.url):
                yield session

    @property
    def inserts_directly(self) -> bool:
        """Whether `insert` can be used: on an SQLite file. A database in memory belongs to one connection."""
        return self.is_sqlite and self.url.database not in (None, "", ":memory:")

    async def insert(self, inserts: Sequence[Insert]) -> None:
        """Put rows into tables of an SQLite file in one transaction, as `session` would, at a fraction of its cost: one
        visit to a thread of its own. Raises DatabaseUnavailable."""
        if self._direct is None or self._direct_thread is None:
            arguments, options = self.engine.dialect.create_connect_args(self.url)
            # One thread at a time uses it, and the last may be another one than the first.
            anywhere: dict[str, Any] = {**options, "check_same_thread": False}
            self._direct = SqliteWriter(partial(sqlite3.connect, *arguments, **anywhere))
            self._direct_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        async with self._writer:
            try:
                await asyncio.get_running_loop().run_in_executor(self._direct_thread, self._direct.insert, inserts)
            except sqlite3.Error as error:
                said = _explain_sqlite(self._name, str(error))
                if said is None:
                    raise
                raise DatabaseUnavailable(said) from error

    async def migrate(self) -> None:
        """Bring the tables to what this program needs, in one transaction; another process's start waits for it.

        Raises DatabaseUnavailable, also when the tables belong to a newer program.
        """
        if self.is_sqlite and self.url.database:
            _make_file(self.url.database)
        with _plain_errors(self.url):
            try:
                async with self.engine.begin() as connection:
                    await connection.run_sync(_upgrade)
            except CommandError as error:
                raise DatabaseUnavailable(
                    f"the database {self._name} was written by a newer softswitch than this one ({error})"
                ) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._direct is not None and self._direct_thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._direct_thread, self._direct.close)
            self._direct_thread.shutdown()
            self._direct = self._direct_thread = None
        await self.engine.dispose()

    @property
    def _name(self) -> str:
        return self.url.render_as_string(hide_password=True)


def parse_url(url: str) -> URL:
    """Read a database URL and fill in our driver. Raises Invalid."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Invalid("database", f"this is no database URL; {_EXAMPLES}") from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise Invalid("database", f"{parsed.drivername!r} is neither SQLite nor PostgreSQL; {_EXAMPLES}")
    if driver.startswith("postgresql") and not parsed.database:
        raise Invalid("database", f"the URL names no database; {_EXAMPLES}")
    return parsed.set(drivername=driver)


_EXAMPLES = "write sqlite+aiosqlite:////var/lib/softswitch/softswitch.db or postgresql://USER:PASSWORD@HOST/DATABASE"


def _try_sqlite(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
    # A file that cannot be opened is found out here. aiosqlite would leave a thread behind that reports its end to an
    # event loop which may be closed by then, and prints a traceback for it.
    sqlite3.connect(*arguments, **options).close()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see below
    cursor = connection.cursor()
    # WAL: readers and the writer do not wait for each other. With synchronous=NORMAL a commit survives the death of
    # the process (also kill -9); only a power cut may lose the last moments, never the file's consistency.
    try:
        cursor.execute("PRAGMA busy_timeout=10000")
        _enter_wal(cursor)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except Exception:
        connection.close()  # the pool forgets a connection that fails here, and its thread would stay
        raise


def _enter_wal(cursor: Any) -> None:
    # Two programs that open a new file at once both change its mode, and for that SQLite does not wait as it does for
    # everything else (busy_timeout): whoever is refused tries again.
    for pause in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, None):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if pause is None or "locked" not in str(error):
                raise
            await_only(asyncio.sleep(pause))


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once when another wrote in between; an
    # immediate one waits its turn instead.
    reading = connection.get_execution_options().get("sqlite_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")


def _make_file(file: str) -> None:
    if file.startswith("file:") or file == ":memory:":
        return
    folder = Path(file).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(f"cannot make the folder {folder} for the database: {error.strerror}") from error
    # Whoever reads the digests of passwords can use them: the file, and the ones that SQLite lays beside it with the
    # same rights, are for this user alone. One that is there keeps its rights; one that cannot be made is SQLite's to
    # complain of.
    with suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


class _plain_errors:  # noqa: N801 - reads as a statement
    """Turns a driver's failure to reach or write the database into one sentence; lets programming errors through."""

    def __init__(self, url: URL) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        said = explain_failure(self._url, error) if error is not None else None
        if said is not None:
            raise DatabaseUnavailable(said) from error


def explain_failure(url: URL, error: BaseException) -> str | None:
    """What an administrator should be told of a failed connection or write; None: it is not that kind of error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = url.render_as_string(hide_password=True)
    words = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    if url.get_backend_name() == "sqlite":
        return _explain_sqlite(name, words) if isinstance(error, SQLAlchemyError) else None
    if isinstance(cause, OSError | TimeoutError):
        return f"cannot reach the database {name}: {words}; is PostgreSQL running there?"
    # asyncpg's class names are PostgreSQL's condition names.
    if type(cause).__name__ in _REFUSALS or (cause and type(cause.__cause__).__name__ in _REFUSALS):
        return f"the database {name} refused us: {words.rpartition('>: ')[2] or words}"
    return None


def _explain_sqlite(name: str, words: str) -> str | None:
    if "unable to open database file" in words:
        return f"cannot open the database {name}: is its folder there, and may this user write in it?"
    if "readonly database" in words:
        return f"cannot write the database {name}: its file or folder is read-only for this user"
    if "not a database" in words or "malformed" in words:
        return f"{name} is no SQLite database, or a damaged one ({words})"
    if "disk is full" in words or "disk I/O error" in words:
        return f"cannot write the database {name}: {words}"
    if "database is locked" in words:
        return f"the database {name} is held by another program: {words}"
    return None


_REFUSALS = frozenset(
    {
        "InvalidPasswordError",
        "InvalidAuthorizationSpecificationError",
        "InvalidCatalogNameError",
        "TooManyConnectionsError",
        "CannotConnectNowError",
        "AdminShutdownError",
        "ConnectionDoesNotExistError",
        "InsufficientPrivilegeError",
        "ReadOnlySQLTransactionError",
    }
)
