"""What-if: the engine under virtual time recovers what is known exactly, and lives a recorded day again.

A bank's calls and tables of exact values are not part of the project: the folder is named by the environment variable
`SOFTSWITCH_CALLS_DATA`, or lies at `../shared/data/calls` beside the repository.
"""

import asyncio
import csv
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median, stdev

import pytest
from msgspec import structs

from softswitch import cli
from softswitch.events import CallerLeftQueue, CallerQueued, Fact
from softswitch.features.acd import store
from softswitch.features.acd.model.rules import AgentProfile, CallbackRules, Membership, QueueRules, WrapUp
from softswitch.features.acd.model.settings import AgentSettings, QueueSettings
from softswitch.features.acd.whatif.chance import constant, exponential, lognormal, poisson, spread
from softswitch.features.acd.whatif.day import Day, PlannedCall, Shift, live
from softswitch.features.acd.whatif.recorded import again, patience
from softswitch.features.queue_figures.model.accounts import Accounts
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import total
from softswitch.features.queue_figures.model.service_level import FORMULAS
from softswitch.kernel.destination import Destination
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from tests.support.erlang import erlang_a, erlang_c, first_come_first_served, level_c

DATA = Path(os.environ.get("SOFTSWITCH_CALLS_DATA") or Path(__file__).parents[2].parent / "shared" / "data" / "calls")
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="SOFTSWITCH_CALLS_DATA names no folder with bank_calls.csv and the Erlang tables"
)
REPLICATIONS, STUDENT = 12, 4.025
"""Student's t for 11 degrees of freedom and 99.8 %."""
RULES = QueueRules(name="q", wrap_up=WrapUp("none"))


def staffed(agents: int, end: int, rules: QueueRules = RULES) -> dict[str, object]:
    profiles = [AgentProfile(id=f"a{number}", queues=(Membership(queue="q"),)) for number in range(agents)]
    return {"queues": [rules], "agents": profiles, "shifts": [Shift(profile.id, 0, end) for profile in profiles]}


def stays(
    agents: int, rate: float, handling: float, patient: float | None, calls: int, seed: int
) -> list[CallerLeftQueue]:
    """The stays of M/M/n or M/M/n+M in seconds, without the first, which find an empty queue."""
    chance = random.Random(seed)
    handles = exponential(handling * 1000)
    waits = exponential(patient * 1000) if patient is not None else None
    planned = [
        PlannedCall(
            at=at, queue="q", handle_ms=handles(chance), patience_ms=waits(chance) if waits is not None else None
        )
        for at in poisson(0, round(calls / rate * 1000), rate / 1000, chance)
    ]
    facts = live(Day(calls=planned, **staffed(agents, 10**12)))  # type: ignore[arg-type]
    ended = [fact for fact in facts if isinstance(fact, CallerLeftQueue)]
    assert len(ended) == len(planned)
    warm = planned[len(planned) // 6].at
    return [fact for fact in ended if fact.queued_at > warm]


def assert_recovered(exact: float, measure: Callable[[int], float]) -> None:
    """The exact value lies within the confidence interval of independent replications."""
    values = [measure(seed) for seed in range(REPLICATIONS)]
    half = STUDENT * stdev(values) / REPLICATIONS**0.5
    assert abs(fmean(values) - exact) <= half, f"{fmean(values):.4f} +- {half:.4f}, and it is {exact:.4f}"
    assert half < 0.06, "so wide an interval shows nothing"


def part(stays: list[CallerLeftQueue], holds: Callable[[CallerLeftQueue], bool]) -> float:
    return sum(map(holds, stays)) / len(stays)


def waited(stay: CallerLeftQueue) -> int:
    return stay.at - stay.queued_at


@pytest.mark.parametrize(("agents", "load"), [(5, 3.5), (30, 24.0)])
def test_erlang_c_is_recovered(agents: int, load: float) -> None:
    """The chance to wait, and the part answered within a ninth of the handling time."""
    days = {seed: stays(agents, load / 180, 180.0, None, 4_000, seed) for seed in range(REPLICATIONS)}
    assert_recovered(erlang_c(agents, load), lambda seed: part(days[seed], lambda stay: waited(stay) > 0))
    assert_recovered(level_c(agents, load, 1 / 9), lambda seed: part(days[seed], lambda stay: waited(stay) <= 20_000))


@pytest.mark.parametrize(("agents", "load", "patient"), [(14, 14.0, 60.0), (50, 44.0, 90.0)])
def test_erlang_a_is_recovered(agents: int, load: float, patient: float) -> None:
    """The chance to wait, and to hang up."""
    days = {seed: stays(agents, load / 180, 180.0, patient, 4_000, seed) for seed in range(REPLICATIONS)}
    waits, hangs_up = erlang_a(agents, load / 180, 180.0, patient)
    assert_recovered(waits, lambda seed: part(days[seed], lambda stay: waited(stay) > 0))
    assert_recovered(hangs_up, lambda seed: part(days[seed], lambda stay: stay.outcome == "abandoned"))


def test_the_closed_forms_meet_published_figures() -> None:
    assert round(erlang_c(14, 10.0), 3) == 0.174
    assert round(level_c(14, 10.0, 20 / 180), 3) == 0.888
    assert round(erlang_c(55, 48.0), 3) == 0.239
    assert round(level_c(55, 48.0, 15 / 240), 3) == 0.846


@needs_data
def test_the_tables_agree_with_the_closed_forms() -> None:
    for row in csv.DictReader((DATA / "erlang_c_table.csv").open()):
        agents, load = int(row["agents"]), float(row["erlangs"])
        assert erlang_c(agents, load) == pytest.approx(float(row["p_wait"]), abs=1e-7)
        assert level_c(agents, load, 0.1111111) == pytest.approx(float(row["sl_T_over_aht_0.1111"]), abs=1e-4)
    for row in csv.DictReader((DATA / "erlang_a_table.csv").open()):
        waits, hangs_up = erlang_a(
            int(row["agents"]), float(row["lambda_per_min"]) / 60, float(row["aht_s"]), float(row["patience_s"])
        )
        assert waits == pytest.approx(float(row["p_wait"]), abs=1e-6)
        assert hangs_up == pytest.approx(float(row["p_abandon"]), abs=1e-6)


def busy_day(chance: random.Random, counts: list[int]) -> list[PlannedCall]:
    """A day's five-minute counts as calls, handled as people do and with some patience."""
    handling, waits = lognormal(160_000, 120_000), exponential(150_000)
    return [
        PlannedCall(at=at, queue="q", handle_ms=handling(chance), patience_ms=waits(chance), answer_ms=4_000)
        for at in spread(0, 300_000, counts, chance)
    ]


COUNTS = [40 + 35 * (number % 24 in range(6, 18)) + number % 7 for number in range(72)]
"""Six hours with peaks."""


def test_waits_agree_to_the_millisecond_with_a_simulation_of_another_kind() -> None:
    chance = random.Random(3)
    planned = [structs.replace(call, answer_ms=0) for call in busy_day(chance, COUNTS)]
    facts = live(Day(calls=planned, **staffed(30, 10**12)))  # type: ignore[arg-type]
    queued = {fact.stay: number for number, fact in enumerate(f for f in facts if isinstance(f, CallerQueued))}
    engine = {queued[fact.stay]: fact for fact in facts if isinstance(fact, CallerLeftQueue)}
    expected = first_come_first_served(30, [(call.at, call.handle_ms, call.patience_ms) for call in planned])

    same = sum(
        (waited(engine[number]), engine[number].outcome == "answered") == each for number, each in enumerate(expected)
    )
    assert same == len(expected) > 3_000
    assert 0.05 < sum(not answered for _, answered in expected) / len(expected) < 0.5


def level(facts: list[Fact]) -> float:
    (row,) = [row for row in Accounts(facts).queues(Intervals("day"), facts[-1].at) if row.offered]
    assert row.balances() and row.offered > 1_000
    percent = row.level()
    assert percent is not None
    return percent


def test_a_recorded_day_is_lived_again_within_two_points() -> None:
    recorded_again(COUNTS, 45)


def recorded_again(counts: list[int], agents: int) -> None:
    """Record a day; then live it again from what the record tells alone, and not from what made it."""
    day = Day(calls=busy_day(random.Random(1), counts), **staffed(agents, len(counts) * 300_000))  # type: ignore[arg-type]
    facts = live(day)
    recorded = level(facts)
    lived = [level(live(again(facts, day.queues, day.agents, random.Random(seed)))) for seed in (2, 3, 4)]
    assert 50 < recorded < 97, "a day on which the level says nothing"
    assert abs(fmean(lived) - recorded) < 2.0, (recorded, lived)


@needs_data
@pytest.mark.parametrize("date", ["2003-05-14", "2003-07-11"])
def test_a_day_of_a_bank_is_lived_again_within_two_points(date: str) -> None:
    """A quarter of its calls, and as many agents as the middle of the day asks for."""
    rows = csv.DictReader((DATA / "bank_calls.csv").open())
    counts = [round(float(row["Calls"]) / 4) for row in rows if row["DateTime"].startswith(date)]
    recorded_again(counts, round(median(counts) * 164 / 300 * 1.1))


async def test_a_day_out_of_the_log_is_lived_again_within_two_points(database: Database) -> None:
    """Two queues that share their agents, and callers who would rather be called back; read back from the event log."""
    chance = random.Random(5)
    rules = [
        QueueRules(name="q", wrap_up=WrapUp("fixed", 15_000)),
        QueueRules(name="other", wrap_up=WrapUp("fixed", 15_000), callback=CallbackRules(attempts=2)),
    ]
    calls = [
        structs.replace(
            call,
            queue=chance.choice(("q", "q", "other")),
            callback_after_ms=chance.choice((None, None, 12_000)),
            callback_answers=(chance.choice((None, 8_000)), 8_000),
        )
        for call in busy_day(chance, COUNTS)
    ]
    end = len(COUNTS) * 300_000
    agents = [
        AgentProfile(id=f"a{number}", queues=(Membership(queue="q"), Membership(queue="other", rank=number % 2)))
        for number in range(44)
    ]
    day = Day(calls=calls, queues=rules, agents=agents, shifts=[Shift(agent.id, 0, end) for agent in agents])
    log = EventLog(database)
    log.start()
    for fact in live(day):
        log.append(fact)
    await log.stop()
    facts = [entry.fact for entry in await log.read(limit=100_000)]

    recorded = Accounts(facts).queues(Intervals("day"), facts[-1].at)
    assert sum(row.callback for row in recorded) > 100 < sum(row.called_back for row in recorded), recorded
    level = total(recorded, "day", 0).level()
    lived = [day_level(live(again(facts, rules, agents, random.Random(seed)))) for seed in (2, 3, 4, 5)]
    assert level is not None and 50 < level < 97, "a day on which the level says nothing"
    assert abs(fmean(lived) - level) < 2.0, (level, lived)


def day_level(facts: list[Fact]) -> float:
    """Of all queues together."""
    return total(Accounts(facts).queues(Intervals("day"), facts[-1].at), "day", 0).level() or 0.0


def test_whom_to_call_back_is_called_back_or_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "callbacks = { share = 0.6, after = { mean_seconds = 20 }, answered = 0.5 }\nanswer = {"
    assert whatif(tmp_path, SCENARIO.replace("answer = {", asked).replace("agents = 8", "agents = 2"), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (sales,) = [row for row in told["totals"] if row["name"] == "sales"]
    assert sales["callback"] > 5
    assert sales["called_back"] + sales["callbacks_failed"] == sales["callback"]
    assert sales["called_back"] > 0 and sales["callbacks_failed"] > 0
    assert sales["conversations"] == sales["answered"] + sales["called_back"]
    ends = ("answered", "abandoned", "overflowed", "callback", "disconnected", "waiting")
    assert sales["offered"] == sum(sales[name] for name in ends) == 35


MIDNIGHT = 1_777_852_800_000
"""2026-05-04 in UTC."""


def record_a_day(tmp_path: Path) -> str:
    """A morning of two queues, in the database of a switch; `a0` was there since the night. Gives its URL."""
    chance, url = random.Random(3), f"sqlite:///{tmp_path / 'switch.db'}"
    rules = [
        QueueRules(name="q", wait_most_ms=20_000, overflow_to=Destination("queue", "other")),
        QueueRules(name="other", wrap_up=WrapUp("none")),
    ]
    agents = [
        AgentProfile(id=f"a{number}", queues=(Membership(queue="q"), Membership(queue="other"))) for number in range(8)
    ]
    begin = MIDNIGHT + 8 * 3_600_000
    calls = [structs.replace(call, at=begin + call.at) for call in busy_day(chance, [12] * 6)]
    shifts = [Shift(agent.id, MIDNIGHT - 1_000 if agent.id == "a0" else begin, begin + 3_600_000) for agent in agents]
    facts = live(Day(queues=rules, agents=agents, calls=calls, shifts=shifts))

    async def store_it() -> None:
        database = Database(url)
        await database.migrate()
        async with database.session() as session:
            for queue in rules:
                await store.write_queue(session, QueueSettings(rules=queue))
            for agent in agents:
                await store.write_agent(session, AgentSettings(profile=agent))
        log = EventLog(database)
        log.start()
        for fact in facts:
            log.append(fact)
        await log.stop()
        await database.close()

    asyncio.run(store_it())
    return url


def test_a_day_of_a_switch_is_lived_again_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = record_a_day(tmp_path)

    def lived(*options: str) -> dict[str, dict[str, dict[str, float]]]:
        assert cli.main(["whatif", "--recorded", "2026-05-04", "--database", url, "--json", *options]) == 0
        told = json.loads(capsys.readouterr().out)
        return {name: {row["name"]: row for row in report["totals"]} for name, report in told.items()}

    told = lived()
    was, now = told["as it was"], told["lived again"]
    assert was["q"]["offered"] == now["q"]["offered"] == 72, "who came comes again, and nobody else"
    assert was["other"]["offered"] == was["q"]["overflowed"] > 0
    assert now["other"]["offered"] == now["q"]["overflowed"], "whom the rules send on is not sent on twice"
    fewer = lived("--without", "a1", "--without", "a2", "--without", "a0")["lived again"]
    assert fewer["q"]["overflowed"] > now["q"]["overflowed"]

    assert cli.main(["whatif", "--recorded", "2026-05-04", "--database", url, "--time-zone", "Asia/Shanghai"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "as it was:" and "lived again:" in lines
    assert lines[2].split()[:4] == ["other", "05-04", "16:00", str(was["other"]["offered"])]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--recorded", "yesterday"), "--recorded: 'yesterday' is no day"),
        (("--recorded", "2026-05-05"), "nobody came to a queue on 2026-05-05"),
        (("--recorded", "2026-05-04", "--without", "zoe"), "--without: there is no agent 'zoe'"),
        (("--recorded", "2026-05-04", "--time-zone", "Mars"), "time_zone: 'Mars' is no time zone"),
    ],
)
def test_a_day_that_was_not_recorded_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    url = record_a_day(tmp_path)
    assert cli.main(["whatif", *options, "--database", url]) == 1
    assert said in capsys.readouterr().err


def test_patience_counts_those_who_were_answered_for_as_long_as_they_were_seen() -> None:
    truth, seen = exponential(60_000), random.Random(1)
    waits = []
    for _ in range(4_000):
        own, offered = truth(seen), constant(50_000)(seen)
        waits.append((min(own, offered), own < offered))
    draw, chance = patience(waits), random.Random(2)
    drawn = [draw(chance) for _ in range(4_000)]
    expected = sum(truth(seen) < 30_000 for _ in range(4_000)) / 4_000
    assert abs(sum(wait < 30_000 for wait in drawn) / 4_000 - expected) < 0.03
    assert max(drawn) == 10**9


SCENARIO = """
day = "2026-03-03"
time_zone = "Asia/Shanghai"

[[queue]]
rules = { name = "sales", wrap_up = { mode = "fixed", ms = 20000 } }
arrivals = { file = "calls.csv" }
handling = { mean_seconds = 150, spread = "lognormal", deviation_seconds = 90 }
patience = { mean_seconds = 120 }
answer = { mean_seconds = 4, spread = "constant" }

[[queue]]
rules = { name = "support" }
arrivals = { per_hour = 60, begin = "08:00", end = "10:00" }
handling = { mean_seconds = 200 }

[[staff]]
agents = 8
begin = "07:50"
end = "10:30"
queues = [ { queue = "sales" }, { queue = "support", rank = 1 } ]
"""
CALLS = "DateTime,Calls\n2026-03-02 08:00:00,9.0\n2026-03-03 08:00:00,20.0\n2026-03-03 08:05:00,15.0\n"


def whatif(tmp_path: Path, scenario: str = SCENARIO, *options: str) -> int:
    (tmp_path / "calls.csv").write_text(CALLS)
    (tmp_path / "day.toml").write_text(scenario)
    return cli.main(["whatif", str(tmp_path / "day.toml"), *options])


def test_the_command_tells_of_each_queue_and_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert whatif(tmp_path) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "queue", "from", "offered", "answered", "abandoned", "overflowed", "callback", "dropped", "level", "ASA",
        "longest",
    ]  # fmt: skip
    assert lines[1].split()[:4] == ["sales", "03-03", "08:00", "35"]
    assert [line.split()[0] for line in lines[1:-2]] == ["sales", "support", "support", "sales", "support"]
    assert lines[-2] == f"service level: {FORMULAS['short_excluded'].text}, in percent"
    assert lines[-1].startswith("occupancy of agents: ")


def test_the_same_seed_makes_the_same_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for seed in ("1", "1", "2"):
        assert whatif(tmp_path, SCENARIO, "--seed", seed, "--json") == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('day = "2026-03-03"', 'day = "tomorrow"', "day: 'tomorrow' is no day"),
        ('day = "2026-03-03"', 'day = "2026-03-09"', "there is no row of 2026-03-09 in it"),
        ('begin = "07:50"', 'begin = "7h"', "staff[0].begin: '7h' is no time"),
        ("mean_seconds = 150", "mean_seconds = -1", "queue[0].handling.mean_seconds: -1.0 is not positive"),
        ("per_hour = 60", "per_hour = 0", "queue[1].arrivals: give either a file or calls per_hour"),
        ("mean_seconds = 200", "means = 200", "$.queue[1].handling"),
        ('"Asia/Shanghai"', '"Mars"', "time_zone: 'Mars' is no time zone"),
        ('file = "calls.csv"', 'file = "none.csv"', "none.csv"),
        ("answer = {", "callbacks = { share = 2, after = { mean_seconds = 9 } }\nanswer = {", "callbacks.share: 2"),
        ('mode = "fixed"', 'mode = "never"', "mode"),
    ],
)
def test_a_scenario_that_cannot_be_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in SCENARIO
    assert whatif(tmp_path, SCENARIO.replace(old, new)) == 1
    assert said in capsys.readouterr().err
