"""Figures of queues on SQLite and on PostgreSQL: the view in memory, reports and plain SQL over the log agree."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, text

from softswitch.events import AgentReleased, CallbackEnded, ConversationEnded
from softswitch.features.queue_figures.model.accounts import Accounts
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import QueueRow, total
from softswitch.features.queue_figures.tables import EndRow, SpanRow, StayRow
from softswitch.platform.database import Database
from tests.support.figures_book import Book, a_day, borders, states_by_sql, told_by_sql


def at(zone: str, *parts: int) -> int:
    return round(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[arg-type, misc]


PLACES = [
    ("15", "Asia/Kathmandu", at("Asia/Kathmandu", 2026, 5, 4, 10, 7)),
    ("30", "Europe/Berlin", at("Europe/Berlin", 2026, 10, 25, 2, 51)),  # the clocks go back within it
    ("60", "Australia/Lord_Howe", at("Australia/Lord_Howe", 2026, 4, 5, 1, 41)),  # by half an hour
    ("day", "America/New_York", at("America/New_York", 2026, 3, 7, 23, 50)),  # midnight before a short day
    ("month", "Asia/Shanghai", at("Asia/Shanghai", 2026, 12, 31, 23, 49)),
]


def cells(row: QueueRow) -> tuple[object, ...]:
    return (
        row.name, row.begin, row.offered, row.answered, row.abandoned, row.overflowed, row.callback, row.disconnected,
        row.waiting, row.answered_within, row.abandoned_within, row.abandoned_short, row.answer_wait_ms,
        row.longest_wait_ms,
    )  # fmt: skip


@pytest.mark.parametrize(("length", "zone", "begin"), PLACES)
async def test_report_view_and_sql_agree_to_the_call_and_the_millisecond(
    database: Database, length: str, zone: str, begin: int
) -> None:
    """A day is asked after three times in its middle, while callers wait and agents talk, and at its end."""
    book, facts = Book(database), a_day(begin % 977, begin)
    waited = 0
    for part in range(1, 5):
        some = facts[len(book.heard) : len(facts) * part // 4]
        while len(book.heard) + len(some) < len(facts) and facts[len(book.heard) + len(some)].at == some[-1].at:
            some.append(facts[len(book.heard) + len(some)])  # a moment happens whole
        book.publish(some)
        now = book.clock.at + 1
        cut = borders(length, zone, begin, now)
        accounts = Accounts(book.heard)
        queues = await book.queues(length, zone, begin)
        assert queues == accounts.queues(Intervals(length, zone), now)  # type: ignore[arg-type]
        assert [cells(row) for row in queues if row.offered] == await told_by_sql(database, cut, now)
        agents = await book.agents(length, zone, begin)
        assert agents == accounts.agents(Intervals(length, zone), now)  # type: ignore[arg-type]
        assert {(row.agent, row.begin): row.states for row in agents if row.states} == await states_by_sql(
            database, cut, now
        )
        for by in ("skill", "trunk"):
            rows = await book.queues(length, zone, begin, by=by)
            assert rows == accounts.queues(Intervals(length, zone), now, by=by)  # type: ignore[arg-type]
            assert all(row.balances() for row in rows)
        for queue in book.figures.live.queues.values():
            row = queue.row(begin - begin % 900_000, now)
            whole = total([row for row in queues if row.name == queue.name], queue.name, row.begin)
            whole.talk_ms = whole.hold_ms = whole.wrap_up_ms = 0  # which the view in memory does not count
            assert row == whole
            waited += row.waiting
        assert sum(row.offered for row in queues) == sum(queue.offered for queue in book.figures.live.queues.values())
    assert waited, "nobody waited when it was asked"
    ended = [fact for fact in facts if isinstance(fact, ConversationEnded)]
    assert sum(row.conversations for row in queues) == len(ended) == sum(row.conversations for row in agents)
    assert sum(row.transfers for row in queues) == sum(fact.reason == "transferred" for fact in ended)
    unanswered = sum(isinstance(fact, AgentReleased) and fact.reason == "no_answer" for fact in facts)
    assert sum(row.not_answered for row in queues) == unanswered == sum(row.not_answered for row in agents)
    back = [fact.outcome for fact in facts if isinstance(fact, CallbackEnded)]
    assert sum(row.called_back for row in queues) == back.count("connected")
    assert sum(row.called_back + row.callbacks_failed for row in queues) == len(back)
    await book.log.stop()


async def test_a_report_looks_up_its_time_and_does_not_read_the_years_before(database: Database) -> None:
    """The plans of both databases go by an index, and meanwhile the event loop goes on."""
    days, begin = 400, at("UTC", 2026, 1, 1)
    stays = [
        {
            "stay": number, "queue": f"q{number % 7}", "call": f"c{number}", "trunk": "", "queued_at": moment,
            "left_at": moment + 30_000, "outcome": "answered", "reason": "", "agent": "ann",
        }
        for number in range(20_000)
        for moment in [begin + number * days * 86_400_000 // 20_000]
    ]  # fmt: skip
    ends = [
        {
            "at": stay["left_at"], "kind": "conversation", "reason": "agent", "queue": stay["queue"], "agent": "ann",
            "stay": stay["stay"],
        }
        for stay in stays
    ]  # fmt: skip
    spans = [
        {
            "agent": "ann", "state": "connected", "reason": "", "queue": stay["queue"], "stay": stay["stay"],
            "begin_at": stay["queued_at"], "end_at": stay["left_at"],
        }
        for stay in stays
    ]  # fmt: skip
    async with database.session() as session:
        await session.execute(insert(StayRow), stays)
        await session.execute(insert(SpanRow), spans)
        await session.execute(insert(EndRow), ends)
    async with database.session() as session:
        await session.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []
    book = Book(database, begin + 200 * 86_400_000)

    def hear(_c: object, _u: object, statement: str, values: Any, _x: object, _m: object) -> None:
        if "queue_figures" in statement:
            asked.append((statement, values))

    event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    rows = await book.queues("60", "UTC", book.clock.at - 86_400_000)
    await book.agents("60", "UTC", book.clock.at - 86_400_000)
    event.remove(database.engine.sync_engine, "before_cursor_execute", hear)
    assert sum(row.offered for row in rows) in (50, 51) and len(asked) == 6

    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    for statement, values in asked:
        async with database.engine.connect() as connection:
            plan = "\n".join(str(line) for line in await connection.exec_driver_sql(explain + statement, values))
        (table,) = [name for name in ("queue_figures_stay", "queue_figures_span", "queue_figures_end")
                    if f"{name} " in statement]  # fmt: skip
        looked_up = (f"INDEX ix_{table}", f"Index Scan using ix_{table}", f"Bitmap Index Scan on ix_{table}")
        assert any(way in plan for way in looked_up), plan
        assert f"Seq Scan on {table}" not in plan, plan

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    whole = await book.queues("15", "UTC", begin + 170 * 86_400_000)
    ticking.cancel()
    assert len(whole) > 1_000 and ticks > 20
    await book.log.stop()
