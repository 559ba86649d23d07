import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from softswitch.events import AccountUnregistered, CallEnded, CallFact, CallOffered, CallTraced, Fact, LegRang
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database, DatabaseUnavailable
from softswitch.platform.event_log import EventLog, Rows
from tests.support import call_facts


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'switch.db'}")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
async def event_log(database: Database) -> AsyncIterator[EventLog]:
    event_log = EventLog(database, bound=10)
    yield event_log
    await event_log.stop()


def offered(call: str, at: int = 1) -> CallOffered:
    return call_facts.offered(call, at, to="1002\x00", name="张三")


def ended(call: str) -> CallEnded:
    return call_facts.ended(call, at=9)


def whole_call(call: str) -> list[CallFact]:
    return [offered(call), LegRang(at=2, call=CallId(call), leg=LegId(f"{call}.2")), ended(call)]


GONE = AccountUnregistered(at=5, aor="1001", contact="sip:1001@127.0.0.1", reason="expired")


async def test_facts_are_read_back_as_they_were_in_their_order(event_log: EventLog) -> None:
    event_log.start()
    facts: list[Fact] = [*whole_call("a"), GONE, *whole_call("b")]
    for fact in facts:
        event_log.append(fact)
    await event_log.flush()
    entries = await event_log.read()
    assert [entry.fact for entry in entries] == facts
    assert [entry.fact for entry in await event_log.read(call=CallId("b"))] == facts[4:]
    assert [entry.fact for entry in await event_log.read(after=entries[0].seq, limit=2)] == facts[3:]
    assert event_log.pending == 0


async def test_stopping_writes_what_is_left(database: Database) -> None:
    event_log = EventLog(database)
    event_log.start()
    event_log.append(GONE)
    await event_log.flush()
    event_log.append(GONE)
    await event_log.stop()
    await event_log.stop()
    assert [entry.fact for entry in await event_log.read()] == [GONE, GONE]


async def test_calls_without_an_end_are_known_after_a_restart_and_no_others(database: Database) -> None:
    event_log = EventLog(database)
    event_log.start()
    event_log.append(offered("long"))
    await event_log.flush()
    for fact in (*whole_call("short"), offered("open", 3), ended("long")):
        event_log.append(fact)
    await event_log.stop()
    assert await EventLog(database).unfinished() == [[offered("open", 3)]]


async def test_calls_open_at_a_checkpoint_are_known_whatever_comes_after_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch writes a checkpoint here, and the log before the last one is gone: it must not be read."""
    monkeypatch.setattr("softswitch.platform.event_log._CHECKPOINT_SECONDS", 0.0)
    event_log = EventLog(database)
    event_log.start()
    for facts in ([offered("ends")], [offered("stays")], [ended("ends")], [GONE], [offered("late")]):
        for fact in facts:
            event_log.append(fact)
        await event_log.flush()
    await event_log.stop()
    async with database.session() as session:
        await session.execute(text("UPDATE event_log SET body = '[]' WHERE seq <= 3"))
    again = EventLog(database)
    assert list(await again._read_open()) == ["stays", "late"]
    again.start()
    again.append(ended("stays"))
    await again.stop()
    assert list(await EventLog(database)._read_open()) == ["late"]


async def test_rows_are_stored_with_the_facts_of_their_turn_or_not_at_all(
    database: Database, event_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Rows("event_log_checkpoint", {"id": "BIGINT", "seq": "BIGINT", "calls": "TEXT"}, replacing=True)
    event_log.start()
    for fact in whole_call("a"):
        event_log.append(fact)
    event_log.add(records, (7, 0, "first"))
    event_log.add(records, (7, 0, "row"))
    refused = True
    insert = EventLog._insert

    async def fails_at_the_row(self: EventLog, session: object, into: Rows, rows: list[tuple[object, ...]]) -> None:
        nonlocal refused
        if into == records and refused:
            refused = False
            raise DatabaseUnavailable("the disk is full")
        await insert(self, session, into, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(EventLog, "_insert", fails_at_the_row)
    monkeypatch.setattr("softswitch.platform.event_log._RETRY_FIRST", 0.0)
    await event_log.flush()
    assert not refused
    assert len(await event_log.read()) == 3
    async with database.reading() as session:
        assert (await session.scalars(text("SELECT calls FROM event_log_checkpoint WHERE id = 7"))).all() == ["row"]


async def test_an_entry_the_database_refuses_does_not_hold_up_the_others(event_log: EventLog) -> None:
    event_log.start()
    event_log.append(GONE)
    event_log.add(Rows("no_such_table", {"a": "TEXT"}), ("x",))
    event_log.append(GONE)
    await event_log.flush()
    assert [entry.fact for entry in await event_log.read()] == [GONE, GONE]
    assert event_log.dropped == 1


async def test_what_belongs_to_a_call_is_kept_however_slow_the_disk_is(event_log: EventLog) -> None:
    for _ in range(10):
        event_log.append(GONE)
    assert event_log.congested
    late = whole_call("a")
    for fact in [GONE, CallTraced(at=8, call=CallId("a"), lines=()), *late]:
        event_log.append(fact)
    assert event_log.dropped == 2
    event_log.start()
    await event_log.flush()
    assert not event_log.congested
    assert [entry.fact for entry in await event_log.read()][10:] == late


async def test_many_tasks_that_flush_all_wait_for_their_own_facts(event_log: EventLog) -> None:
    event_log.start()

    async def one(call: str) -> int:
        event_log.append(offered(call))
        await event_log.flush()
        return len(await event_log.read(call=CallId(call)))

    assert await asyncio.gather(*(one(str(number)) for number in range(8))) == [1] * 8


async def test_who_asks_is_told_once_what_was_appended_before_is_on_disk(event_log: EventLog) -> None:
    on_disk: list[int] = []
    told = asyncio.Event()

    def look() -> None:
        on_disk.append(event_log.pending)
        told.set()

    event_log.then(look)
    assert on_disk == [0]  # nothing was appended: it is there already
    told.clear()
    event_log.append(GONE)
    event_log.then(look)
    assert on_disk == [0]
    event_log.start()
    await told.wait()
    assert on_disk == [0, 0]
    assert [entry.fact for entry in await event_log.read()] == [GONE]


async def test_one_who_fails_when_told_keeps_nobody_else_from_being_told(event_log: EventLog) -> None:
    event_log.append(GONE)
    event_log.then(lambda: 1 // 0)  # type: ignore[arg-type]
    told = asyncio.Event()
    event_log.then(told.set)
    event_log.start()
    await told.wait()
