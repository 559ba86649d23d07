"""`softswitch whatif`: a day of the contact centre, simulated on the engine that runs it."""

import argparse
import json
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from softswitch.features.acd.whatif.day import live
from softswitch.features.acd.whatif.scenario import make, read
from softswitch.features.queue_figures.model.accounts import Accounts
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import QueueRow, total
from softswitch.features.queue_figures.model.service_level import DEFAULT, FORMULAS


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the scenario, in TOML")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same day (1)")
    parser.add_argument(
        "--interval", choices=("15", "30", "60", "day"), default="60", help="minutes of a line of the report (60)"
    )
    parser.add_argument(
        "--formula", choices=sorted(FORMULAS), default=DEFAULT, help=f"of the service level ({DEFAULT})"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Simulate and print."""
    scenario = read(arguments.file)
    day = make(scenario, arguments.file.parent, random.Random(arguments.seed))
    facts = live(day)
    until = facts[-1].at if facts else 0
    accounts, rows = Accounts(facts), []
    for each in scenario.queue:
        rules = each.rules
        rows += [
            row
            for row in accounts.queues(
                Intervals(arguments.interval, scenario.time_zone),
                until,
                rules.service_level_ms,
                rules.short_abandon_ms,
            )
            if row.name == rules.name
        ]
    totals = [
        total([row for row in rows if row.name == each.rules.name], each.rules.name, 0) for each in scenario.queue
    ]
    occupancies = [row.occupancy() for row in accounts.agents(Intervals("month", scenario.time_zone), until)]
    worked = [occupancy for occupancy in occupancies if occupancy is not None]
    occupancy = sum(worked) / len(worked) if worked else None
    if arguments.json:
        print(
            json.dumps(
                {
                    "formula": arguments.formula,
                    "occupancy_percent": occupancy,
                    "totals": [_as_json(row, arguments.formula) for row in totals],
                    "intervals": [_as_json(row, arguments.formula) for row in rows],
                }
            )
        )
        return 0
    for line in _described(rows, totals, arguments.formula, scenario.time_zone):
        print(line)
    print(f"service level: {FORMULAS[arguments.formula].text}, in percent")
    if occupancy is not None:
        print(f"occupancy of agents: {occupancy:.1f} %")
    return 0


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
