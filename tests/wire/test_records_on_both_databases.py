"""The event log, the call records and the dial plan on SQLite and on PostgreSQL."""

import asyncio

import pytest
from sqlalchemy import func, select

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.engine.bus import Bus
from softswitch.events import AccountUnregistered, CallAnswered, CallFact, CallOffered, Fact
from softswitch.features.cdr.feature import build
from softswitch.features.cdr.service import CallRecords
from softswitch.features.cdr.store import READ_AT_ONCE, CdrQuery, between, find, page
from softswitch.features.cdr.tables import CdrRow
from softswitch.features.routing.model import PlanDocument, Rule, demo_plan
from softswitch.features.routing.service import DialPlan
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog, Rows
from softswitch.platform.retention import Retention
from tests.support import call_facts
from tests.support.admin_plane import StandingClock
from tests.support.call_facts import ended
from tests.support.no_calendars import NoCalendars

GONE = AccountUnregistered(at=5, aor="1001", contact="sip:1001@127.0.0.1\x00", reason="expired")


def offered(call: str, at: int, from_: str = "1001\x00") -> CallOffered:
    return call_facts.offered(call, at, from_, name="张三 \"'\\", source="")


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


async def test_facts_and_records_are_stored_together_and_read_back(database: Database) -> None:
    run = Run(database)
    facts: list[CallFact] = [offered("a", 100), CallAnswered(at=110, call=CallId("a")), ended("a", 200)]
    run.publish(*facts, GONE)
    await run.log.flush()
    run.publish(offered("b", 300, "2001"), ended("b", 400, Cause.USER_BUSY))
    await run.log.stop()
    logged = await run.log.read()
    assert [entry.fact for entry in logged[:4]] == [*facts, GONE]
    assert [entry.fact for entry in await run.log.read(call=CallId("b"))] == [
        offered("b", 300, "2001"),
        ended("b", 400, Cause.USER_BUSY),
    ]
    async with database.reading() as session:
        assert [cdr.call_id for cdr in await page(session, CdrQuery(), None, 9)] == ["b", "a"]
        assert [cdr.call_id for cdr in await page(session, CdrQuery(), (300, "b"), 9)] == ["a"]
        assert [cdr.call_id for cdr in await page(session, CdrQuery(from_number="1001"), None, 9)] == ["a"]
        record = await find(session, CallId("a"))
    assert record is not None
    assert (record.from_, record.from_name, record.billable_ms) == ("1001\x00", "张三 \"'\\", 90)


async def test_the_records_of_a_time_are_read_oldest_first_however_many(database: Database) -> None:
    run = Run(database)
    calls = 2 * READ_AT_ONCE + 1
    for number in range(calls):  # three of each millisecond
        run.publish(offered(f"c-{number:05}", 1000 + number // 3), ended(f"c-{number:05}", 9000))
    await run.log.stop()
    async with database.reading() as session:
        every = [cdr.call_id async for cdr in between(session, 0, 10_000)]
        some = [cdr.call_id async for cdr in between(session, 1001, 1003)]
    assert every == [f"c-{number:05}" for number in range(calls)]
    assert some == [f"c-{number:05}" for number in range(3, 9)]


async def test_the_records_of_a_killed_switch_are_made_at_the_next_start(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.platform.event_log._CHECKPOINT_SECONDS", 0.0)
    first = Run(database)
    for batch in ([offered("whole", 10)], [offered("cut", 20)], [ended("whole", 30)], [GONE], [offered("late", 40)]):
        first.publish(*batch)
        await first.log.flush()
    # The process dies here: nothing of `first` runs on.
    second = Run(database)
    assert await second.records.recover() == 2
    async with database.reading() as session:
        cut = await find(session, CallId("cut"))
    assert cut is not None
    assert (cut.disposition, cut.note, cut.ended_at) == ("failed", "switch stopped", 40)
    third = Run(database)
    assert await third.records.recover() == 0
    for run in (first, second, third):
        await run.log.stop()


async def test_a_poisoned_row_does_not_hold_up_what_comes_with_it(database: Database) -> None:
    run = Run(database)
    run.publish(GONE)
    run.log.add(Rows("no_such_table", {"a": "TEXT"}), ("x",))
    run.publish(offered("a", 1), ended("a", 2))
    await run.log.stop()
    assert run.log.dropped == 1
    async with database.reading() as session:
        assert await find(session, CallId("a")) is not None


class Nobody:
    def origin_of(self, number: str) -> Origin | None:
        return None

    def tried(self, destination: Destination, number: str) -> tuple[()]:
        return ()

    def why_missing(self, destination: Destination) -> str | None:
        return None

    def prospect(self, *asked: object) -> Prospect:
        raise AssertionError("nobody asks here")

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        return None


async def test_versions_of_the_dial_plan_follow_each_other_whoever_publishes_at_once(database: Database) -> None:
    dial_plan = DialPlan(StandingClock(), lambda fact: None, Nobody(), Nobody(), NoCalendars())

    def with_one_more(document: PlanDocument) -> PlanDocument:
        count = len(document.rules)
        rule = Rule(name=f"rule-{count}", number=str(count), destination="echo")
        return PlanDocument(rules=(*document.rules, rule))

    async def publish() -> bool:
        try:
            async with database.session() as session:
                await dial_plan.change(session, with_one_more, "a test", "")
        except Conflict:
            return False
        return True

    published = sum(await asyncio.gather(*(publish() for _ in range(4))))
    assert published >= 1
    assert (dial_plan.plan.version, len(dial_plan.document.rules)) == (published, published)
    async with database.session() as session:
        await dial_plan.change(session, lambda _: demo_plan(), "a test", "the demo")
    async with database.session() as session:
        await dial_plan.roll_back(session, published, "a test")
    again = DialPlan(StandingClock(), lambda fact: None, Nobody(), Nobody(), NoCalendars())
    await again.load(database)
    assert (again.plan.version, len(again.document.rules)) == (published + 2, published)


async def test_old_facts_are_deleted_and_those_of_calls_that_go_on_are_kept(database: Database) -> None:
    run, day, clock = Run(database), 86_400_000, StandingClock()
    now = clock.wall_ms()
    for number in range(1200):
        run.publish(offered(f"old-{number}", now - 9 * day), ended(f"old-{number}", now - 9 * day + 1))
    run.publish(GONE, offered("long", now - 8 * day), offered("lasting", now - 8 * day))
    await run.log.flush()
    run.publish(ended("lasting", now - day), offered("young", now - day), ended("young", now - day + 1))
    await run.log.flush()

    retention = Retention(database, clock, run.records.live, days=7)
    assert await retention.prune() == 1201
    assert await retention.prune() == 0

    facts = [entry.fact for entry in await run.log.read()]
    assert [getattr(fact, "call", None) for fact in facts] == ["long", "lasting", "lasting", "young", "young"]
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(CdrRow)) == 1202
    await run.log.stop()


async def test_the_newest_fact_stays_so_that_its_number_is_not_given_again(database: Database) -> None:
    run = Run(database)
    run.publish(offered("a", 1), ended("a", 2))
    await run.log.flush()
    assert await Retention(database, StandingClock(), run.records.live, days=1).prune() == 0
    run.publish(offered("b", 3), ended("b", 4))
    await run.log.flush()
    assert await Retention(database, StandingClock(), run.records.live, days=1).prune() == 1
    assert [entry.seq for entry in await run.log.read()] == [2, 2]
    await run.log.stop()
