"""The numbers: formulas by their names, the law of the account, the same result whichever way it is reached."""

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest

from softswitch.events import AgentStateChanged, CallerLeftQueue, CallerQueued, Fact
from softswitch.features.acd.model import inputs
from softswitch.features.queue_figures.model.accounts import Accounts
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import QueueRow, total
from softswitch.features.queue_figures.model.service_level import DEFAULT, FORMULAS, Counts, service_level
from softswitch.kernel.errors import Invalid
from softswitch.kernel.ids import CallId
from tests.support.acd_desk import Desk, sales
from tests.support.acd_world import World

DAY = Counts(answered=1_000, answered_within=860, abandoned=60, abandoned_within=20, abandoned_short=10)


@pytest.mark.parametrize(
    ("formula", "percent"),
    [
        ("answered", 86.0),
        ("abandons_credited", 83.0),
        ("late_abandons", 82.7),
        ("short_credited", 82.1),
        ("short_excluded", 81.9),
        ("all_abandons", 81.1),
    ],
)
def test_six_formulas_of_one_day(formula: str, percent: float) -> None:
    level = service_level(DAY, formula)
    assert level is not None and round(level, 1) == percent


def test_the_default_leaves_short_abandons_out_and_nothing_is_divided_by_nothing() -> None:
    assert service_level(DAY) == service_level(DAY, DEFAULT) == service_level(DAY, "short_excluded")
    for formula in FORMULAS:
        assert service_level(Counts(0, 0, 0, 0, 0), formula) is None


def test_a_row_can_be_told_by_any_threshold_afterwards() -> None:
    """The day of the formulas, made of facts, and counted by T = 20 s and s = 5 s, and by others."""
    facts: list[Fact] = []
    waits = [("answered", 20_000)] * 860 + [("answered", 20_001)] * 140
    waits += [("abandoned", 5_000)] * 10 + [("abandoned", 5_001)] * 10 + [("abandoned", 30_000)] * 40
    for stay, (outcome, wait) in enumerate(waits):
        facts += stay_of(stay, outcome, 1_000, 1_000 + wait)
    rows = Accounts(facts).queues(Intervals("60"), 100_000)

    assert [round(rows[0].level(formula) or 0, 1) for formula in FORMULAS] == [86.0, 83.0, 82.7, 82.1, 81.9, 81.1]
    (row,) = Accounts(facts).queues(Intervals("60"), 100_000, threshold_ms=30_000, short_ms=0)
    assert (row.answered_within, row.abandoned_within, row.abandoned_short) == (1_000, 60, 0)
    assert row.speed_of_answer_ms() == 20_000.14 and row.longest_wait_ms == 30_000


def stay_of(stay: int, outcome: str, queued_at: int, left_at: int) -> list[Fact]:
    call = CallId(f"c{stay}")
    return [
        CallerQueued(
            at=queued_at,
            call=call,
            queue="q",
            stay=stay,
            number="",
            priority=0,
            head_start_ms=0,
            ahead=0,
            expected_ms=None,
        ),
        CallerLeftQueue(at=left_at, call=call, queue="q", stay=stay, queued_at=queued_at, outcome=outcome),  # type: ignore[arg-type]
    ]  # fmt: skip


def test_who_came_in_an_interval_counts_in_it_and_time_is_cut_where_it_ends() -> None:
    quarter = 900.0
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.run(quarter - 10)
    desk.arrive("c1")
    desk.run(quarter + 5)
    desk.answer("ann")
    desk.tell(inputs.AgentHeld(desk.attempt("ann")), quarter + 65)
    desk.tell(inputs.AgentResumed(desk.attempt("ann")), quarter + 75)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann"), transferred=True), 2 * quarter + 20)
    desk.arrive("c2")
    desk.run(2 * quarter + 40)
    desk.tell(inputs.AgentNotReady("ann", "lunch"), 2 * quarter + 40)
    accounts = Accounts(desk.facts())
    until = round((2 * quarter + 100) * 1000)

    queues = accounts.queues(Intervals("15"), until)
    assert [(row.begin, row.offered, row.answered, row.waiting) for row in queues] == [
        (0, 1, 1, 0), (900_000, 0, 0, 0), (1_800_000, 1, 0, 1),
    ]  # fmt: skip
    assert [(row.talk_ms, row.hold_ms) for row in queues] == [(0, 0), (885_000, 10_000), (20_000, 0)]
    agents = accounts.agents(Intervals("15"), until)
    assert [row.states for row in agents] == [
        {"available": 890_000, "reserved": 10_000},
        {"reserved": 5_000, "connected": 885_000, "hold": 10_000},
        {"connected": 20_000, "reserved": 20_000, "not_ready": 60_000, "not_ready: lunch": 60_000},
    ]
    assert [row.signed_on_ms() for row in agents] == [900_000, 900_000, 100_000]
    assert [(row.conversations, row.transfers, row.not_answered) for row in agents] == [(0, 0, 0), (0, 0, 0), (1, 1, 1)]
    assert agents[0].occupancy() == 0.0 and agents[2].occupancy() == 50.0 and agents[2].utilisation() == 20.0


def test_the_law_holds_at_every_step_and_the_view_agrees_with_the_engine_and_with_sql() -> None:
    for seed in range(5_000, 5_010):
        world, accounts = World(seed), Accounts()
        step = world.centre.step

        def checked(now: int, told: inputs.Input, step=step, world=world, accounts=accounts):  # type: ignore[no-untyped-def]
            effects = step(now, told)
            for effect in effects:
                if isinstance(effect, Fact):
                    accounts.hear(effect)
            for row in accounts.queues(Intervals("month"), now):
                queue = world.centre.queue(row.name)
                assert queue is not None and row.balances()
                assert (row.offered, row.waiting) == (queue.tally.offered, len(queue.waiting))
            return effects

        world.centre.step = checked  # type: ignore[method-assign]
        world.run()
        assert len(world.facts) > 100
        until = world.now
        for length in ("15", "30", "60", "day"):
            live = accounts.queues(Intervals(length), until)
            assert live == Accounts(world.facts).queues(Intervals(length), until)
            assert all(row.balances() for row in live)
        assert sql(world.facts, 900_000) == [
            (row.name, row.begin, row.offered, row.answered, row.abandoned, row.overflowed, row.callback,
             row.disconnected, row.answered_within, row.abandoned_short, row.answer_wait_ms)
            for row in accounts.queues(Intervals("15"), until) if row.offered
        ]  # fmt: skip
        for agent in world.profiles:
            rows = [row for row in accounts.agents(Intervals("15"), until) if row.agent == agent]
            told = [fact for fact in world.facts if isinstance(fact, AgentStateChanged) and fact.agent == agent]
            on = sum(fact.before_ms for fact in told if fact.before != "logged_out")
            on += until - told[-1].at if told[-1].state != "logged_out" else 0
            assert sum(row.signed_on_ms() for row in rows) == on


def sql(facts: list[Fact], length_ms: int) -> list[tuple[object, ...]]:
    """The same report by SQL over the log as it is stored: one JSON text a fact."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE log (body TEXT)")
    database.executemany("INSERT INTO log VALUES (?)", [(msgspec.json.encode(fact).decode(),) for fact in facts])
    return database.execute(
        """
        WITH came AS (
          SELECT body ->> '$.queue' AS queue, body ->> '$.stay' AS stay, body ->> '$.at' AS at
          FROM log WHERE body ->> '$.fact' = 'CallerQueued'),
        went AS (
          SELECT body ->> '$.stay' AS stay, body ->> '$.outcome' AS outcome,
                 (body ->> '$.at') - (body ->> '$.queued_at') AS wait
          FROM log WHERE body ->> '$.fact' = 'CallerLeftQueue')
        SELECT queue, at / ?1 * ?1, count(*), sum(outcome = 'answered'), sum(outcome = 'abandoned'),
               sum(outcome = 'overflowed'), sum(outcome = 'callback'), sum(outcome = 'disconnected'),
               sum(outcome = 'answered' AND wait <= 20000), sum(outcome = 'abandoned' AND wait <= 5000),
               sum(CASE outcome WHEN 'answered' THEN wait ELSE 0 END)
        FROM came LEFT JOIN went USING (stay) GROUP BY 1, 2 ORDER BY 1, 2
        """,
        (length_ms,),
    ).fetchall()


def ms(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


def test_intervals_go_by_the_clocks_of_their_time_zone() -> None:
    at = ms(2026, 10, 17, 20, 25)
    assert at - Intervals("15").begin(at) == 10 * 60_000
    assert at - Intervals("60", "Asia/Kolkata").begin(at) == 55 * 60_000  # 01:55 there
    day = Intervals("day", "Europe/Berlin")
    begin = day.begin(ms(2026, 10, 25, 12))  # of the day when the clocks go back
    assert begin == ms(2026, 10, 24, 22) and day.next(begin) - begin == 25 * 3_600_000
    month = Intervals("month", "Asia/Shanghai")
    assert month.next(month.begin(at)) - month.begin(at) == 31 * 24 * 3_600_000
    with pytest.raises(Invalid, match="interval"):
        Intervals("20")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="time_zone"):
        Intervals("15", "Mars/Olympus")


def test_rows_add_up() -> None:
    rows = [
        QueueRow(name="q", begin=0, offered=2, answered=2, longest_wait_ms=5),
        QueueRow(name="q", begin=1, offered=1, abandoned=1, longest_wait_ms=9),
    ]
    whole = total(rows, "q", 0)
    assert (whole.offered, whole.answered, whole.abandoned, whole.longest_wait_ms) == (3, 2, 1, 9)
    assert Counter(json.loads(msgspec.json.encode(whole)))["offered"] == 3
