"""The append-only event log: every fact that happened, in order, on disk soon after.

`append` only puts a fact in a list. One task writes the list behind, everything pending in one transaction: at once
when the disk has been idle, and otherwise so that writing takes a tenth of the time at most, but every 50 ms in any
case. Rows that others derive from facts (the CDR) go in by `add` and share the transaction of the facts that were
appended in the same turn of the event loop: a call's last fact and its record are both stored or neither.

When the disk is slow no call waits for it. Pending entries pile up to a bound; beyond it the log is `congested`: new
calls should be refused, facts that belong to no call and ladders (`CallTraced`) are dropped and counted, and what
belongs to calls that exist is still taken. So nothing a CDR is made of is ever dropped, and the pile is bounded by the
bound and the calls that were already there.

Which calls are open is stored beside the facts, in the same transactions, so that after a crash the unfinished calls
are found at once however long the log is.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from sqlalchemy import BigInteger, Index, Integer, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.events import AnyFact, CallEnded, CallFact, CallOffered, CallTraced, Fact
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database, DatabaseUnavailable, Session
from softswitch.platform.tables import Base

log = structlog.get_logger(__name__)

_SHORTEST, _LONGEST = 0.01, 0.05
"""Seconds between the starts of two batches."""
_RETRY_FIRST, _RETRY_MOST = 0.1, 5.0
_STOP_SECONDS = 10.0
_ENCODED_AT_ONCE = 1000


class EventRow(Base):
    """One fact."""

    __tablename__ = "event_log"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    fact: Mapped[str] = mapped_column(String(64))
    call: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_event_log_call", "call"),)


class OpenCallRow(Base):
    """A call whose `CallEnded` is not in the log yet."""

    __tablename__ = "event_log_open_call"

    call: Mapped[str] = mapped_column(String(64), primary_key=True)


class Rows(msgspec.Struct, frozen=True, eq=False):
    """A table that rows are added to, and its columns with their types (`BIGINT` or `TEXT`)."""

    table: str
    columns: Mapping[str, str]
    replacing: bool = False
    """Whether a row replaces the one with the same first column, which is the table's key."""


class LoggedFact(msgspec.Struct, frozen=True):
    """A fact as it was read back."""

    seq: int
    fact: Fact


_FACTS = Rows("event_log", {"at": "BIGINT", "fact": "TEXT", "call": "TEXT", "body": "TEXT"})
_OPENED = Rows("event_log_open_call", {"call": "TEXT"}, replacing=True)
_CLOSED = {
    True: "DELETE FROM event_log_open_call WHERE call = ?",
    False: "DELETE FROM event_log_open_call WHERE call = ANY($1::TEXT[])",
}


class EventLog:
    """Appends facts, and reads them back."""

    def __init__(self, database: Database, *, bound: int = 100_000) -> None:
        """`bound`: how many entries may await the disk before the log is congested."""
        self._database = database
        self._bound = bound
        self._facts: list[Fact] = []
        self._rows: list[tuple[Rows, tuple[object, ...]]] = []
        self._bell = asyncio.Event()
        self._hurry = asyncio.Event()
        self._not_before = float("-inf")
        self._taken = 0
        self._written = 0
        self._flushers: list[tuple[int, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._stopping = False
        self._statements: dict[Rows, str] = {}
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(AnyFact).decode
        self.dropped = 0
        """Facts that were dropped because the disk did not keep up."""

    @property
    def pending(self) -> int:
        """How many entries await the disk."""
        return self._taken - self._written + len(self._facts) + len(self._rows)

    @property
    def congested(self) -> bool:
        """Whether so much awaits the disk that new calls should be refused."""
        return self.pending >= self._bound

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write_on(), name="event log")

    async def stop(self) -> None:
        """Write what is left and stop; give up after 10 seconds and say what was lost. Stopping twice does nothing."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        self._stopping = True
        self._bell.set()
        self._hurry.set()
        _, late = await asyncio.wait([writer], timeout=_STOP_SECONDS)
        if late:
            writer.cancel()
            await asyncio.wait([writer])
            log.error("the event log stopped before all was written", lost=self.pending)

    def append(self, fact: Fact) -> None:
        """Log a fact. Never waits, never raises."""
        if len(self._facts) >= self._bound and (not isinstance(fact, CallFact) or isinstance(fact, CallTraced)):
            self.dropped += 1
            return
        self._facts.append(fact)
        self._bell.set()

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        """Store a row together with the facts that are appended in this turn of the event loop."""
        self._rows.append((into, row))
        self._bell.set()

    async def flush(self) -> None:
        """Return when all that was appended so far is on disk. The log must be started."""
        target = self._taken + len(self._facts) + len(self._rows)
        if self._written >= target:
            return
        done = asyncio.get_running_loop().create_future()
        self._flushers.append((target, done))
        self._hurry.set()
        await done

    async def read(self, *, call: CallId | None = None, after: int = 0, limit: int = 10_000) -> list[LoggedFact]:
        """Facts on disk in order, of one call or of all, from behind the sequence number `after`."""
        query = select(EventRow.seq, EventRow.body).where(EventRow.seq > after).order_by(EventRow.seq).limit(limit)
        if call is not None:
            query = query.where(EventRow.call == call)
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return [LoggedFact(seq, self._decode(body)) for seq, body in rows]

    async def unfinished(self) -> list[list[Fact]]:
        """The facts of each call that has no `CallEnded` on disk. After a start these are the last run's."""
        async with self._database.reading() as session:
            calls = (await session.scalars(select(OpenCallRow.call).order_by(OpenCallRow.call))).all()
        return [[entry.fact for entry in await self.read(call=CallId(call))] for call in calls]

    async def _write_on(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._stopping and not self._facts and not self._rows):
            await self._bell.wait()
            if self._not_before > loop.time() and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._not_before):
                        await self._hurry.wait()
            self._bell.clear()
            self._hurry.clear()
            started = loop.time()
            await self._write_pending()
            self._not_before = started + min(max(10 * (loop.time() - started), _SHORTEST), _LONGEST)

    async def _write_pending(self) -> None:
        if not self._facts and not self._rows:
            return
        facts, self._facts = self._facts, []
        rows, self._rows = self._rows, []
        self._taken += len(facts) + len(rows)
        wait = _RETRY_FIRST
        while True:
            try:
                await self._store(facts, rows)
                break
            except DatabaseUnavailable as error:
                log.warning("the event log cannot be written, trying again", error=str(error), pending=self.pending)
                await asyncio.sleep(wait)
                wait = min(2 * wait, _RETRY_MOST)
            except Exception as error:
                # Something in the batch, not the database, is at fault: it must not hold up the rest for ever.
                log.error("a batch of the event log was refused, writing its entries one by one", error=repr(error))
                await self._store_singly(facts, rows)
                break
        self._written = self._taken
        self._tell_flushers()

    def _tell_flushers(self) -> None:
        for target, done in self._flushers:
            if target <= self._written and not done.done():
                done.set_result(None)
        self._flushers = [(target, done) for target, done in self._flushers if not done.done()]

    async def _store_singly(self, facts: Sequence[Fact], rows: Sequence[tuple[Rows, tuple[object, ...]]]) -> None:
        for fact in facts:
            try:
                await self._store([fact], [])
            except Exception as error:
                self.dropped += 1
                log.error("a fact could not be stored", fact=repr(fact), error=repr(error))
        for row in rows:
            try:
                await self._store([], [row])
            except Exception as error:
                self.dropped += 1
                log.error("a row could not be stored", table=row[0].table, row=repr(row[1]), error=repr(error))

    async def _store(self, facts: Sequence[Fact], rows: Sequence[tuple[Rows, tuple[object, ...]]]) -> None:
        """Write in one transaction. Raises DatabaseUnavailable."""
        by_table: dict[Rows, list[tuple[object, ...]]] = {}
        if facts:
            by_table[_FACTS] = await self._encoded(facts)
        opened, closed = _opened_and_closed(facts)
        if opened:
            by_table[_OPENED] = opened
        for into, row in rows:
            by_table.setdefault(into, []).append(row)
        async with self._database.session() as session:
            for into, some in by_table.items():
                await self._insert(session, into, some)
            if closed:
                connection = await session.connection()
                parameters = closed if self._database.is_sqlite else ([call for (call,) in closed],)
                await connection.exec_driver_sql(_CLOSED[self._database.is_sqlite], parameters)

    async def _encoded(self, facts: Sequence[Fact]) -> list[tuple[object, ...]]:
        encode, rows = self._encode, list[tuple[object, ...]]()
        for start in range(0, len(facts), _ENCODED_AT_ONCE):
            if start:
                await asyncio.sleep(0)  # a long pile must not hold up the calls
            rows += [
                (fact.at, type(fact).__name__, getattr(fact, "call", None), encode(fact).decode())
                for fact in facts[start : start + _ENCODED_AT_ONCE]
            ]
        return rows

    async def _insert(self, session: Session, into: Rows, rows: list[tuple[object, ...]]) -> None:
        # Written for the driver itself: a statement object per row would cost more than all the rest of a fact.
        statement = self._statements.get(into)
        if statement is None:
            statement = self._statements[into] = _insert_statement(into, self._database.is_sqlite)
        connection = await session.connection()
        if self._database.is_sqlite:
            await connection.exec_driver_sql(statement, rows)
        else:
            unique = {row[0]: row for row in rows}.values() if into.replacing else rows
            await connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*unique, strict=True)))


def _insert_statement(into: Rows, sqlite: bool) -> str:
    columns = ", ".join(into.columns)
    if sqlite:
        places = ", ".join("?" for _ in into.columns)
        return f"INSERT {'OR REPLACE ' if into.replacing else ''}INTO {into.table} ({columns}) VALUES ({places})"
    # One statement with an array per column: the cheapest way into PostgreSQL short of COPY.
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(into.columns.values(), 1))
    update = ", ".join(f"{column} = excluded.{column}" for column in into.columns)
    conflict = f" ON CONFLICT ({next(iter(into.columns))}) DO UPDATE SET {update}" if into.replacing else ""
    return f"INSERT INTO {into.table} ({columns}) SELECT * FROM unnest({arrays}){conflict}"


def _opened_and_closed(facts: Sequence[Fact]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The calls that began in a batch and go on, and those that ended in it and had begun before."""
    opened: dict[CallId, None] = {}
    closed: list[tuple[object, ...]] = []
    for fact in facts:
        if type(fact) is CallOffered:
            opened[fact.call] = None
        elif type(fact) is CallEnded and opened.pop(fact.call, fact) is fact:
            closed.append((fact.call,))
    return [(call,) for call in opened], closed
