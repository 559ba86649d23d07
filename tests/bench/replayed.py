"""(r) Ten thousand calls of the past through two dial plans of a thousand rules, beside only reading their records."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.features.cdr.service import CallRecords
from softswitch.features.cdr.store import between
from softswitch.features.routing.model import Plan, PlanDocument, Rule, demo_plan
from softswitch.features.routing.needs import PastCall
from softswitch.features.routing.replay import Replay, replay
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import IdSource
from softswitch.platform.database import Database, Session
from softswitch.platform.event_log import EventLog
from tests.bench.facts_cost import begin, end
from tests.bench.report import Report

RULES = 1000
BEGUN = 1_795_300_000_000


class Anywhere:
    """Every destination exists, and nobody forwards."""

    def why_missing(self, destination: Destination) -> str | None:
        return None

    def prospect(self, destination: Destination, number: str, calling: Calling) -> Prospect:
        return Prospect()

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        return None


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Make records, replay them, and tell seconds of both."""
    folder.mkdir(parents=True)
    calls = 1000 if quick else 10_000
    reading, replaying, found = asyncio.run(_measured(calls, folder))
    assert (found.calls, found.elsewhere) == (calls, calls), found
    what = f"replay of {calls} calls, {RULES} rules"
    report.line("r", "softswitch", what, seconds=round(replaying, 3), reading_seconds=round(reading, 3))
    report.result("r", "softswitch", what, round(replaying, 2), "s", f"{found.elsewhere} would go elsewhere")
    report.result("r", "floor, reading the records", what, round(reading, 2), "s", "")


async def _measured(calls: int, folder: Path) -> tuple[float, float, Replay]:
    database = Database(f"sqlite:///{folder}/records.db")
    await database.migrate()
    log = EventLog(database)
    records, ids = CallRecords(log), IdSource("bench")
    log.start()
    for number in range(calls):
        call = ids.call()
        for fact in (*begin(call, BEGUN + number), *end(call, BEGUN + number + 9)):
            records.hear(fact)
        if number % 500 == 0:
            await log.flush()
    await log.stop()
    async with database.reading() as session:
        before = time.perf_counter()
        async for _ in _past(session, BEGUN + calls):
            pass
        reading = time.perf_counter() - before
        before = time.perf_counter()
        found = await replay(_past(session, BEGUN + calls), _plan(""), _plan("+49"), Anywhere(), 100)
        replaying = time.perf_counter() - before
    await database.close()
    return reading, replaying, found


def _plan(prefix: str) -> Plan:
    """A thousand rules, of which the last takes the calls, and shows another caller."""
    rules = [Rule(context="guest", name=f"r{n}", number=f"{n + 2000}", destination="echo") for n in range(RULES - 1)]
    shown = f"{prefix}${{0}}" if prefix else ""
    rules.append(Rule(context="guest", name="out", number="8XXXX", destination="trunk/uas", caller_number=shown))
    return Plan.compile(PlanDocument(contexts=demo_plan().contexts, rules=tuple(rules)), 1)


async def _past(session: Session, until: int) -> AsyncIterator[PastCall]:
    async for cdr in between(session, BEGUN, until):
        yield PastCall(cdr.call_id, cdr.started_at, cdr.from_, cdr.to, cdr.origin, cdr.context, cdr.destination)
