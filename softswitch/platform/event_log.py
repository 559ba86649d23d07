"""The append-only event log: every fact that happened, in order, on disk soon after.

`append` only puts a fact in a list. One task writes the list behind, everything pending in one transaction: at once
when the disk has been idle, and otherwise so that writing takes a tenth of the time at most, but every 50 ms in any
case. Rows that others derive from facts (the CDR) go in by `add` and share the transaction of the facts that were
appended in the same turn of the event loop: a call's last fact and its record are both stored or neither.

When the disk is slow no call waits for it. Pending entries pile up to a bound; beyond it the log is `congested`: new
calls should be refused, facts that belong to no call and ladders (`CallTraced`) are dropped and counted, and what
belongs to calls that exist is still taken. So nothing a CDR is made of is ever dropped, and the pile is bounded by the
bound and the calls that were already there.

What happened to one call in one batch is one row, a JSON array of facts: a row costs more than a fact does.

Which calls were open is stored every ten seconds with the place in the log, so that after a crash the unfinished calls
are found by reading the last seconds of the log, however long it is.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog
from sqlalchemy import BigInteger, Index, Integer, String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.events import AnyFact, CallEnded, CallFact, CallOffered, CallTraced, Fact
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database, DatabaseUnavailable, Session
from softswitch.platform.sqlite_writer import Insert
from softswitch.platform.tables import Base

log = structlog.get_logger(__name__)

_SHORTEST, _LONGEST = 0.01, 0.05
"""Seconds between the starts of two batches."""
_RETRY_FIRST, _RETRY_MOST = 0.1, 5.0
_STOP_SECONDS = 10.0
_ENCODED_AT_ONCE = 500
_CHECKPOINT_SECONDS = 10.0


class EventRow(Base):
    """What was written at once about one call, or one fact that belongs to no call."""

    __tablename__ = "event_log"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    """Of the first fact."""
    call: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    """A JSON array of facts."""

    __table_args__ = (Index("ix_event_log_call", "call"),)


class CheckpointRow(Base):
    """The calls that were open at a place in the log. There is one such row."""

    __tablename__ = "event_log_checkpoint"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    calls: Mapped[str] = mapped_column(Text)
    """A JSON array of their names."""


class Rows(msgspec.Struct, frozen=True, eq=False):
    """A table that rows are added to, and its columns with their types (`BIGINT` or `TEXT`)."""

    table: str
    columns: Mapping[str, str]
    replacing: bool = False
    """Whether a row replaces the one with the same first column, which is the table's key."""
    removing: bool = False
    """Whether it is taken out instead; the one column is the key."""


class LoggedFact(msgspec.Struct, frozen=True):
    """A fact as it was read back. Facts that were written together share their number."""

    seq: int
    fact: Fact


_FACTS = Rows("event_log", {"at": "BIGINT", "call": "TEXT", "body": "TEXT"})
_CHECKPOINT = Rows("event_log_checkpoint", {"id": "BIGINT", "seq": "BIGINT", "calls": "TEXT"}, replacing=True)
_CHECKPOINT_ID = 1
_OFFERED, _ENDED = '{"fact":"CallOffered"', '{"fact":"CallEnded"'
"""How these facts begin in JSON. No text inside a fact can look so: its quotation marks are escaped."""


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
        self._awaiting: deque[tuple[int, Callable[[], None]]] = deque()
        """Who wants to know when so many entries are on disk; the numbers only rise."""
        self._writer: asyncio.Task[None] | None = None
        self._stopping = False
        self._open: dict[CallId, None] | None = None
        """The calls whose end is not on disk; None: not read yet."""
        self._checkpoint_due = float("-inf")
        self._statements: dict[Rows, str] = {}
        self._derived: list[Callable[[], Sequence[tuple[Rows, tuple[object, ...]]]]] = []
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(list[AnyFact]).decode
        self.dropped = 0
        """Facts that were dropped because the disk did not keep up."""

    @property
    def pending(self) -> int:
        """How many entries await the disk."""
        return self._taken - self._written + len(self._facts) + len(self._rows)

    @property
    def fullness(self) -> float:
        """How much of what may await the disk does: at 1 the log is congested."""
        return self.pending / self._bound

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
        facts = self._facts
        if not facts:
            self._bell.set()
        elif len(facts) >= self._bound and (not isinstance(fact, CallFact) or isinstance(fact, CallTraced)):
            self.dropped += 1
            return
        facts.append(fact)

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        """Store a row together with the facts that are appended in this turn of the event loop."""
        self._rows.append((into, row))
        self._bell.set()

    def derive(self, rows: Callable[[], Sequence[tuple[Rows, tuple[object, ...]]]]) -> None:
        """Ask before each batch for rows that belong to the facts in it."""
        self._derived.append(rows)

    def ring(self) -> None:
        """There is something to `derive`."""
        self._bell.set()

    def then(self, action: Callable[[], None]) -> None:
        """Call `action` once all that was appended so far is on disk: at once when it is there already."""
        target = self._taken + len(self._facts) + len(self._rows)
        if self._written >= target:
            action()
        else:
            self._awaiting.append((target, action))

    async def flush(self) -> None:
        """Return when all that was appended so far is on disk. The log must be started."""
        done = asyncio.Event()
        self.then(done.set)
        self._hurry.set()
        await done.wait()

    async def read(self, *, call: CallId | None = None, after: int = 0, limit: int = 10_000) -> list[LoggedFact]:
        """Facts on disk in order, of one call or of all, from behind the number `after`, of at most `limit` rows."""
        query = select(EventRow.seq, EventRow.body).where(EventRow.seq > after).order_by(EventRow.seq).limit(limit)
        if call is not None:
            query = query.where(EventRow.call == call)
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return [LoggedFact(seq, fact) for seq, body in rows for fact in self._decode(body)]

    async def last_at(self) -> int | None:
        """The time of the last fact on disk, wall milliseconds; None: there is none."""
        async with self._database.reading() as session:
            body = await session.scalar(select(EventRow.body).order_by(EventRow.seq.desc()).limit(1))
        return None if body is None else max(fact.at for fact in self._decode(body))

    async def unfinished(self) -> list[list[Fact]]:
        """The facts of each call that has no `CallEnded` on disk. After a start these are the last run's."""
        return [[entry.fact for entry in await self.read(call=call)] for call in await self._read_open()]

    async def _read_open(self) -> dict[CallId, None]:
        since = select(EventRow.call, EventRow.body).order_by(EventRow.seq)
        async with self._database.reading() as session:
            checkpoint = await session.get(CheckpointRow, _CHECKPOINT_ID)
            rows = await session.execute(since.where(EventRow.seq > checkpoint.seq) if checkpoint else since)
        names: list[CallId] = msgspec.json.decode(checkpoint.calls, type=list[str]) if checkpoint else []
        calls: dict[CallId, None] = dict.fromkeys(names)
        for call, body in rows:
            if call is None:
                continue
            _follow(calls, CallId(call), begins=_OFFERED in body, ends=_ENDED in body)
        return calls

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
        for derived in self._derived:
            self._rows += derived()
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
        while self._awaiting and self._awaiting[0][0] <= self._written:
            _, action = self._awaiting.popleft()
            try:
                action()
            except Exception:
                log.exception("who awaited the event log failed")

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
        if self._open is None:
            self._open = await self._read_open()
        by_table: dict[Rows, list[tuple[object, ...]]] = {}
        calls = _by_call(facts)
        if facts:
            by_table[_FACTS] = await self._encoded(calls)
        for into, row in rows:
            by_table.setdefault(into, []).append(row)
        now = asyncio.get_running_loop().time()
        if now < self._checkpoint_due and self._database.inserts_directly:
            await self._database.insert(
                [
                    Insert(_insert_into(into), len(into.columns), some, ")" if into.removing else "")
                    for into, some in by_table.items()
                ]
            )
        else:
            await self._store_by_session(by_table, checkpoint=now >= self._checkpoint_due)
        if now >= self._checkpoint_due:
            self._checkpoint_due = now + _CHECKPOINT_SECONDS
        for call, group in calls:
            if call is not None:
                # The first and the last fact of every call.
                _follow(self._open, call, begins=type(group[0]) is CallOffered, ends=type(group[-1]) is CallEnded)

    async def _store_by_session(self, by_table: Mapping[Rows, list[tuple[object, ...]]], *, checkpoint: bool) -> None:
        async with self._database.session() as session:
            for into, some in by_table.items():
                await self._insert(session, into, some)
            if checkpoint:
                assert self._open is not None
                # The names are those before this batch, so the place must be, too.
                seq = await session.scalar(select(func.max(EventRow.seq)))
                names = msgspec.json.encode(list(self._open)).decode()
                place = (seq or 0) - len(by_table.get(_FACTS, ()))
                await self._insert(session, _CHECKPOINT, [(_CHECKPOINT_ID, place, names)])

    async def _encoded(self, calls: Sequence[tuple[CallId | None, list[Fact]]]) -> list[tuple[object, ...]]:
        encode, rows = self._encode, list[tuple[object, ...]]()
        for start in range(0, len(calls), _ENCODED_AT_ONCE):
            if start:
                await asyncio.sleep(0)  # a long pile must not hold up the calls
            rows += [
                (some[0].at, call, encode(some).decode()) for call, some in calls[start : start + _ENCODED_AT_ONCE]
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


def _insert_into(into: Rows) -> str:
    """The beginning of a statement for SQLite."""
    if into.removing:
        return f"DELETE FROM {into.table} WHERE {next(iter(into.columns))} IN ("
    return f"INSERT {'OR REPLACE ' if into.replacing else ''}INTO {into.table} ({', '.join(into.columns)})"


def _insert_statement(into: Rows, sqlite: bool) -> str:
    columns = ", ".join(into.columns)
    if sqlite:
        end = ")" if into.removing else ""
        return f"{_insert_into(into)} VALUES ({', '.join('?' for _ in into.columns)}){end}"
    # One statement with an array per column: the cheapest way into PostgreSQL short of COPY.
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(into.columns.values(), 1))
    if into.removing:
        return f"DELETE FROM {into.table} WHERE {columns} IN (SELECT * FROM unnest({arrays}))"
    update = ", ".join(f"{column} = excluded.{column}" for column in into.columns)
    conflict = f" ON CONFLICT ({next(iter(into.columns))}) DO UPDATE SET {update}" if into.replacing else ""
    return f"INSERT INTO {into.table} ({columns}) SELECT * FROM unnest({arrays}){conflict}"


def _by_call(facts: Sequence[Fact]) -> list[tuple[CallId | None, list[Fact]]]:
    """Each call's facts together, in order; a fact that belongs to no call stands alone."""
    groups: list[tuple[CallId | None, list[Fact]]] = []
    calls: dict[CallId, list[Fact]] = {}
    for fact in facts:
        call: CallId | None = getattr(fact, "call", None)
        if call is None:
            groups.append((None, [fact]))
        elif (some := calls.get(call)) is not None:
            some.append(fact)
        else:
            calls[call] = some = [fact]
            groups.append((call, some))
    return groups


def _follow(open_calls: dict[CallId, None], call: CallId, *, begins: bool, ends: bool) -> None:
    """Keep the open calls by what was written of one at once."""
    if begins:
        open_calls[call] = None
    if ends:
        open_calls.pop(call, None)
