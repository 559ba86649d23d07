"""The facts of a time, all kept, and counted in any way afterwards: for what-if, and to hold other ways against."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from softswitch.events import (
    AgentReleased,
    AgentStateChanged,
    CallbackEnded,
    CallerLeftQueue,
    CallerQueued,
    CallOffered,
    ConversationEnded,
    Fact,
    Outcome,
)
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.rows import SPENT, AgentRow, By, QueueRow
from softswitch.features.queue_figures.model.service_level import SHORT_MS, THRESHOLD_MS
from softswitch.kernel.ids import CallId


class Stay(Struct, gc=False, kw_only=True):
    """One stay, as far as it has come."""

    queue: str
    stay: int
    call: CallId
    queued_at: int
    skills: tuple[str, ...]
    left_at: int | None = None
    outcome: Outcome | None = None
    reason: str = ""
    agent: str = ""


_Ended = ConversationEnded | AgentReleased | CallbackEnded


class Accounts:
    """What the facts say so far."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self.stays: dict[int, Stay] = {}
        self._trunks: dict[CallId, str] = {}
        self._spans: list[tuple[AgentStateChanged, int]] = []
        """What began each span of an agent's state, and when it ended."""
        self._now: dict[str, AgentStateChanged] = {}
        self._ended: list[_Ended] = []
        for fact in facts:
            self.hear(fact)

    def hear(self, fact: Fact) -> None:
        """Take one more; facts that are not of queues and agents are passed over."""
        match fact:
            case CallOffered(origin_kind="trunk"):
                self._trunks[fact.call] = fact.origin
            case CallerQueued():
                self.stays[fact.stay] = Stay(
                    queue=fact.queue, stay=fact.stay, call=fact.call, queued_at=fact.at, skills=fact.skills
                )
            case CallerLeftQueue():
                stay = self.stays[fact.stay]
                stay.left_at, stay.outcome, stay.reason, stay.agent = fact.at, fact.outcome, fact.reason, fact.agent
            case AgentStateChanged():
                before = self._now.get(fact.agent)
                if before is not None:
                    self._spans.append((before, fact.at))
                self._now[fact.agent] = fact
            case ConversationEnded() | CallbackEnded() | AgentReleased(reason="no_answer"):
                self._ended.append(fact)
            case _:
                pass

    def queues(
        self,
        intervals: Intervals,
        until: int,
        threshold_ms: int = THRESHOLD_MS,
        short_ms: int = SHORT_MS,
        by: By = "queue",
    ) -> list[QueueRow]:
        """A row for each queue and interval with anything in it, as it stands at `until`, the last moment heard of."""
        rows: dict[tuple[str, int], QueueRow] = {}

        def row(name: str, begin: int) -> QueueRow:
            key = (name, begin)
            if key not in rows:
                rows[key] = QueueRow(name=name, begin=begin, threshold_ms=threshold_ms, short_ms=short_ms)
            return rows[key]

        names = self._names(by)
        for stay in self.stays.values():
            for name in names(stay.stay, stay.queue):
                _count(row(name, intervals.begin(stay.queued_at)), stay, until)
        for fact, begin, ms in self._pieces(intervals, until):
            spent = SPENT.get(fact.state)
            if spent is not None and fact.queue:
                for name in names(fact.stay, fact.queue):
                    of = row(name, begin)
                    setattr(of, spent, getattr(of, spent) + ms)
        for ended in self._ended:
            for name in names(ended.stay, ended.queue):
                _end(row(name, intervals.begin(ended.at)), ended)
        return [rows[key] for key in sorted(rows)]

    def agents(self, intervals: Intervals, until: int) -> list[AgentRow]:
        """A row for each agent and interval in which it was signed on, or anything of it ended."""
        rows: dict[tuple[str, int], AgentRow] = {}

        def row(agent: str, begin: int) -> AgentRow:
            key = (agent, begin)
            if key not in rows:
                rows[key] = AgentRow(agent=agent, begin=begin, states={})
            return rows[key]

        for fact, begin, ms in self._pieces(intervals, until):
            if fact.state != "logged_out":
                row(fact.agent, begin).spend(fact.state, fact.reason, ms)
        for ended in self._ended:
            if isinstance(ended, CallbackEnded):
                continue
            of = row(ended.agent, intervals.begin(ended.at))
            if isinstance(ended, ConversationEnded):
                of.conversations += 1
                of.transfers += ended.reason == "transferred"
            else:
                of.not_answered += 1
        return [rows[key] for key in sorted(rows)]

    def _names(self, by: By) -> Callable[[int, str], Iterable[str]]:
        """What a stay in a queue counts as."""

        def skills(stay: int, queue: str) -> Iterable[str]:
            return self.stays[stay].skills if stay in self.stays else ()

        def trunks(stay: int, queue: str) -> Iterable[str]:
            trunk = self._trunks.get(self.stays[stay].call) if stay in self.stays else None
            return () if trunk is None else (trunk,)

        return {"queue": lambda stay, queue: (queue,), "skill": skills, "trunk": trunks}[by]

    def _pieces(self, intervals: Intervals, until: int) -> Iterable[tuple[AgentStateChanged, int, int]]:
        """Spans of states, cut where intervals end: what began it, the interval, milliseconds in it."""
        for fact, end in [*self._spans, *((fact, until) for fact in self._now.values())]:
            at = fact.at
            while at < end:
                begin = intervals.begin(at)
                stop = min(end, intervals.next(begin))
                yield fact, begin, stop - at
                at = stop


def _count(row: QueueRow, stay: Stay, until: int) -> None:
    row.offered += 1
    wait = (stay.left_at if stay.left_at is not None else until) - stay.queued_at
    row.longest_wait_ms = max(row.longest_wait_ms, wait)
    if stay.outcome is None:
        row.waiting += 1
        return
    setattr(row, stay.outcome, getattr(row, stay.outcome) + 1)
    if stay.outcome == "answered":
        row.answer_wait_ms += wait
        row.answered_within += wait <= row.threshold_ms
    elif stay.outcome == "abandoned":
        row.abandoned_within += wait <= row.threshold_ms
        row.abandoned_short += wait <= row.short_ms


def _end(row: QueueRow, ended: _Ended) -> None:
    match ended:
        case ConversationEnded():
            row.conversations += 1
            row.transfers += ended.reason == "transferred"
        case CallbackEnded():
            row.called_back += ended.outcome == "connected"
            row.callbacks_failed += ended.outcome != "connected"
        case _:
            row.not_answered += 1
