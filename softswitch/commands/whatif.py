"""`softswitch whatif`: a day of the contact centre, simulated on the engine that runs it."""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from softswitch.commands.configuration import add_store_options, settings_of
from softswitch.commands.store import with_database
from softswitch.events import CallerQueued, Fact
from softswitch.features.acd import store
from softswitch.features.acd.model.rules import AgentProfile, QueueRules
from softswitch.features.acd.whatif.day import live
from softswitch.features.acd.whatif.recorded import again, day_of
from softswitch.features.acd.whatif.scenario import make, read
from softswitch.features.queue_figures.model.accounts import Accounts
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import QueueRow, total
from softswitch.features.queue_figures.model.service_level import DEFAULT, FORMULAS
from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Database


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, metavar="FILE", nargs="?", help="the scenario, in TOML")
    what.add_argument("--recorded", metavar="DAY", help="a day out of the event log is lived again: 2026-11-02")
    parser.add_argument(
        "--without", action="append", default=[], metavar="AGENT", help="leave an agent out of the recorded day"
    )
    parser.add_argument("--time-zone", default="UTC", metavar="ZONE", help="of the recorded day (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same day (1)")
    parser.add_argument(
        "--interval", choices=("15", "30", "60", "day"), default="60", help="minutes of a line of the report (60)"
    )
    parser.add_argument(
        "--formula", choices=sorted(FORMULAS), default=DEFAULT, help=f"of the service level ({DEFAULT})"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    add_store_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Simulate and print. Raises Invalid."""
    chance = random.Random(arguments.seed)
    if arguments.recorded is not None:
        zone = arguments.time_zone
        facts, queues, agents = with_database(settings_of(arguments), lambda database: _recorded(arguments, database))
        day = again(facts, queues, agents, chance)
        reports = {"as it was": _report(facts, queues, arguments, zone)}
        reports["lived again"] = _report(live(day), queues, arguments, zone)
    else:
        scenario = read(arguments.file)
        zone = scenario.time_zone
        day = make(scenario, arguments.file.parent, chance)
        reports = {"": _report(live(day), day.queues, arguments, zone)}
    if arguments.json:
        told = {name: _told(report, arguments.formula) for name, report in reports.items()}
        print(json.dumps(told.get("", told)))
        return 0
    for name, report in reports.items():
        if name:
            print(f"{name}:")
        for line in _described(report.rows, report.totals, arguments.formula, zone):
            print(line)
        print(f"service level: {FORMULAS[arguments.formula].text}, in percent")
        if report.occupancy is not None:
            print(f"occupancy of agents: {report.occupancy:.1f} %")
    return 0


class _Report(NamedTuple):
    """What is told of a day."""

    rows: list[QueueRow]
    totals: list[QueueRow]
    occupancy: float | None
    """Of the agents, on average."""


def _report(facts: Sequence[Fact], queues: Sequence[QueueRules], arguments: argparse.Namespace, zone: str) -> _Report:
    until = facts[-1].at if facts else 0
    accounts, rows = Accounts(facts), list[QueueRow]()
    for rules in queues:
        counted = accounts.queues(
            Intervals(arguments.interval, zone), until, rules.service_level_ms, rules.short_abandon_ms
        )
        rows += [row for row in counted if row.name == rules.name]
    totals = [total([row for row in rows if row.name == rules.name], rules.name, 0) for rules in queues]
    occupancies = [row.occupancy() for row in accounts.agents(Intervals("month", zone), until)]
    worked = [occupancy for occupancy in occupancies if occupancy is not None]
    return _Report(rows, totals, sum(worked) / len(worked) if worked else None)


async def _recorded(
    arguments: argparse.Namespace, database: Database
) -> tuple[list[Fact], list[QueueRules], list[AgentProfile]]:
    """A day's facts, the queues' rules and the agents as they are set now."""
    days = Intervals("day", arguments.time_zone)
    try:
        noon = datetime.strptime(arguments.recorded, "%Y-%m-%d").replace(hour=12, tzinfo=ZoneInfo(arguments.time_zone))
    except ValueError:
        raise Invalid("--recorded", f"{arguments.recorded!r} is no day, such as 2026-11-02") from None
    begin = days.begin(round(noon.timestamp() * 1000))
    async with database.reading() as session:
        facts = day_of(await store.facts_of_queues(session, begin), begin, days.next(begin))
        queues = [queue.rules for queue in (await store.all_queues(session)).values()]
        agents = [agent.profile for agent in (await store.all_agents(session)).values()]
    if not any(isinstance(fact, CallerQueued) for fact in facts):
        raise Invalid("--recorded", f"nobody came to a queue on {arguments.recorded}, as far as the event log tells")
    missing = [name for name in arguments.without if name not in {agent.id for agent in agents}]
    if missing:
        raise Invalid("--without", f"there is no agent {missing[0]!r}")
    return facts, queues, [agent for agent in agents if agent.id not in arguments.without]


def _told(report: _Report, formula: str) -> dict[str, object]:
    return {
        "formula": formula,
        "occupancy_percent": report.occupancy,
        "totals": [_as_json(row, formula) for row in report.totals],
        "intervals": [_as_json(row, formula) for row in report.rows],
    }


def _as_json(row: QueueRow, formula: str) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(row)
    return {**fields, "speed_of_answer_ms": row.speed_of_answer_ms(), "service_level_percent": row.level(formula)}


_COLUMNS = (
    "queue", "from", "offered", "answered", "abandoned", "overflowed", "callback", "dropped", "level", "ASA", "longest",
)  # fmt: skip


def _described(rows: list[QueueRow], totals: list[QueueRow], formula: str, time_zone: str) -> Iterator[str]:
    """The report as a table."""
    lines: list[tuple[str, ...]] = [_COLUMNS]
    lines += [_cells(row, _local(row.begin, time_zone), formula) for row in rows if row.offered]
    lines += [_cells(row, "all", formula) for row in totals]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    for line in lines:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()


def _cells(row: QueueRow, begin: str, formula: str) -> tuple[str, ...]:
    level, speed = row.level(formula), row.speed_of_answer_ms()
    return (
        row.name,
        begin,
        str(row.offered),
        str(row.answered),
        str(row.abandoned),
        str(row.overflowed),
        str(row.callback),
        str(row.disconnected),
        "-" if level is None else f"{level:.1f}",
        "-" if speed is None else f"{speed / 1000:.1f} s",
        f"{row.longest_wait_ms / 1000:.0f} s",
    )


def _local(at: int, time_zone: str) -> str:
    return f"{datetime.fromtimestamp(at / 1000, ZoneInfo(time_zone)):%m-%d %H:%M}"
