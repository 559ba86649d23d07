"""Reports by SQL, and what the view in memory begins with.

The counting is the database's, in one snapshot of it; what comes back is a line for each queue (agent) and interval
with anything in it. The intervals are a table of the query, so that clocks and months stay Python's affair.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeVar, cast, get_args

from msgspec import Struct, field, json
from sqlalchemy import RowMapping, Select, select, text, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from softswitch.events import AgentState
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.live import AgentNow
from softswitch.features.queue_figures.model.rows import AgentRow, By, QueueRow
from softswitch.features.queue_figures.model.service_level import SHORT_MS, THRESHOLD_MS
from softswitch.features.queue_figures.tables import AgentRow as AgentNowRow
from softswitch.features.queue_figures.tables import CallbackRow, EndRow, StayRow
from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Session

MOST_INTERVALS = 3_000
"""A month of quarters of an hour."""
MOST_ROWS = 10_000
_AT_ONCE = 1_000
Row = TypeVar("Row", StayRow, EndRow)
_Column = InstrumentedAttribute[int]


class Asked(Struct, frozen=True, kw_only=True):
    """Which time is asked for, and how it is to be counted."""

    intervals: Intervals
    begin: int
    """In the first interval."""
    end: int
    """Behind the last; times are wall milliseconds."""
    now: int
    """What happened from then on is not counted: who had not left then, waited."""
    by: By = "queue"
    name: str | None = None
    """This queue (skill, trunk, agent) alone."""
    threshold_ms: int = THRESHOLD_MS
    short_ms: int = SHORT_MS
    own: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Queues that have another threshold and time of a short abandon."""

    def spans(self) -> list[tuple[int, int]]:
        """The intervals. Raises Invalid for too many."""
        spans: list[tuple[int, int]] = []
        begin = self.intervals.begin(self.begin)
        while begin < self.end:
            following = self.intervals.next(begin)
            spans.append((begin, following))
            if len(spans) > MOST_INTERVALS:
                raise Invalid("interval", f"more than {MOST_INTERVALS} of them lie in that time: ask for less")
            begin = following
        return spans


_INTERVALS = {
    "sqlite": "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:intervals)",
    "postgresql": (
        "SELECT begin_at, end_at, place FROM unnest(CAST(:begins AS BIGINT[]), CAST(:ends AS BIGINT[]))"
        " WITH ORDINALITY AS given(begin_at, end_at, place)"
    ),
}
_SPAN = {"sqlite": "span(begin_at, end_at)", "postgresql": "span(begin_at, end_at, place)"}
_WITHIN = {
    # CROSS JOIN, and in that order: it goes through the few intervals and looks up the rows of each by an index.
    "sqlite": "span CROSS JOIN {table} {join} WHERE {at} >= span.begin_at AND {at} < span.end_at",
    # One look at the index for all of them, and each row's interval by a search in the array.
    "postgresql": (
        "{table} {join} JOIN span ON span.place = width_bucket({at}, CAST(:begins AS BIGINT[]))"
        " WHERE {at} >= CAST(:first AS BIGINT) AND {at} < CAST(:last AS BIGINT)"
    ),
}
"""Rows of a table with the intervals in which they lie."""
_STAYS = """
WITH {span} AS MATERIALIZED ({intervals}),
stays AS (
  SELECT {name} AS name, span.begin_at, {threshold} AS threshold_ms, {short} AS short_ms,
         CASE WHEN s.left_at < :now THEN s.outcome END AS outcome,
         CASE WHEN s.left_at < :now THEN s.left_at ELSE CAST(:now AS BIGINT) END - s.queued_at AS wait
  FROM {stays} {only}
)
SELECT name, begin_at, max(threshold_ms) AS threshold_ms, max(short_ms) AS short_ms, count(*) AS offered,
  sum(CASE WHEN outcome = 'answered' THEN 1 ELSE 0 END) AS answered,
  sum(CASE WHEN outcome = 'abandoned' THEN 1 ELSE 0 END) AS abandoned,
  sum(CASE WHEN outcome = 'overflowed' THEN 1 ELSE 0 END) AS overflowed,
  sum(CASE WHEN outcome = 'callback' THEN 1 ELSE 0 END) AS callback,
  sum(CASE WHEN outcome = 'disconnected' THEN 1 ELSE 0 END) AS disconnected,
  sum(CASE WHEN outcome IS NULL THEN 1 ELSE 0 END) AS waiting,
  sum(CASE WHEN outcome = 'answered' AND wait <= threshold_ms THEN 1 ELSE 0 END) AS answered_within,
  sum(CASE WHEN outcome = 'abandoned' AND wait <= threshold_ms THEN 1 ELSE 0 END) AS abandoned_within,
  sum(CASE WHEN outcome = 'abandoned' AND wait <= short_ms THEN 1 ELSE 0 END) AS abandoned_short,
  CAST(sum(CASE WHEN outcome = 'answered' THEN wait ELSE 0 END) AS BIGINT) AS answer_wait_ms,
  max(wait) AS longest_wait_ms
FROM stays GROUP BY name, begin_at LIMIT :most
"""
_PIECES = """
WITH {span} AS MATERIALIZED ({intervals}),
piece AS (
  SELECT span.begin_at, p.agent, p.state, p.reason, p.queue, p.stay,
         CASE WHEN p.end_at > :now THEN CAST(:now AS BIGINT) ELSE p.end_at END - p.begin_at AS ms
  FROM {spans}
  UNION ALL
  SELECT span.begin_at, n.agent, n.state, n.reason, n.queue, n.stay,
         span.end_at - CASE WHEN n.begin_at > span.begin_at THEN n.begin_at ELSE span.begin_at END AS ms
  FROM span CROSS JOIN queue_figures_agent n
  WHERE n.state <> 'logged_out' AND n.begin_at < span.end_at
)
"""
_SPENT = (
    _PIECES
    + """
SELECT {name} AS name, p.begin_at,
  CAST(sum(CASE WHEN p.state = 'connected' THEN p.ms ELSE 0 END) AS BIGINT) AS talk_ms,
  CAST(sum(CASE WHEN p.state IN ('hold', 'consult') THEN p.ms ELSE 0 END) AS BIGINT) AS hold_ms,
  CAST(sum(CASE WHEN p.state = 'wrap_up' THEN p.ms ELSE 0 END) AS BIGINT) AS wrap_up_ms
FROM piece p {join}
WHERE p.queue <> '' AND p.state IN ('connected', 'hold', 'consult', 'wrap_up') {only}
GROUP BY {name}, p.begin_at LIMIT :most
"""
)
_STATES = (
    _PIECES
    + """
SELECT p.agent AS name, p.begin_at, {sums} FROM piece p WHERE p.ms > 0 {only} GROUP BY p.agent, p.begin_at LIMIT :most
"""
)
_REASONS = (
    _PIECES
    + """
SELECT p.agent AS name, p.begin_at, p.reason, CAST(sum(p.ms) AS BIGINT) AS ms
FROM piece p WHERE p.ms > 0 AND p.state = 'not_ready' AND p.reason <> '' {only}
GROUP BY p.agent, p.begin_at, p.reason LIMIT :most
"""
)
_SIGNED_ON = tuple(state for state in get_args(AgentState) if state != "logged_out")
_SUMS = ", ".join(
    f"CAST(sum(CASE WHEN p.state = '{state}' THEN p.ms ELSE 0 END) AS BIGINT) AS {state}" for state in _SIGNED_ON
)
_ENDED = """
WITH {span} AS MATERIALIZED ({intervals})
SELECT {name} AS name, span.begin_at,
  sum(CASE WHEN p.kind = 'conversation' THEN 1 ELSE 0 END) AS conversations,
  sum(CASE WHEN p.kind = 'conversation' AND p.reason = 'transferred' THEN 1 ELSE 0 END) AS transfers,
  sum(CASE WHEN p.kind = 'not_answered' THEN 1 ELSE 0 END) AS not_answered,
  sum(CASE WHEN p.kind = 'callback' AND p.reason = 'connected' THEN 1 ELSE 0 END) AS called_back,
  sum(CASE WHEN p.kind = 'callback' AND p.reason <> 'connected' THEN 1 ELSE 0 END) AS callbacks_failed
FROM {ends} {only}
GROUP BY {name}, span.begin_at LIMIT :most
"""
_NAMES: Mapping[By, tuple[str, str, str, str]] = {
    "queue": ("s.queue", "", "p.queue", ""),
    "skill": (
        "k.skill",
        "JOIN queue_figures_skill k ON k.stay = s.stay",
        "k.skill",
        "JOIN queue_figures_skill k ON k.stay = p.stay",
    ),
    "trunk": ("s.trunk", "", "s.trunk", "JOIN queue_figures_stay s ON s.stay = p.stay AND s.trunk <> ''"),
}
"""What a stay counts as, and what to join for it: for the stay itself, and for what is about one."""


async def queue_rows(session: Session, asked: Asked) -> list[QueueRow]:
    """A row for each queue (skill, trunk) and interval. Raises Invalid for too many."""
    stay_name, stay_join, name, join = _NAMES[asked.by]
    threshold, short, values = _thresholds(asked)
    rows: dict[tuple[str, int], QueueRow] = {}
    only = _only(asked, stay_name) + (" AND s.trunk <> ''" if asked.by == "trunk" else "")
    found = await _all(
        session, _STAYS, asked, values, name=stay_name, join=stay_join, threshold=threshold, short=short, only=only
    )
    for count, row in enumerate(found):
        rows[row["name"], row["begin_at"]] = QueueRow(begin=row["begin_at"], **_but(row, "begin_at"))
        await _breathe(count)
    for statement in (_SPENT, _ENDED):
        found = await _all(session, statement, asked, {}, name=name, join=join, only=_only(asked, name))
        for count, row in enumerate(found):
            key = (row["name"], row["begin_at"])
            if key not in rows:
                threshold_ms, short_ms = asked.own.get(key[0], (asked.threshold_ms, asked.short_ms))
                rows[key] = QueueRow(name=key[0], begin=key[1], threshold_ms=threshold_ms, short_ms=short_ms)
            for column, value in _but(row, "name", "begin_at").items():
                setattr(rows[key], column, value)
            await _breathe(count)
    return [rows[key] for key in sorted(rows) if _any(rows[key])]


async def agent_rows(session: Session, asked: Asked) -> list[AgentRow]:
    """A row for each agent and interval in which it was signed on, or anything of it ended. Raises Invalid for too
    many."""
    rows: dict[tuple[str, int], AgentRow] = {}

    def row_of(found: RowMapping) -> AgentRow:
        key = (found["name"], found["begin_at"])
        if key not in rows:
            rows[key] = AgentRow(agent=key[0], begin=key[1], states={})
        return rows[key]

    only = _only(asked, "p.agent")
    for count, found in enumerate(await _all(session, _STATES, asked, {}, only=only, sums=_SUMS)):
        row_of(found).states = {state: found[state] for state in _SIGNED_ON if found[state]}
        await _breathe(count)
    for found in await _all(session, _REASONS, asked, {}, only=only):
        row_of(found).states[f"not_ready: {found['reason']}"] = found["ms"]
    only += " AND p.kind <> 'callback'"
    for found in await _all(session, _ENDED, asked, {}, name="p.agent", join="", only=only):
        row = row_of(found)
        row.conversations, row.transfers = found["conversations"], found["transfers"]
        row.not_answered = found["not_answered"]
    return [rows[key] for key in sorted(rows)]


async def _all(
    session: Session, statement: str, asked: Asked, values: Mapping[str, Any], *, join: str = "", **parts: str
) -> Sequence[RowMapping]:
    dialect = session.get_bind().dialect.name
    within = _WITHIN[dialect]
    spans = [(begin, min(end, asked.now)) for begin, end in asked.spans() if begin < asked.now]
    given: dict[str, Any] = {"most": MOST_ROWS + 1, **values}
    if dialect == "sqlite":
        given["intervals"] = json.encode(spans).decode()
    else:
        given["begins"], given["ends"] = [begin for begin, _ in spans], [end for _, end in spans]
    if asked.name is not None:
        given["asked"] = asked.name
    whole = statement.format(
        span=_SPAN[dialect],
        intervals=_INTERVALS[dialect],
        stays=within.format(table="queue_figures_stay s", at="s.queued_at", join=join),
        spans=within.format(table="queue_figures_span p", at="p.begin_at", join=""),
        ends=within.format(table="queue_figures_end p", at="p.at", join=join),
        join=join,
        **parts,
    )
    given |= {"now": asked.now, "first": spans[0][0] if spans else 0, "last": spans[-1][1] if spans else 0}
    given = {name: value for name, value in given.items() if f":{name}" in whole}
    found = (await session.execute(text(whole), given)).mappings().all()
    if len(found) > MOST_ROWS:
        raise Invalid("interval", f"the report would have more than {MOST_ROWS} rows: ask for less")
    return found


def _only(asked: Asked, name: str) -> str:
    return "" if asked.name is None else f"AND {name} = :asked"


def _thresholds(asked: Asked) -> tuple[str, str, Mapping[str, Any]]:
    """How SQL knows a stay's threshold and the time of a short abandon."""
    values: dict[str, Any] = {"threshold": asked.threshold_ms, "short": asked.short_ms}
    late, brief = "", ""
    for number, (queue, (threshold_ms, short_ms)) in enumerate(asked.own.items()):
        values |= {f"queue{number}": queue, f"threshold{number}": threshold_ms, f"short{number}": short_ms}
        late += f" WHEN :queue{number} THEN CAST(:threshold{number} AS BIGINT)"
        brief += f" WHEN :queue{number} THEN CAST(:short{number} AS BIGINT)"
    if not asked.own:
        return "CAST(:threshold AS BIGINT)", "CAST(:short AS BIGINT)", values
    return (
        f"CASE s.queue{late} ELSE CAST(:threshold AS BIGINT) END",
        f"CASE s.queue{brief} ELSE CAST(:short AS BIGINT) END",
        values,
    )


def _but(row: RowMapping, *without: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in without}


def _any(row: QueueRow) -> bool:
    """Whether there is anything in it."""
    return any(
        (row.offered, row.conversations, row.not_answered, row.called_back, row.callbacks_failed, row.handle_ms())
    )


async def _breathe(count: int) -> None:
    """Let calls go on between some rows of a long report."""
    if count % 500 == 499:
        await asyncio.sleep(0)


# What the view in memory begins with -----------------------------------------------------------------------


async def stays(session: Session, since: int) -> AsyncIterator[StayRow]:
    """Stays that began then or later, or last still; the oldest first."""
    asked = select(StayRow).where((StayRow.queued_at >= since) | StayRow.left_at.is_(None))
    async for row in _some_at_a_time(session, asked, (StayRow.queued_at, StayRow.stay), (0, 0)):
        yield row


async def ends(session: Session, since: int) -> AsyncIterator[EndRow]:
    """What ended then or later."""
    async for row in _some_at_a_time(session, select(EndRow), (EndRow.at, EndRow.id), (since, 0)):
        yield row


async def _some_at_a_time(
    session: Session, asked: Select[Row], order: tuple[_Column, _Column], after: tuple[int, int]
) -> AsyncIterator[Row]:
    """Rows in the order of two columns, from behind a place in it."""
    while True:
        some = asked.where(tuple_(*order) > tuple_(*after)).order_by(*order).limit(_AT_ONCE)
        rows = (await session.scalars(some)).all()
        for row in rows:
            yield row
        if len(rows) < _AT_ONCE:
            return
        first, second = (getattr(rows[-1], column.key) for column in order)
        after = (first, second)
        session.expunge_all()


async def agents(session: Session) -> list[AgentNow]:
    """What each agent did last."""
    return [
        AgentNow(row.agent, cast(AgentState, row.state), row.reason, row.begin_at, row.queue, row.stay)
        for row in await session.scalars(select(AgentNowRow))
    ]


async def callbacks(session: Session) -> Sequence[CallbackRow]:
    """Who waits to be called back."""
    return (await session.scalars(select(CallbackRow).where(CallbackRow.ended_at.is_(None)))).all()
