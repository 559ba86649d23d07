from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.engine.bus import Bus
from softswitch.events import (
    AccountUnregistered,
    CallAnswered,
    CallEnded,
    CallFact,
    CallOffered,
    CallTraced,
    Fact,
    LegEnded,
    LegRang,
)
from softswitch.feature import hears
from softswitch.features.cdr.feature import build
from softswitch.features.cdr.model import record
from softswitch.features.cdr.service import CallRecords
from softswitch.features.cdr.store import CdrQuery, find, page, row_of
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog, Rows
from tests.support.call_facts import ended, offered


class Written:
    """An event log that only remembers."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.rows: list[tuple[object, ...]] = []

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        self.rows.append(row)

    async def flush(self) -> None:
        return

    async def last_at(self) -> int | None:
        return None

    async def unfinished(self) -> list[list[Fact]]:
        return []


fact_of_a_call = st.one_of(
    st.builds(lambda call, at: offered(call, at), st.sampled_from("abc"), st.integers(0, 50)),
    st.builds(lambda call, at: ended(call, at), st.sampled_from("abc"), st.integers(0, 50)),
    st.builds(lambda call, at: CallAnswered(at=at, call=CallId(call)), st.sampled_from("abc"), st.integers(0, 50)),
    st.builds(
        lambda call, at: LegRang(at=at, call=CallId(call), leg=LegId(f"{call}.2")),
        st.sampled_from("abc"),
        st.integers(0, 50),
    ),
    st.builds(
        lambda call, at, cause: LegEnded(at=at, call=CallId(call), leg=LegId(f"{call}.1"), cause=cause, by_party=True),
        st.sampled_from("abc"),
        st.integers(0, 50),
        st.sampled_from(Cause),
    ),
    st.builds(
        lambda call, at: CallTraced(at=at, call=CallId(call), lines=()), st.sampled_from("abc"), st.integers(0, 50)
    ),
)


@given(st.lists(fact_of_a_call, max_size=40))
def test_records_made_as_calls_end_are_those_made_again_from_the_log(facts: list[CallFact]) -> None:
    """Even of facts in an order that no switch would produce, each call offered and ended gives one row."""
    written = Written()
    bus, records = Bus(), CallRecords(written)
    bus.subscribe(Fact, written.append)
    bus.subscribe(*hears(CallFact, records.hear))
    for fact in facts:
        bus.publish(fact)
    again: list[tuple[object, ...]] = []
    calls: dict[CallId, list[CallFact]] = {}
    for said in written.facts:
        assert isinstance(said, CallFact)
        fact = said
        if isinstance(fact, CallOffered) or fact.call in calls:
            calls.setdefault(fact.call, []).append(fact)
        if isinstance(fact, CallEnded) and fact.call in calls:
            call = calls.pop(fact.call)
            cdr = record(call)
            assert cdr is not None
            again.append(row_of(cdr))
    assert written.rows == again
    assert set(records.live()) == set(calls)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'switch.db'}")
    await database.migrate()
    yield database
    await database.close()


class Run:
    """A switch's life as far as records are concerned."""

    def __init__(self, database: Database) -> None:
        self.bus = Bus()
        self.log = EventLog(database)
        self.records = CallRecords(self.log)
        self.log.start()
        self.bus.subscribe(Fact, self.log.append)
        for kind, hearer in build(self.records).subscriptions:
            self.bus.subscribe(kind, hearer)

    def publish(self, *facts: Fact) -> None:
        for fact in facts:
            self.bus.publish(fact)


async def stored(database: Database, query: CdrQuery | None = None) -> list[str]:
    async with database.reading() as session:
        return [cdr.call_id for cdr in await page(session, query or CdrQuery(), None, 100)]


async def test_a_call_the_killed_switch_left_behind_gets_its_record_at_the_next_start(database: Database) -> None:
    first = Run(database)
    first.publish(offered("whole", 10), ended("whole", 20), offered("cut", 30), CallAnswered(at=40, call=CallId("cut")))
    first.publish(AccountUnregistered(at=55, aor="1001", contact="sip:1001@127.0.0.1", reason="expired"))
    await first.log.flush()
    assert first.records.live() == ["cut"]
    # The process dies here: nothing of `first` runs on.
    second = Run(database)
    assert await second.records.recover() == 1
    assert await stored(database) == ["cut", "whole"]
    async with database.reading() as session:
        cut = await find(session, CallId("cut"))
    assert cut is not None
    assert (cut.disposition, cut.note, cut.ended_at) == ("answered", "switch stopped", 55)
    third = Run(database)
    assert await third.records.recover() == 0
    assert [type(entry.fact) for entry in await third.log.read(call=CallId("cut"))] == [
        CallOffered,
        CallAnswered,
        CallEnded,
    ]
    for run in (first, second, third):
        await run.log.stop()


async def test_records_are_found_by_party_time_and_disposition_newest_first(database: Database) -> None:
    run = Run(database)
    run.publish(offered("a", 100), ended("a", 200, Cause.USER_BUSY))
    run.publish(offered("b", 300, "2001\x00"), ended("b", 400))
    run.publish(offered("c", 300, "1001", "9196"), CallAnswered(at=301, call=CallId("c")), ended("c", 400))
    await run.log.stop()
    assert await stored(database) == ["c", "b", "a"]
    assert await stored(database, CdrQuery(from_number="1001")) == ["c", "a"]
    assert await stored(database, CdrQuery(from_number="2001")) == ["b"]
    assert await stored(database, CdrQuery(to_number="9196")) == ["c"]
    assert await stored(database, CdrQuery(since=100, until=300)) == ["a"]
    assert await stored(database, CdrQuery(disposition="busy")) == ["a"]
    async with database.reading() as session:
        assert [cdr.call_id for cdr in await page(session, CdrQuery(), (300, "c"), 1)] == ["b"]
