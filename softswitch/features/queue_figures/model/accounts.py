"""Reports as views of the facts: heard one by one while they happen, or read from the log, with the same result."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from softswitch.events import (
    AgentReleased,
    AgentStateChanged,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
    Fact,
    Outcome,
)
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.service_level import DEFAULT, SHORT_MS, THRESHOLD_MS, Counts, service_level
from softswitch.kernel.ids import CallId

HANDLING = ("connected", "hold", "consult", "wrap_up", "outbound")
"""States in which an agent works with somebody, or for somebody."""


class Stay(Struct, gc=False, kw_only=True):
    """One stay, as far as it has come."""

    queue: str
    stay: int
    call: CallId
    queued_at: int
    left_at: int | None = None
    outcome: Outcome | None = None
    reason: str = ""
    agent: str = ""


class QueueRow(Struct, kw_only=True):
    """A queue in one interval. Who came in the interval counts in it, whenever the stay ended."""

    queue: str
    begin: int
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    callback: int = 0
    disconnected: int = 0
    waiting: int = 0
    answered_within: int = 0
    abandoned_within: int = 0
    abandoned_short: int = 0
    answer_wait_ms: int = 0
    """Of all who were answered together."""
    longest_wait_ms: int = 0
    talk_ms: int = 0
    """Spent in the interval, as `hold_ms` and `wrap_up_ms`."""
    hold_ms: int = 0
    wrap_up_ms: int = 0

    def balances(self) -> bool:
        """The law of the account."""
        return self.offered == (
            self.answered + self.abandoned + self.overflowed + self.callback + self.disconnected + self.waiting
        )

    def speed_of_answer_ms(self) -> float | None:
        """The average; None: nobody was answered."""
        return self.answer_wait_ms / self.answered if self.answered else None

    def level(self, formula: str = DEFAULT) -> float | None:
        """The service level in percent."""
        counts = Counts(
            self.answered, self.answered_within, self.abandoned, self.abandoned_within, self.abandoned_short
        )
        return service_level(counts, formula)


class AgentRow(Struct, kw_only=True):
    """An agent in one interval."""

    agent: str
    begin: int
    states: dict[str, int]
    """Milliseconds in each state; `not_ready` also as `not_ready: lunch`."""
    conversations: int = 0
    """That ended in the interval, as the rest."""
    transfers: int = 0
    not_answered: int = 0
    """Rings that the agent did not answer (RONA)."""

    def signed_on_ms(self) -> int:
        return sum(ms for state, ms in self.states.items() if ":" not in state and state != "logged_out")

    def handling_ms(self) -> int:
        return sum(self.states.get(state, 0) for state in HANDLING)

    def occupancy(self) -> float | None:
        """Handling in percent of the time in which the agent was there to be given callers; None: it was not."""
        there = self.signed_on_ms() - self.states.get("not_ready", 0)
        return 100 * self.handling_ms() / there if there else None

    def utilisation(self) -> float | None:
        """Handling in percent of the time in which the agent was signed on."""
        signed_on = self.signed_on_ms()
        return 100 * self.handling_ms() / signed_on if signed_on else None


_SPENT: Mapping[str, str] = {"connected": "talk_ms", "hold": "hold_ms", "consult": "hold_ms", "wrap_up": "wrap_up_ms"}


class Accounts:
    """What the facts say so far."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self.stays: dict[int, Stay] = {}
        self._spans: list[tuple[AgentStateChanged, int]] = []
        """What began each span of an agent's state, and when it ended."""
        self._now: dict[str, AgentStateChanged] = {}
        self._ended: list[ConversationEnded] = []
        self._not_answered: list[AgentReleased] = []
        for fact in facts:
            self.hear(fact)

    def hear(self, fact: Fact) -> None:
        """Take one more; facts that are not of queues and agents are passed over."""
        match fact:
            case CallerQueued():
                self.stays[fact.stay] = Stay(queue=fact.queue, stay=fact.stay, call=fact.call, queued_at=fact.at)
            case CallerLeftQueue():
                stay = self.stays[fact.stay]
                stay.left_at, stay.outcome, stay.reason, stay.agent = fact.at, fact.outcome, fact.reason, fact.agent
            case AgentStateChanged():
                before = self._now.get(fact.agent)
                if before is not None:
                    self._spans.append((before, fact.at))
                self._now[fact.agent] = fact
            case ConversationEnded():
                self._ended.append(fact)
            case AgentReleased(reason="no_answer"):
                self._not_answered.append(fact)
            case _:
                pass

    def queues(
        self, intervals: Intervals, until: int, threshold_ms: int = THRESHOLD_MS, short_ms: int = SHORT_MS
    ) -> list[QueueRow]:
        """A row for each queue and interval with anything in it, as it stands at `until`, the last moment heard of."""
        rows: dict[tuple[str, int], QueueRow] = {}

        def row(queue: str, begin: int) -> QueueRow:
            key = (queue, begin)
            if key not in rows:
                rows[key] = QueueRow(queue=queue, begin=begin)
            return rows[key]

        for stay in self.stays.values():
            _count(row(stay.queue, intervals.begin(stay.queued_at)), stay, until, threshold_ms, short_ms)
        for fact, begin, ms in self._pieces(intervals, until):
            spent = _SPENT.get(fact.state)
            if spent is not None and fact.queue:
                of = row(fact.queue, begin)
                setattr(of, spent, getattr(of, spent) + ms)
        return [rows[key] for key in sorted(rows)]

    def agents(self, intervals: Intervals, until: int) -> list[AgentRow]:
        """A row for each agent and interval, from the first fact about it on."""
        rows: dict[tuple[str, int], AgentRow] = {}

        def row(agent: str, begin: int) -> AgentRow:
            key = (agent, begin)
            if key not in rows:
                rows[key] = AgentRow(agent=agent, begin=begin, states={})
            return rows[key]

        for fact, begin, ms in self._pieces(intervals, until):
            states = row(fact.agent, begin).states
            states[fact.state] = states.get(fact.state, 0) + ms
            if fact.state == "not_ready" and fact.reason:
                name = f"not_ready: {fact.reason}"
                states[name] = states.get(name, 0) + ms
        for ended in self._ended:
            of = row(ended.agent, intervals.begin(ended.at))
            of.conversations += 1
            of.transfers += ended.reason == "transferred"
        for released in self._not_answered:
            row(released.agent, intervals.begin(released.at)).not_answered += 1
        return [rows[key] for key in sorted(rows)]

    def _pieces(self, intervals: Intervals, until: int) -> Iterable[tuple[AgentStateChanged, int, int]]:
        """Spans of states, cut where intervals end: what began it, the interval, milliseconds in it."""
        for fact, end in [*self._spans, *((fact, until) for fact in self._now.values())]:
            at = fact.at
            while at < end:
                begin = intervals.begin(at)
                stop = min(end, intervals.next(begin))
                yield fact, begin, stop - at
                at = stop


def total(rows: Iterable[QueueRow], queue: str, begin: int) -> QueueRow:
    """Several intervals of a queue as one."""
    whole = QueueRow(queue=queue, begin=begin)
    for row in rows:
        for name, value in structs.asdict(row).items():
            if name == "longest_wait_ms":
                whole.longest_wait_ms = max(whole.longest_wait_ms, value)
            elif isinstance(value, int) and name != "begin":
                setattr(whole, name, getattr(whole, name) + value)
    return whole


def _count(row: QueueRow, stay: Stay, until: int, threshold_ms: int, short_ms: int) -> None:
    row.offered += 1
    wait = (stay.left_at if stay.left_at is not None else until) - stay.queued_at
    row.longest_wait_ms = max(row.longest_wait_ms, wait)
    if stay.outcome is None:
        row.waiting += 1
        return
    setattr(row, stay.outcome, getattr(row, stay.outcome) + 1)
    if stay.outcome == "answered":
        row.answer_wait_ms += wait
        row.answered_within += wait <= threshold_ms
    elif stay.outcome == "abandoned":
        row.abandoned_within += wait <= threshold_ms
        row.abandoned_short += wait <= short_ms
