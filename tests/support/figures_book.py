"""Figures of queues in a test: facts go over a bus into an event log, and are counted in three ways."""

import random
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import structs
from sqlalchemy import text

from softswitch.engine.bus import Bus
from softswitch.events import (
    CallerLeftQueue,
    CallerQueued,
    CallOffered,
    Fact,
)
from softswitch.features.queue_figures.alarming import Alarms
from softswitch.features.queue_figures.feature import build
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import AgentRow, By, QueueRow
from softswitch.features.queue_figures.service import Figures
from softswitch.features.queue_figures.store import Asked
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from tests.support import call_facts
from tests.support.acd_world import World


class Wall:
    """A clock that shows what it is set to."""

    def __init__(self, at: int = 0) -> None:
        self.at = at

    def wall_ms(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1000


class Book:
    """One run of a switch, as far as figures are concerned."""

    def __init__(self, database: Database, at: int = 0) -> None:
        self.bus = Bus()
        self.log = EventLog(database)
        self.clock = Wall(at)
        self.trunks: dict[CallId, str] = {}
        self.heard: list[Fact] = []
        self.figures = Figures(database, self.log, self.clock, self.bus.publish, lambda call: self.trunks.get(call, ""))
        self.mails: list[tuple[str, str, str]] = []
        self.alarms = Alarms(self.figures, self.bus.publish, self)
        self.feature = build(self.figures, self.alarms)
        for kind, hearer in self.feature.subscriptions:
            self.bus.subscribe(kind, hearer)
        self.bus.subscribe(Fact, self.log.append)
        self.bus.subscribe(Fact, self._hear)
        self.log.start()

    def mail(self, to: str, subject: str, text: str) -> bool:
        """A `Post`."""
        self.mails.append((to, subject, text))
        return True

    def _hear(self, fact: Fact) -> None:
        self.heard.append(fact)
        assert not self.figures.off_balance(), f"the account does not add up after {fact}"

    def publish(self, facts: Iterable[Fact]) -> None:
        """Let it happen, the clock with it."""
        for fact in facts:
            self.clock.at = max(self.clock.at, fact.at)
            if isinstance(fact, CallOffered) and fact.origin_kind == "trunk":
                self.trunks[fact.call] = fact.origin
            self.bus.publish(fact)

    async def queues(self, length: str, zone: str, begin: int, by: By = "queue", **about: object) -> list[QueueRow]:
        return await self.figures.queue_rows(self.asked(length, zone, begin, by=by, **about))

    async def agents(self, length: str, zone: str, begin: int) -> list[AgentRow]:
        return await self.figures.agent_rows(self.asked(length, zone, begin))

    def asked(self, length: str, zone: str, begin: int, **about: object) -> Asked:
        """From some moment until behind all that has happened."""
        now = self.clock.at + 1
        return Asked(intervals=Intervals(length, zone), begin=begin, end=now, now=now, **about)  # type: ignore[arg-type]


def a_day(seed: int, begin: int, callers: int = 60) -> list[Fact]:
    """The facts of a day of chance, from `begin` on (wall milliseconds); some callers came by a trunk."""
    world = World(seed, callers)
    world.run()
    chance, facts = random.Random(seed), list[Fact]()
    known: set[CallId] = set()
    for fact in world.facts:
        at = begin + fact.at
        if isinstance(fact, CallerQueued) and fact.call not in known:
            known.add(fact.call)
            kind, origin = chance.choice((("trunk", "north"), ("trunk", "south"), ("account", "1001")))
            facts.append(structs.replace(call_facts.offered(fact.call, at), origin_kind=kind, origin=origin))
        if isinstance(fact, CallerLeftQueue):
            facts.append(structs.replace(fact, at=at, queued_at=begin + fact.queued_at))
        else:
            facts.append(structs.replace(fact, at=at))
    return facts


def borders(length: str, zone: str, begin: int, end: int) -> list[int]:
    """Where intervals begin, by going from minute to minute with a calendar in the hand: from the one in which `begin`
    lies to the one behind `end`."""
    tz, found = ZoneInfo(zone), list[int]()
    moment = begin - begin % 60_000 - 32 * 86_400_000 if length == "month" else begin - begin % 60_000 - 90_000_000
    while not found or found[-1] <= end:
        local = datetime.fromtimestamp(moment / 1000, tz)
        if length in ("day", "month"):
            is_border = _date(datetime.fromtimestamp(moment / 1000 - 60, tz), length) != _date(local, length)
        else:
            is_border = local.minute % int(length) == 0
        if is_border:
            found.append(moment)
        moment += 60_000
    first = max(at for at in found if at <= begin)
    return [at for at in found if at >= first]


def _date(local: datetime, length: str) -> tuple[int, ...]:
    return (local.year, local.month) if length == "month" else (local.year, local.month, local.day)


_LOG = {
    "sqlite": """
        fact AS (SELECT seq, e.value AS body FROM event_log, json_each(event_log.body) AS e),
        told AS (SELECT seq, body ->> '$.fact' AS kind, body ->> '$.at' AS at, body ->> '$.queue' AS queue,
                        body ->> '$.stay' AS stay, body ->> '$.outcome' AS outcome,
                        body ->> '$.queued_at' AS queued_at,
                        body ->> '$.agent' AS agent, body ->> '$.state' AS state,
                        coalesce(body ->> '$.reason', '') AS reason
                 FROM fact)""",
    "postgresql": """
        fact AS (SELECT seq, jsonb_array_elements(body::jsonb) AS body FROM event_log),
        told AS (SELECT seq, body ->> 'fact' AS kind, (body ->> 'at')::bigint AS at, body ->> 'queue' AS queue,
                        (body ->> 'stay')::bigint AS stay, body ->> 'outcome' AS outcome,
                        (body ->> 'queued_at')::bigint AS queued_at, body ->> 'agent' AS agent,
                        body ->> 'state' AS state, coalesce(body ->> 'reason', '') AS reason FROM fact)""",
}  # fmt: skip
_CAME = """
WITH {log}, cut AS ({cut}),
came AS (SELECT queue, stay, at FROM told WHERE kind = 'CallerQueued' AND at < {now}),
went AS (SELECT stay, outcome, at - queued_at AS wait FROM told WHERE kind = 'CallerLeftQueue' AND at < {now})
SELECT queue, since, count(*),
       count(CASE outcome WHEN 'answered' THEN 1 END), count(CASE outcome WHEN 'abandoned' THEN 1 END),
       count(CASE outcome WHEN 'overflowed' THEN 1 END), count(CASE outcome WHEN 'callback' THEN 1 END),
       count(CASE outcome WHEN 'disconnected' THEN 1 END), count(CASE WHEN outcome IS NULL THEN 1 END),
       count(CASE WHEN outcome = 'answered' AND wait <= 20000 THEN 1 END),
       count(CASE WHEN outcome = 'abandoned' AND wait <= 20000 THEN 1 END),
       count(CASE WHEN outcome = 'abandoned' AND wait <= 5000 THEN 1 END),
       CAST(coalesce(sum(CASE outcome WHEN 'answered' THEN wait END), 0) AS BIGINT),
       max(coalesce(wait, {now} - at))
FROM came JOIN cut ON at >= since AND at < until LEFT JOIN went USING (stay)
GROUP BY queue, since ORDER BY queue, since
"""
_SPENT = """
WITH {log}, cut AS ({cut}),
lasted AS (SELECT agent, state, reason, at AS b, coalesce(lead(at) OVER (PARTITION BY agent ORDER BY seq), {now}) AS e
           FROM told WHERE kind = 'AgentStateChanged' AND at < {now})
SELECT agent, since, state, reason,
       CAST(sum(CASE WHEN e < until THEN e ELSE until END - CASE WHEN b > since THEN b ELSE since END)
            AS BIGINT)
FROM lasted JOIN cut ON b < until AND e > since
WHERE state <> 'logged_out' AND e > b GROUP BY agent, since, state, reason ORDER BY agent, since, state, reason
"""


async def told_by_sql(database: Database, cut: list[int], now: int, which: str = _CAME) -> list[tuple[object, ...]]:
    """Counted by plain SQL over the log, between the moments of `cut`, before `now`."""
    spans = " UNION ALL ".join(f"SELECT {begin} AS since, {end} AS until" for begin, end in pairwise(cut))
    dialect = "sqlite" if database.is_sqlite else "postgresql"
    # SQLAlchemy would take `::bigint` and `$.at` as they are, and `:` before a name as a parameter.
    statement = which.format(log=_LOG[dialect], cut=spans, now=now).replace("::", "\\:\\:")
    async with database.reading() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


async def states_by_sql(database: Database, cut: list[int], now: int) -> dict[tuple[str, int], dict[str, int]]:
    """Each agent's time in states, in the same way."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for agent, since, state, reason, ms in await told_by_sql(database, cut, now, _SPENT):
        states = found.setdefault((str(agent), int(str(since))), {})
        for name in (str(state), *([f"not_ready: {reason}"] if state == "not_ready" and reason else [])):
            states[name] = states.get(name, 0) + int(str(ms))
    return found
