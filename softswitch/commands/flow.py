"""`softswitch flow`: check flows, and go through them without a telephone."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import ivr_flows
from softswitch.commands.configuration import add_store_options, settings_of
from softswitch.commands.store import SystemClock, with_database
from softswitch.demo import OFFICE
from softswitch.features.calendars.model import Timetable
from softswitch.features.calendars.service import Calendars as StoredCalendars
from softswitch.features.ivr import source, store
from softswitch.features.ivr.journey import Published
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.model.finding import Finding
from softswitch.features.ivr.needs import Calendars
from softswitch.features.ivr.simulator import Simulation
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.kernel.errors import Invalid, NotFound
from softswitch.kernel.opening import Opening
from softswitch.kernel.spoken import LANGUAGES
from softswitch.platform.database import Database


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="say what is wrong with a flow")
    check.add_argument("flow", metavar="FILE-OR-NAME", nargs="+", help="a .yaml or .py file, or a flow that ships")
    simulated = commands.add_parser("simulate", help="print what a caller would hear")
    simulated.add_argument("flow", metavar="FILE-OR-NAME", help="a .yaml or .py file, or a flow that ships")
    simulated.add_argument("--press", default="", metavar="KEYS", help="such as 1,,9; a comma waits a second")
    simulated.add_argument("--say", action="append", default=[], metavar="TEXT", help="said when somebody listens")
    simulated.add_argument("--at", metavar="TIME", help='when the call is, such as "2026-02-17 10:00"; now otherwise')
    simulated.add_argument(
        "--from", dest="caller", default="1001", metavar="N", help="who calls; %(default)s otherwise"
    )
    simulated.add_argument("--language", choices=sorted(LANGUAGES), default="en", help="the caller's; %(default)s")
    add_store_options(simulated)
    simulated.add_argument("--path", action="store_true", help="print the nodes that were come through, too")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1: a flow is wrong, or is not there."""
    return _check(arguments) if arguments.command == "check" else _simulate(arguments)


# Checking -------------------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    flows = _shipped_files()
    status = 0
    for word in arguments.flow:
        file = _file(word, flows)
        found = source.check_file(file, LocalParts(ShippedPrompts(SHIPPED), set(flows)))
        for line in described(str(file), found):
            print(line)
        if any(not finding.warning for finding in found):
            status = 1
        else:
            print(f"{file} is right")
    return status


def described(file: str, found: list[Finding]) -> Iterator[str]:
    """Each thing that is wrong, by file, line and node."""
    for finding in found:
        yield f"{finding.at(file)}: {'warning: ' if finding.warning else ''}{finding.message}"


def _shipped_files() -> dict[str, Path]:
    return {file.stem.replace("_", "-"): file for file in source.files(ivr_flows)}


def _file(word: str, flows: Mapping[str, Path]) -> Path:
    if word in flows:
        return flows[word]
    if "/" in word or word.endswith(source.KINDS):
        return Path(word)
    raise Invalid(word, f"there is no such flow: there are {', '.join(sorted(flows))}, and .yaml and .py files")


# Simulating -----------------------------------------------------------------------------------------------


def _simulate(arguments: argparse.Namespace) -> int:
    word, at = arguments.flow, read_time(arguments.at)
    flows, calendars = _stored(arguments)
    done = ivr_flows.call(
        word if word in _shipped_files() or word in flows else _file(word, _shipped_files()),
        arguments.press,
        says=arguments.say,
        at=at,
        flows=flows,
        calendars=calendars,
        caller=arguments.caller,
        language=arguments.language,
    )
    print(f"flow {done.path.flow}, called by {arguments.caller} on {at:%a %Y-%m-%d %H:%M}")
    for line in told(done, path=arguments.path):
        print(line)
    return 0


class DemoCalendar:
    """The calendar that a demo switch has."""

    def opening(self, calendar: str, at_ms: int) -> Opening:
        if calendar != OFFICE.name:
            raise NotFound("calendar", calendar)
        return Timetable(OFFICE).opening(at_ms)


def _stored(arguments: argparse.Namespace) -> tuple[dict[str, Published], Calendars]:
    """The flows that were published in a switch's database, and its calendars; without one, those of a demo."""
    if arguments.config is None and arguments.database is None and arguments.data_dir is None:
        return {}, DemoCalendar()

    async def read(database: Database) -> tuple[dict[str, Published], Calendars]:
        async with database.reading() as session:
            rows = [row for row in await store.all_newest(session) if row.source]
        calendars = StoredCalendars(SystemClock(), lambda fact: None, NoUsers())
        await calendars.load(database)
        return {row.flow: source.from_yaml(row.source, row.flow, row.version) for row in rows}, calendars

    return with_database(settings_of(arguments), read)


class NoUsers:
    """Nothing is removed here."""

    def users_of(self, calendar: str) -> Sequence[str]:
        return ()


def told(done: Simulation, *, path: bool = False) -> Iterator[str]:
    """What happened, a line each."""
    for line in done.lines:
        yield f"{line.after:6.1f}  {line.what:<12} {line.text}"
    if path:
        yield "path:   " + " > ".join(f"{step.node} ({step.result or 'left'})" for step in done.path.steps)


def read_time(text: str | None) -> datetime:
    """A time on this machine's clock, or with its own zone. Raises Invalid."""
    if text is None:
        return datetime.now().astimezone()
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise Invalid("--at", f'{text!r} is no time: write "2026-02-17 10:00", or 2026-02-17T10:00+08:00') from error
