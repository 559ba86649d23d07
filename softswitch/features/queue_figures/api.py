"""/api/v1/reports: queues and agents in any time; /api/v1/live: at this moment."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from softswitch.events import AgentState
from softswitch.features.queue_figures.model.intervals import Intervals, Length
from softswitch.features.queue_figures.model.live import LiveQueue, Window, since
from softswitch.features.queue_figures.model.rows import AgentRow, By, QueueRow, agent_total, total
from softswitch.features.queue_figures.model.service_level import FORMULAS, SHORT_MS, THRESHOLD_MS
from softswitch.features.queue_figures.service import Figures
from softswitch.features.queue_figures.store import Asked
from softswitch.kernel.errors import Invalid, NotFound
from softswitch.platform.rest import Key, Moment, moment, wall_ms

Formula = Literal["answered", "abandons_credited", "late_abandons", "short_credited", "short_excluded", "all_abandons"]
Seconds = Annotated[float | None, Query(ge=0, le=86_400)]


class FiguresOut(BaseModel):
    """A queue's figures. Who came in the time counts in it, whenever the stay ended."""

    offered: int
    answered: int
    abandoned: int
    overflowed: int
    callback: int = Field(description="who asked to be called back")
    disconnected: int
    waiting: int
    abandoned_short: int
    service_level_percent: float | None = Field(description="by the formula named in the answer; null: nobody to count")
    threshold_ms: int = Field(description="T of the formula")
    short_ms: int = Field(description="s of the formula")
    answered_within: int
    abandoned_within: int
    speed_of_answer_ms: float | None = Field(description="the average wait of those who were answered")
    longest_wait_ms: int
    abandoned_percent: float | None
    conversations: int = Field(description="that ended in the time, as the next four did")
    transfers: int
    not_answered: int = Field(description="rings that no agent answered (RONA)")
    called_back: int
    callbacks_failed: int


class SpentOut(FiguresOut):
    """And the time that agents spent."""

    talk_ms: int
    hold_ms: int
    wrap_up_ms: int
    average_handle_ms: float | None = Field(description="talk, hold and wrap-up, by conversations that ended")


class LineOut(SpentOut):
    name: str = Field(description="the queue, skill or trunk")
    begin: Moment | None = Field(description="of the interval; null: of the whole time")


class AgentOut(BaseModel):
    """An agent in one interval."""

    agent: str
    begin: Moment | None = Field(description="of the interval; null: of the whole time")
    signed_on_ms: int
    handling_ms: int
    occupancy_percent: float | None = Field(description="handling / signed on and not `not_ready`")
    utilisation_percent: float | None = Field(description="handling / signed on")
    conversations: int
    transfers: int
    not_answered: int
    states: dict[str, int] = Field(description="milliseconds in each; `not_ready` also by its reasons")


class TimeOut(BaseModel):
    since: Moment
    until: Moment
    as_of: Moment = Field(description="what happened from then on is not counted")
    interval: str
    time_zone: str


class QueueReport(TimeOut):
    by: By
    formula: Formula
    formula_text: str
    items: list[LineOut]
    totals: list[LineOut]


class AgentReport(TimeOut):
    items: list[AgentOut]
    totals: list[AgentOut]


class AgentNowOut(BaseModel):
    """What an agent does now."""

    agent: str
    state: AgentState
    reason: str
    since: Moment
    queue: str
    stay: int


class LiveQueueOut(BaseModel):
    """A queue at this moment, and what came in the last time."""

    queue: str
    waiting: int
    longest_wait_ms: int = Field(description="of those who wait; 0: nobody does")
    callbacks: int = Field(description="who wait to be called back")
    agents: dict[str, int] | None = Field(description="how many of its agents are in each state")
    window: Window
    since: Moment
    formula: Formula
    formula_text: str
    figures: FiguresOut
    balanced: bool = Field(description="whether offered = all who left, in any way, + waiting: always")


class LiveQueues(BaseModel):
    items: list[LiveQueueOut]
    next: str | None = None


class LiveAgents(BaseModel):
    items: list[AgentNowOut]
    next: str | None = None


class ReportQuery:
    """Which time a report is about, in which pieces, and as what."""

    def __init__(
        self,
        since: Annotated[datetime, Query(description="the interval in which this lies is the first")],
        until: Annotated[datetime | None, Query(description="in the last interval, or its end; left out: now")] = None,
        interval: Annotated[Length, Query(description="minutes, or a name")] = "60",
        time_zone: Annotated[str, Query(max_length=64, description="on whose clocks intervals lie")] = "UTC",
        format: Annotated[Literal["json", "csv"], Query()] = "json",
    ) -> None:
        self.since, self.until = wall_ms(since), wall_ms(until)
        self.interval, self.time_zone, self.csv = interval, time_zone, format == "csv"

    def asked(self, now: int, **about: Any) -> Asked:
        """Raises Invalid."""
        intervals = Intervals(self.interval, self.time_zone)
        until = now if self.until is None else self.until
        if until <= self.since:
            raise Invalid("until", "must be later than since")
        try:
            asked = Asked(intervals=intervals, begin=self.since, end=until, now=now, **about)
            asked.spans()
        except (OverflowError, OSError, ValueError):
            raise Invalid("since", "is beyond all calendars") from None
        return asked

    def told(self, asked: Asked) -> dict[str, Any]:
        spans = asked.spans()
        return {
            "since": moment(spans[0][0]),
            "until": moment(spans[-1][1]),
            "as_of": moment(asked.now),
            "interval": self.interval,
            "time_zone": self.time_zone,
        }


Report = Annotated[ReportQuery, Depends()]


class Measure:
    """How service levels are counted."""

    def __init__(
        self,
        formula: Annotated[Formula, Query(description="of the service level")] = "short_excluded",
        threshold_seconds: Annotated[Seconds, Query(description="T; left out: as each queue is set, or 20")] = None,
        short_seconds: Annotated[Seconds, Query(description="s; left out: as each queue is set, or 5")] = None,
    ) -> None:
        self.formula = formula
        self._threshold = None if threshold_seconds is None else round(threshold_seconds * 1000)
        self._short = None if short_seconds is None else round(short_seconds * 1000)

    def of(self, threshold_ms: int, short_ms: int) -> tuple[int, int]:
        """T and s in milliseconds, where nothing else was asked for than what is given."""
        return (
            threshold_ms if self._threshold is None else self._threshold,
            short_ms if self._short is None else self._short,
        )

    def told(self) -> dict[str, Any]:
        return {"formula": self.formula, "formula_text": FORMULAS[self.formula].text}


Measured = Annotated[Measure, Depends()]


def build_router(figures: Figures) -> APIRouter:
    """The routes over one switch's figures."""
    router = APIRouter(tags=["reports"])

    async def report(by: By, query: ReportQuery, measure: Measure, name: str | None) -> Response:
        threshold_ms, short_ms = measure.of(THRESHOLD_MS, SHORT_MS)
        own: dict[str, tuple[int, int]] = {}
        if by == "queue":
            for queue in figures.queues():
                level = measure.of(*figures.service_level(queue))
                if level != (threshold_ms, short_ms):
                    own[queue] = level
        asked = query.asked(figures.now(), by=by, name=name, threshold_ms=threshold_ms, short_ms=short_ms, own=own)
        rows = await figures.queue_rows(asked)
        items = [{"name": row.name, "begin": moment(row.begin), **_line(row, measure.formula)} for row in rows]
        if query.csv:
            return _csv(by, [{**item, **measure.told()} for item in items])
        totals = [
            {"name": name, "begin": None, **_line(total(some, name, 0), measure.formula)}
            for name, some in _grouped(rows, lambda row: row.name)
        ]
        return _json({**query.told(asked), "by": by, **measure.told(), "items": items, "totals": totals})

    @router.get("/reports/queues", response_model=QueueReport)
    async def queues(
        query: Report, measure: Measured, queue: Annotated[str | None, Query(max_length=64)] = None
    ) -> Response:
        """Queues, a row for each and each interval with anything in it; in CSV also with what its totals are of."""
        return await report("queue", query, measure, queue)

    @router.get("/reports/skills", response_model=QueueReport)
    async def skills(
        query: Report, measure: Measured, skill: Annotated[str | None, Query(max_length=100)] = None
    ) -> Response:
        """The same by the skills that callers asked for: who asked for several counts with each."""
        return await report("skill", query, measure, skill)

    @router.get("/reports/trunks", response_model=QueueReport)
    async def trunks(
        query: Report, measure: Measured, trunk: Annotated[str | None, Query(max_length=64)] = None
    ) -> Response:
        """The same by the trunks that callers came by."""
        return await report("trunk", query, measure, trunk)

    @router.get("/reports/agents", response_model=AgentReport)
    async def agents(query: Report, agent: Annotated[str | None, Query(max_length=100)] = None) -> Response:
        """Agents, a row for each and each interval in which it was signed on."""
        asked = query.asked(figures.now(), name=agent)
        rows = await figures.agent_rows(asked)
        items = [{"agent": row.agent, "begin": moment(row.begin), **_agent(row)} for row in rows]
        if query.csv:
            states = sorted({state for row in rows for state in row.states})
            return _csv("agents", [_flat(item, states) for item in items])
        totals = [
            {"agent": name, "begin": None, **_agent(agent_total(some, name, 0))}
            for name, some in _grouped(rows, lambda row: row.agent)
        ]
        return _json({**query.told(asked), "items": items, "totals": totals})

    @router.get("/live/queues")
    async def live_queues(
        measure: Measured,
        window: Annotated[Window, Query(description="minutes until now, or the day")] = "day",
        time_zone: Annotated[str, Query(max_length=64, description="of the day")] = "UTC",
    ) -> LiveQueues:
        """All queues at this moment, by name."""
        found = ((name, figures.queue(name)) for name in figures.queues())
        return LiveQueues(items=[live(queue, measure, window, time_zone) for _, queue in found if queue is not None])

    @router.get("/live/queues/{name}")
    async def live_queue(
        name: Key,
        measure: Measured,
        window: Annotated[Window, Query(description="minutes until now, or the day")] = "day",
        time_zone: Annotated[str, Query(max_length=64, description="of the day")] = "UTC",
    ) -> LiveQueueOut:
        """One queue at this moment."""
        queue = figures.queue(name)
        if queue is None:
            raise NotFound("queue", name)
        return live(queue, measure, window, time_zone)

    def live(queue: LiveQueue, measure: Measure, window: Window, time_zone: str) -> LiveQueueOut:
        now = figures.now()
        begin = since(window, now, time_zone)
        row = queue.row(begin, now, *measure.of(*figures.service_level(queue.name)))
        return LiveQueueOut(
            queue=queue.name,
            waiting=len(queue.waiting),
            longest_wait_ms=queue.longest_wait_ms(now),
            callbacks=len(queue.callbacks),
            agents=figures.agents_of(queue.name),
            window=window,
            since=moment(begin),
            figures=FiguresOut(**_counts(row, measure.formula)),
            balanced=not queue.off_balance(),
            **measure.told(),
        )

    @router.get("/live/agents")
    async def live_agents() -> LiveAgents:
        """What each agent does now, by name."""
        known = sorted(figures.live.agents.values(), key=lambda agent: agent.agent)
        return LiveAgents(items=[AgentNowOut.model_validate(agent, from_attributes=True) for agent in known])

    return router


def _counts(row: QueueRow, formula: str) -> dict[str, Any]:
    counts = {name: getattr(row, name) for name in FiguresOut.model_fields if name in QueueRow.__struct_fields__}
    return {
        **counts,
        "service_level_percent": row.level(formula),
        "speed_of_answer_ms": row.speed_of_answer_ms(),
        "abandoned_percent": row.abandoned_percent(),
    }


def _line(row: QueueRow, formula: str) -> dict[str, Any]:
    return {
        **_counts(row, formula),
        "talk_ms": row.talk_ms,
        "hold_ms": row.hold_ms,
        "wrap_up_ms": row.wrap_up_ms,
        "average_handle_ms": row.average_handle_ms(),
    }


def _agent(row: AgentRow) -> dict[str, Any]:
    return {
        "signed_on_ms": row.signed_on_ms(),
        "handling_ms": row.handling_ms(),
        "occupancy_percent": row.occupancy(),
        "utilisation_percent": row.utilisation(),
        "conversations": row.conversations,
        "transfers": row.transfers,
        "not_answered": row.not_answered,
        "states": row.states,
    }


def _flat(item: Mapping[str, Any], states: Sequence[str]) -> dict[str, Any]:
    """An agent's row with a column for each state."""
    flat = {name: value for name, value in item.items() if name != "states"}
    return {**flat, **{f"{state} ms": item["states"].get(state, 0) for state in states}}


_Line = TypeVar("_Line", QueueRow, AgentRow)


def _grouped(rows: Sequence[_Line], name: Callable[[_Line], str]) -> list[tuple[str, list[_Line]]]:
    """Rows by their names, in order."""
    groups: dict[str, list[_Line]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return sorted(groups.items())


def _json(report: Mapping[str, Any]) -> Response:
    # Encoded here: a model of each row would take a loaded switch as long as all the counting.
    return Response(msgspec.json.encode(report), media_type="application/json")


def _csv(name: str, lines: Sequence[Mapping[str, Any]]) -> Response:
    text = io.StringIO(newline="")
    if lines:
        writer = csv.writer(text)
        writer.writerow(lines[0])
        writer.writerows([_cell(value) for value in line.values()] for line in lines)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> Any:
    """A value in CSV. A name that a spreadsheet would take for a formula is marked as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"
    return value
