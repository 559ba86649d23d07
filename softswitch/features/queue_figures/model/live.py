"""The figures of this moment: kept up fact by fact, and read without adding up more than some hundred numbers.

What came in a minute is counted by that minute, and after more than an hour by its quarter of an hour; how long each
who was answered or gave up had waited is kept, in order, so that any threshold can be asked for. After a day and two
hours it is forgotten: that is the reports' time.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct, field

from softswitch.events import (
    AgentReleased,
    AgentState,
    AgentStateChanged,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
    Fact,
    Outcome,
)
from softswitch.features.queue_figures.model.intervals import Intervals
from softswitch.features.queue_figures.model.pieces import QUARTER_MS
from softswitch.features.queue_figures.model.rows import OUTCOMES, QueueRow
from softswitch.features.queue_figures.model.service_level import SHORT_MS, THRESHOLD_MS

Window = Literal["15", "30", "60", "day"]
"""The present minute and those before it, so many together; or the day, from midnight."""
MINUTE_MS = 60_000
MINUTES_KEPT_MS = 75 * MINUTE_MS
"""By minutes; what is older, by quarters of an hour."""
KEPT_MS = 26 * 60 * MINUTE_MS
"""The longest day has 25 hours."""


def since(window: Window, now: int, time_zone: str = "UTC") -> int:
    """When a window began. Raises Invalid for a time zone that there is not."""
    if window == "day":
        return Intervals("day", time_zone).begin(now)
    return now - now % MINUTE_MS - (int(window) - 1) * MINUTE_MS


def _waits() -> "array[int]":
    return array("q")


class Counted(Struct):
    """What came to a queue in one minute or quarter of an hour, and what ended in it."""

    offered: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    answered_waits: "array[int]" = field(default_factory=_waits)
    """Milliseconds, in order."""
    abandoned_waits: "array[int]" = field(default_factory=_waits)
    answer_wait_ms: int = 0
    longest_wait_ms: int = 0
    """Of those who wait no more."""
    ended: dict[str, int] = field(default_factory=dict)
    """By the fields of a row: conversations, transfers, ..."""

    def leave(self, outcome: Outcome, wait: int) -> None:
        """A stay that began here has ended."""
        self.outcomes[outcome] += 1
        self.longest_wait_ms = max(self.longest_wait_ms, wait)
        if outcome == "answered":
            insort(self.answered_waits, wait)
            self.answer_wait_ms += wait
        elif outcome == "abandoned":
            insort(self.abandoned_waits, wait)

    def end(self, what: str) -> None:
        self.ended[what] = self.ended.get(what, 0) + 1

    def take(self, other: "Counted") -> None:
        """Count another's here, too."""
        self.offered += other.offered
        for outcome, count in other.outcomes.items():
            self.outcomes[outcome] += count
        self.answered_waits = array("q", sorted([*self.answered_waits, *other.answered_waits]))
        self.abandoned_waits = array("q", sorted([*self.abandoned_waits, *other.abandoned_waits]))
        self.answer_wait_ms += other.answer_wait_ms
        self.longest_wait_ms = max(self.longest_wait_ms, other.longest_wait_ms)
        for what, count in other.ended.items():
            self.ended[what] = self.ended.get(what, 0) + count

    def add_to(self, row: QueueRow) -> None:
        row.offered += self.offered
        for outcome, count in self.outcomes.items():
            if count:
                setattr(row, outcome, getattr(row, outcome) + count)
        row.answered_within += bisect_right(self.answered_waits, row.threshold_ms)
        row.abandoned_within += bisect_right(self.abandoned_waits, row.threshold_ms)
        row.abandoned_short += bisect_right(self.abandoned_waits, row.short_ms)
        row.answer_wait_ms += self.answer_wait_ms
        row.longest_wait_ms = max(row.longest_wait_ms, self.longest_wait_ms)
        for what, count in self.ended.items():
            setattr(row, what, getattr(row, what) + count)


class LiveQueue:
    """One queue."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: dict[int, int] = {}
        """Stays, and when they began; the oldest first."""
        self.callbacks: dict[int, None] = {}
        """Stays that wait to be called back."""
        self.offered = 0
        """Since this view began, as `left`."""
        self.left = 0
        self._minutes: dict[int, Counted] = {}
        self._quarters: dict[int, Counted] = {}

    def off_balance(self) -> int:
        """By how much the account does not add up: offered = those who left, in any way + those who wait. Always 0."""
        return self.offered - self.left - len(self.waiting)

    def longest_wait_ms(self, now: int) -> int:
        """Of those who wait now; 0: nobody does."""
        oldest = next(iter(self.waiting.values()), None)
        return max(0, now - oldest) if oldest is not None else 0

    def row(self, begin: int, now: int, threshold_ms: int = THRESHOLD_MS, short_ms: int = SHORT_MS) -> QueueRow:
        """What came from `begin` on, as it stands now. `begin` is the beginning of a minute, and more than an hour ago
        that of a quarter of an hour."""
        row = QueueRow(name=self.name, begin=begin, threshold_ms=threshold_ms, short_ms=short_ms)
        for counted in self._since(begin):
            counted.add_to(row)
        for queued_at in self.waiting.values():
            if queued_at >= begin:
                row.waiting += 1
                row.longest_wait_ms = max(row.longest_wait_ms, now - queued_at)
        return row

    def _since(self, begin: int) -> Iterator[Counted]:
        for held in (self._minutes, self._quarters):
            for at, counted in held.items():
                if at >= begin:
                    yield counted

    def enter(self, stay: int, at: int) -> None:
        """A stay begins."""
        self.waiting[stay] = at
        self.offered += 1
        self.at(at).offered += 1

    def leave(self, stay: int, queued_at: int, at: int, outcome: Outcome) -> None:
        """And ends."""
        self.waiting.pop(stay, None)
        self.left += 1
        self.at(queued_at).leave(outcome, at - queued_at)

    def at(self, at: int) -> Counted:
        """Where what happens at a time is counted."""
        quarter = self._quarters.get(at - at % QUARTER_MS)
        if quarter is not None:
            return quarter
        minute = at - at % MINUTE_MS
        counted = self._minutes.get(minute)
        if counted is None:
            counted = self._minutes[minute] = Counted()
        return counted

    def forget(self, now: int) -> None:
        """Count by quarters what is more than an hour old, and no more what is more than a day old."""
        whole = now - MINUTES_KEPT_MS
        whole -= whole % QUARTER_MS
        for minute in sorted(at for at in self._minutes if at < whole):
            quarter = minute - minute % QUARTER_MS
            self._quarters.setdefault(quarter, Counted()).take(self._minutes.pop(minute))
        for quarter in [at for at in self._quarters if at < now - KEPT_MS]:
            del self._quarters[quarter]


class AgentNow(Struct, frozen=True, gc=False):
    """What an agent does now."""

    agent: str
    state: AgentState
    reason: str
    since: int
    queue: str
    stay: int


class Live:
    """All queues and agents."""

    def __init__(self) -> None:
        self.queues: dict[str, LiveQueue] = {}
        self.agents: dict[str, AgentNow] = {}
        """Those that anything was heard of, also signed off."""
        self.strays = 0
        """Facts that contradict those before: an end without a beginning, a stay that begins twice. Always 0."""
        self._tidied = 0

    def off_balance(self) -> int:
        """In how many queues the account does not add up, and how many facts contradict others: 0, or there is a
        mistake."""
        return self.strays + sum(bool(queue.off_balance()) for queue in self.queues.values())

    def queue(self, name: str) -> LiveQueue:
        """A queue, known or new."""
        queue = self.queues.get(name)
        if queue is None:
            queue = self.queues[name] = LiveQueue(name)
        return queue

    def hear(self, fact: Fact) -> None:
        """Take one more fact."""
        handler: Any = _HEARD.get(type(fact))
        if handler is not None:
            handler(self, fact)
            if fact.at >= self._tidied + MINUTE_MS:
                self._tidied = fact.at
                for queue in self.queues.values():
                    queue.forget(fact.at)

    def _queued(self, fact: CallerQueued) -> None:
        queue = self.queue(fact.queue)
        self.strays += fact.stay in queue.waiting
        queue.enter(fact.stay, fact.at)

    def _left(self, fact: CallerLeftQueue) -> None:
        queue = self.queue(fact.queue)
        self.strays += queue.waiting.get(fact.stay) != fact.queued_at
        queue.leave(fact.stay, fact.queued_at, fact.at, fact.outcome)

    def _state_changed(self, fact: AgentStateChanged) -> None:
        self.agents[fact.agent] = AgentNow(fact.agent, fact.state, fact.reason, fact.at, fact.queue, fact.stay)

    def _conversation_ended(self, fact: ConversationEnded) -> None:
        self.ended(fact.queue, fact.at, "conversation", fact.reason)

    def _released(self, fact: AgentReleased) -> None:
        if fact.reason == "no_answer":
            self.ended(fact.queue, fact.at, "not_answered")

    def _callback_requested(self, fact: CallbackRequested) -> None:
        self.queue(fact.queue).callbacks[fact.stay] = None

    def _callback_ended(self, fact: CallbackEnded) -> None:
        self.queue(fact.queue).callbacks.pop(fact.stay, None)
        self.ended(fact.queue, fact.at, "callback", fact.outcome)

    def ended(self, queue: str, at: int, kind: str, reason: str = "") -> None:
        """Something of a queue ended: a `conversation`, a ring that was `not_answered`, a `callback`."""
        counted = self.queue(queue).at(at)
        if kind == "conversation":
            counted.end("conversations")
            if reason == "transferred":
                counted.end("transfers")
        elif kind == "callback":
            counted.end("called_back" if reason == "connected" else "callbacks_failed")
        else:
            counted.end(kind)


_HEARD: dict[type[Fact], Any] = {
    CallerQueued: Live._queued,
    CallerLeftQueue: Live._left,
    AgentStateChanged: Live._state_changed,
    ConversationEnded: Live._conversation_ended,
    AgentReleased: Live._released,
    CallbackRequested: Live._callback_requested,
    CallbackEnded: Live._callback_ended,
}
