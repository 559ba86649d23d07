"""Live calls as they are stored, on both databases."""

from sqlalchemy import select, text

from softswitch.features.cdr.service import CallRecords
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from softswitch.platform.live_calls import Change, LiveCallRow, LiveCalls
from softswitch.platform.vault import Vault
from tests.support.call_facts import ended, offered

A, B = CallId("a"), CallId("b")
KEY = bytes(range(32))


class Process:
    """One life of a switch, as far as its database goes."""

    def __init__(self, database: Database, key: bytes = KEY) -> None:
        self.log = EventLog(database)
        self.calls = LiveCalls(database, self.log, Vault(key))
        self.records = CallRecords(self.log)
        self.pending: list[Change] = []
        self.calls.follow(self.changes)
        self.log.start()

    def changes(self) -> list[Change]:
        changes, self.pending = self.pending, []
        return changes

    async def writes(self, *changes: Change) -> None:
        self.pending += changes
        self.log.ring()
        await self.log.flush()
        while self.pending:
            self.log.append(offered("beside"))
            await self.log.flush()


async def test_what_was_written_is_read_and_replaced_and_forgotten(database: Database) -> None:
    process = Process(database)
    await process.writes((A, b'{"a":1}'), (B, b'{"b":1}'))
    assert await process.calls.read() == {A: b'{"a":1}', B: b'{"b":1}'}
    await process.writes((A, b'{"a":2}'), (B, None))
    assert await process.calls.read() == {A: b'{"a":2}'}
    process.calls.forget(A)
    await process.log.flush()
    assert await process.calls.read() == {}
    await process.log.stop()


async def test_hundreds_are_written_and_taken_out_at_once(database: Database) -> None:
    process = Process(database)
    names = [CallId(f"c{number}") for number in range(300)]
    await process.writes(*((name, b"{}") for name in names))
    assert set(await process.calls.read()) == set(names)
    await process.writes(*((name, None) for name in names[:-1]))
    assert set(await process.calls.read()) == {names[-1]}
    await process.log.stop()


async def test_a_call_and_its_facts_are_stored_together(database: Database) -> None:
    process = Process(database)
    process.log.append(offered("a"))
    process.pending.append((A, b"{}"))
    await process.log.flush()
    async with database.reading() as session:
        assert (await session.execute(text("SELECT call FROM event_log WHERE call = 'a'"))).all()
        assert (await session.execute(select(LiveCallRow.call))).all() == [("a",)]
    await process.log.stop()


async def test_nothing_of_it_can_be_read_without_the_key(database: Database) -> None:
    process = Process(database)
    await process.writes((A, b'{"key":"very secret"}'))
    async with database.reading() as session:
        body = await session.scalar(select(LiveCallRow.body))
    assert body is not None and "secret" not in body
    await process.log.stop()
    other = Process(database, key=bytes(32))
    assert await other.calls.read() == {}
    await other.log.flush()
    async with database.reading() as session:
        assert (await session.execute(select(LiveCallRow.call))).all() == [], "what nobody can read is not kept"
    await other.log.stop()


async def test_a_record_cannot_be_shown_as_another_calls(database: Database) -> None:
    process = Process(database)
    await process.writes((A, b"{}"))
    async with database.session() as session:
        await session.execute(text("UPDATE live_calls SET call = 'b'"))
    assert await process.calls.read() == {}
    await process.log.stop()


async def test_a_call_that_goes_on_has_one_record_of_all_its_facts(database: Database) -> None:
    first = Process(database)
    for fact in (offered("a", 100), offered("b", 200)):
        first.log.append(fact)
    await first.writes((A, b"{}"))
    await first.log.stop()

    second = Process(database)
    assert await second.records.recover(await second.calls.read()) == 1, "b has ended with the process"
    assert second.records.live() == [A]
    end = ended("a", at=5000)
    second.log.append(end)
    second.records.hear(end)
    await second.log.flush()
    async with database.reading() as session:
        records: dict[str, str] = dict((await session.execute(text("SELECT call, body FROM cdr_record"))).all())
    assert records.keys() == {"a", "b"}
    assert '"started_at":100' in records["a"] and '"ended_at":5000' in records["a"]
    await second.log.stop()
