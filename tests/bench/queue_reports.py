"""Reports over a large log: a hundred thousand stays of a month, and four times as many spans of a hundred agents.

python -m tests.bench.run --only q
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import insert

from softswitch.features.queue_figures.tables import EndRow, SpanRow, StayRow
from softswitch.platform.database import Database
from tests.bench.report import Report
from tests.support.figures_book import Book

STAYS, SPANS, AGENTS, QUEUES, DAYS = 100_000, 400_000, 100, 20, 30
DAY = 86_400_000
BEGIN = 1_790_000_000_000


def measure(report: Report, folder: Path) -> None:
    """How long reports take, and for how long they keep the event loop from calls."""
    asyncio.run(_measure(report, folder))


async def _measure(report: Report, folder: Path) -> None:
    database = Database(f"sqlite:///{folder / 'figures.db'}")
    await database.migrate()
    await _fill(database)
    book = Book(database, BEGIN + DAYS * DAY)
    kinds: dict[str, Callable[[], Awaitable[object]]] = {
        "a day of queues by quarters": lambda: book.queues("15", "Europe/Berlin", BEGIN + (DAYS - 1) * DAY),
        "a month of queues by days": lambda: book.queues("day", "Europe/Berlin", BEGIN),
        "a day of agents by quarters": lambda: book.agents("15", "Europe/Berlin", BEGIN + (DAYS - 1) * DAY),
        "a month of agents by days": lambda: book.agents("day", "Europe/Berlin", BEGIN),
    }
    for name, ask in kinds.items():
        gaps: list[float] = []
        ticking = asyncio.create_task(_tick(gaps))
        began, cpu = time.perf_counter(), time.process_time()
        await ask()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        ticking.cancel()
        figures = {
            "seconds": round(seconds, 2),
            "cpu_seconds": round(cpu, 2),
            "loop_held_ms": round(max(gaps) * 1000, 1),
        }
        report.line("q", "reports", f"{name}, {STAYS} stays", **figures)
        report.result(
            "q", "reports", name, figures["seconds"], "s", f"the loop was held for {figures['loop_held_ms']} ms"
        )
    await book.log.stop()
    await database.close()


async def _tick(gaps: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        gaps.append(time.perf_counter() - began - 0.001)


async def _fill(database: Database) -> None:
    chance = random.Random(1)
    came = sorted(chance.randrange(DAYS * DAY) for _ in range(STAYS))
    began = sorted(chance.randrange(DAYS * DAY) for _ in range(SPANS))
    stays = [
        {
            "stay": number, "queue": f"q{number % QUEUES}", "call": f"c{number}", "trunk": "", "queued_at": BEGIN + at,
            "left_at": BEGIN + at + chance.randrange(120_000), "reason": "", "agent": f"a{number % AGENTS}",
            "outcome": chance.choice(("answered", "answered", "answered", "abandoned", "overflowed")),
        }
        for number, at in enumerate(came)
    ]  # fmt: skip
    spans = [
        {
            "agent": f"a{number % AGENTS}", "reason": "", "queue": f"q{number % QUEUES}", "stay": number % STAYS,
            "state": chance.choice(("connected", "available", "wrap_up", "not_ready")), "begin_at": BEGIN + at,
            "end_at": BEGIN + at + 100_000,
        }
        for number, at in enumerate(began)
    ]  # fmt: skip
    ends = [
        {
            "at": stay["left_at"], "kind": "conversation", "reason": "caller", "queue": stay["queue"],
            "agent": stay["agent"], "stay": stay["stay"],
        }
        for stay in stays
    ]  # fmt: skip
    async with database.session() as session:
        await session.execute(insert(StayRow), stays)
        await session.execute(insert(SpanRow), spans)
        await session.execute(insert(EndRow), ends)
