"""The figures of this moment, and what a restart makes of what was left open."""

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as some

from softswitch.events import (
    AgentStateChanged,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    Fact,
)
from softswitch.features.queue_figures.model.accounts import Accounts
from softswitch.features.queue_figures.model.intervals import Intervals, Length
from softswitch.features.queue_figures.model.live import Live, since
from softswitch.features.queue_figures.model.pieces import QUARTER_MS, pieces
from softswitch.features.queue_figures.model.rows import total
from softswitch.features.queue_figures.service import RESTART
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from tests.support.figures_book import Book, a_day, states_by_sql

MINUTE, HOUR = 60_000, 3_600_000
MORNING = round(datetime(2026, 5, 4, 6, tzinfo=UTC).timestamp() * 1000)


def test_clocks_of_all_time_zones_differ_from_utc_by_whole_quarters() -> None:
    """What pieces of spans stand on. Looked at each half year from 1980 to 2037."""
    moments = [datetime(year, month, 1, tzinfo=UTC) for year in range(1980, 2038) for month in (1, 7)]
    odd = {
        zone
        for zone in available_timezones()
        for moment in moments
        if (offset := moment.astimezone(ZoneInfo(zone)).utcoffset()) is None or offset.total_seconds() % 900
    }
    assert not odd


@given(
    length=some.sampled_from(("15", "30", "60", "day", "month")),
    zone=some.sampled_from(sorted(available_timezones())),
    at=some.integers(315_532_800_000, 2_145_916_800_000),
)
def test_every_moment_lies_in_one_interval_and_each_ends_where_the_next_begins(
    length: Length, zone: str, at: int
) -> None:
    lies_in_one(Intervals(length, zone), at)


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),  # the hour from 1 has 90 minutes
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),  # midnight comes twice
        ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # and here it did not come
        ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 30, tzinfo=UTC)),  # by a quarter
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a day was left out
    ],
)
@pytest.mark.parametrize("length", ["15", "30", "60", "day", "month"])
def test_intervals_where_clocks_are_set(zone: str, around: datetime, length: Length) -> None:
    middle = round(around.timestamp() * 1000)
    for minutes in range(-180, 180, 7):
        for at in (middle + minutes * MINUTE, middle + minutes * MINUTE - 1):
            lies_in_one(Intervals(length, zone), at)
    if zone == "Australia/Lord_Howe" and length == "60":
        begin = Intervals("60", zone).begin(middle)
        assert Intervals("60", zone).next(begin) - begin == 90 * MINUTE


def lies_in_one(intervals: Intervals, at: int) -> None:
    begin = intervals.begin(at)
    following = intervals.next(begin)
    assert begin <= at < following
    assert intervals.begin(begin) == begin == intervals.begin(following - 1)
    assert intervals.begin(following) == following


@given(begin=some.integers(0, 10**10), length=some.integers(-(10**6), 10**8))
def test_pieces_are_the_span_and_none_crosses_a_quarter(begin: int, length: int) -> None:
    cut = list(pieces(begin, begin + length))
    assert sum(end - start for start, end in cut) == max(0, length)
    assert all(start < end and start // QUARTER_MS == (end - 1) // QUARTER_MS for start, end in cut)
    assert [start for start, _ in cut[1:]] == [end for _, end in cut[:-1]]


def long_day(seed: int, hours: int = 30) -> list[Fact]:
    """Stays over more than a day, some of them very long."""
    chance, facts = random.Random(seed), list[Fact]()
    for stay in range(hours * 12):
        at = MORNING + chance.randrange(hours * HOUR)
        wait = chance.choice((0, 900, chance.randrange(20 * MINUTE), chance.randrange(4 * HOUR)))
        queue, call = chance.choice(("sales", "support")), CallId(f"c{stay}")
        facts.append(
            CallerQueued(
                at=at, call=call, queue=queue, stay=stay, number="", priority=0, head_start_ms=0, ahead=0,
                expected_ms=None,
            )
        )  # fmt: skip
        outcome = chance.choice(("answered", "abandoned", "overflowed", "callback", "disconnected"))
        left = CallerLeftQueue(
            at=at + wait,
            call=call,
            queue=queue,
            stay=stay,
            queued_at=at,
            outcome=outcome,  # type: ignore[arg-type]
        )
        facts.append(left)
    return sorted(facts, key=lambda fact: (fact.at, isinstance(fact, CallerLeftQueue)))


@pytest.mark.parametrize("seed", range(3))
def test_every_window_is_what_came_in_it_whatever_was_forgotten_meanwhile(seed: int) -> None:
    live, heard, looks = Live(), list[Fact](), 0
    for fact in long_day(seed):
        live.hear(fact)
        heard.append(fact)
        assert not live.off_balance()
        if len(heard) % 37:
            continue
        for window in ("15", "30", "60", "day"):
            begin = since(window, fact.at, "Asia/Kathmandu")
            for threshold_ms, short_ms in ((20_000, 5_000), (10 * MINUTE, 901)):
                came = [stay for stay in heard if isinstance(stay, CallerQueued) and stay.at >= begin]
                stays = {stay.stay for stay in came}
                rows = Accounts(
                    each for each in heard if isinstance(each, CallerQueued | CallerLeftQueue) and each.stay in stays
                ).queues(Intervals("month"), fact.at, threshold_ms, short_ms)
                for queue in live.queues.values():
                    of = [row for row in rows if row.name == queue.name]
                    expected = total(of, queue.name, begin)
                    expected.threshold_ms, expected.short_ms = threshold_ms, short_ms
                    assert queue.row(begin, fact.at, threshold_ms, short_ms) == expected
                    looks += 1
    assert looks > 100


def test_what_contradicts_is_told_and_nothing_is_hidden() -> None:
    live = Live()
    entered = CallerQueued(
        at=5, call=CallId("c"), queue="q", stay=1, number="", priority=0, head_start_ms=0, ahead=0, expected_ms=None
    )
    left = CallerLeftQueue(at=9, call=CallId("c"), queue="q", stay=1, queued_at=5, outcome="answered")
    for fact in (entered, left):
        live.hear(fact)
        assert live.off_balance() == 0
    live.hear(left)  # it ends twice
    assert live.off_balance() > 0
    live = Live()
    live.hear(entered)
    live.hear(entered)  # it begins twice
    assert live.off_balance() > 0
    live = Live()
    live.hear(left)  # it has never begun
    assert live.off_balance() > 0


async def test_a_kill_in_the_middle_ends_what_was_open_and_the_figures_go_on(database: Database) -> None:
    """The next run knows what the last knew. Stays, agents and callbacks that nobody could end are ended at the log's
    last moment; those that are kept go on."""
    facts = a_day(next(seed for seed in range(100) if waiting_callbacks(a_day(seed, MORNING))), MORNING)
    book = Book(database)
    book.publish(facts[: halfway(facts)])
    await book.log.flush()
    before, died_at = book.figures.live, facts[halfway(facts) - 1].at
    open_stays = {stay: queue.name for queue in before.queues.values() for stay in queue.waiting}
    callbacks = {stay for queue in before.queues.values() for stay in queue.callbacks}
    assert len(open_stays) > 1 and callbacks
    await book.log.stop()  # of which the run has no facts: as if it had been killed

    again = Book(database, at=died_at + 90_000)
    kept = min(open_stays)
    call = next(fact.call for fact in facts if isinstance(fact, CallerQueued) and fact.stay == kept)
    await again.figures.recover({call}, {min(callbacks)})
    ended = [fact for fact in again.heard if isinstance(fact, CallerLeftQueue)]
    assert {fact.stay: fact.queue for fact in ended} == {
        stay: queue for stay, queue in open_stays.items() if stay != kept
    }
    assert {(fact.outcome, fact.reason, fact.at) for fact in ended} == {("disconnected", RESTART, died_at)}
    states = [fact for fact in again.heard if isinstance(fact, AgentStateChanged)]
    on = {agent.agent: agent for agent in before.agents.values() if agent.state != "logged_out"}
    assert {fact.agent for fact in states} == set(on)
    for fact in states:
        assert (fact.state, fact.reason, fact.at) == ("logged_out", RESTART, died_at)
        assert (fact.before, fact.before_ms) == (on[fact.agent].state, died_at - on[fact.agent].since)
    assert {fact.stay for fact in again.heard if isinstance(fact, CallbackEnded)} == callbacks - {min(callbacks)}

    now = again.clock.at + 1
    accounts = Accounts([*book.heard, *again.heard])
    for name, queue in again.figures.live.queues.items():
        (row,) = [row for row in accounts.queues(Intervals("day"), now) if row.name == name]
        row.talk_ms = row.hold_ms = row.wrap_up_ms = 0
        assert queue.row(row.begin, now) == row
    assert await again.queues("day", "UTC", MORNING) == accounts.queues(Intervals("day"), now)
    agents = await again.agents("15", "UTC", MORNING)
    assert agents == accounts.agents(Intervals("15"), now)
    cut = [MORNING + number * QUARTER_MS for number in range(5)]
    assert {(row.agent, row.begin): row.states for row in agents if row.states} == await states_by_sql(
        database, cut, now
    )
    # The caller that was kept leaves in the end, once.
    again.publish([
        CallerLeftQueue(
            at=now + 5, call=call, queue=open_stays[kept], stay=kept,
            queued_at=again.figures.live.queues[open_stays[kept]].waiting[kept], outcome="answered",
        )
    ])  # fmt: skip
    assert not again.figures.off_balance() and not any(q.waiting for q in again.figures.live.queues.values())
    await again.log.stop()


def halfway(facts: list[Fact]) -> int:
    return len(facts) // 2


def waiting_callbacks(facts: list[Fact]) -> bool:
    """Whether several wait, and some to be called back, halfway."""
    live = Live()
    for fact in facts[: halfway(facts)]:
        live.hear(fact)
    waiting = sum(len(queue.waiting) for queue in live.queues.values())
    back = {fact.stay for fact in facts[: halfway(facts)] if isinstance(fact, CallbackRequested)}
    return waiting > 1 and bool(back) and any(queue.callbacks for queue in live.queues.values())
