"""Everything the engine holds: who waits, who serves, what is due. What happens to it is in the files beside this."""

from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from softswitch.events import AgentState, Outcome
from softswitch.features.acd.model.effects import Effect
from softswitch.features.acd.model.expected import Expected
from softswitch.features.acd.model.rules import AgentProfile, Membership, Need, QueueRules, WrapUp
from softswitch.features.acd.model.timers import Timers
from softswitch.kernel.ids import CallId

AWAY: frozenset[AgentState] = frozenset({"logged_out", "not_ready", "not_responding"})
"""States of agents who will take no caller until they, or a supervisor, say so."""


class Demand(NamedTuple):
    """What a caller asks for now. Those who ask for the same stand in one line."""

    needs: tuple[Need, ...]
    tier: int
    preferred: str
    """The only agent it may go to."""
    callback: bool


class Tally(Struct):
    """A queue's account since the engine began."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    callback: int = 0
    disconnected: int = 0

    def left(self, outcome: Outcome) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    def waiting(self) -> int:
        """Who must be waiting still, by the law of the account."""
        return self.offered - self.answered - self.abandoned - self.overflowed - self.callback - self.disconnected


class Attempt:
    """An agent is reserved for somebody."""

    __slots__ = ("agent", "due", "id", "waiter")

    def __init__(self, number: int, agent: "Agent", waiter: "Waiter") -> None:
        self.id = number
        self.agent = agent
        self.waiter = waiter
        self.due: dict[str, int] = {}


class Waiter:
    """A caller that waits, or somebody who wants to be called back."""

    __slots__ = (
        "attempts", "call", "comforts", "data", "demand", "dials", "due", "expected_ms", "in_line", "key", "needs",
        "number", "overdue", "preferred", "preferred_until", "question", "queue", "queued_at", "stay", "waited_ms",
        "windows",
    )  # fmt: skip

    def __init__(self, call: CallId, queue: "Queue", stay: int, number: str, queued_at: int) -> None:
        self.call = call
        self.queue = queue
        self.stay = stay
        self.number = number
        self.queued_at = queued_at
        self.waited_ms = 0
        """Elsewhere before."""
        self.key: Key = (0, queued_at, stay)
        self.needs: tuple[Need, ...] = ()
        self.preferred = ""
        self.preferred_until = 0
        self.demand = Demand((), 0, "", False)
        self.attempts: dict[int, Attempt] = {}
        self.in_line = False
        """Whether an agent that becomes free may take it: nobody is reserved for it, nothing is asked."""
        self.question: int | None = None
        self.overdue = False
        self.expected_ms: int | None = None
        self.comforts = 0
        self.data: Mapping[str, str] = {}
        self.dials = 0
        """Of a callback: how often the number has been called."""
        self.windows: tuple[tuple[int, int], ...] = ()
        """Of a callback: when the number may be called."""
        self.due: dict[str, int] = {}


Key = tuple[int, int, int]
"""What orders a queue: priority (turned round), the time of arrival less the head start, the number of the stay."""


class Member:
    """An agent in a queue."""

    __slots__ = ("agent", "order", "queue", "rank", "served", "tier", "weight")

    def __init__(self, agent: "Agent", queue: "Queue", membership: Membership) -> None:
        self.agent = agent
        self.queue = queue
        self.rank = membership.rank
        self.order = (membership.order, agent.id)
        self.weight = membership.weight
        self.tier = membership.tier
        self.served = 0.0
        """For `weighted`: callers served for each point of weight, begun where the others were."""


class Conversation:
    """An agent talks with a caller of a queue, or is on the line while a number is called back."""

    __slots__ = ("answered_at", "attempt", "call", "code", "dialling", "held_at", "held_ms", "queue", "stay")

    def __init__(self, call: CallId, queue: "Queue", stay: int, attempt: int, answered_at: int) -> None:
        self.call = call
        self.queue = queue
        self.stay = stay
        self.attempt = attempt
        self.answered_at = answered_at
        self.held_at: int | None = None
        self.held_ms = 0
        self.code = ""
        self.dialling: Waiter | None = None


class Agent:
    """Somebody who serves queues, and what is going on there."""

    __slots__ = (
        "activity",
        "attempt",
        "calls",
        "conversation",
        "due",
        "handle_from",
        "id",
        "idle_since",
        "intent",
        "loan",
        "members",
        "missed",
        "profile",
        "reason",
        "resting",
        "seat",
        "since",
        "state",
        "state_reason",
        "talk_ms",
        "wrap_code",
        "wrap_queue",
        "wrap_stay",
        "wraps",
    )  # fmt: skip

    def __init__(self, profile: AgentProfile, now: int) -> None:
        self.id = profile.id
        self.profile = profile
        self.members: list[Member] = []
        """By rank."""
        self.seat = ""
        self.intent: AgentState = "logged_out"
        """The agent's state when nothing is under way: `logged_out`, `not_ready` or `available`."""
        self.reason = ""
        self.activity: AgentState | None = None
        """What is under way."""
        self.attempt: Attempt | None = None
        self.conversation: Conversation | None = None
        self.loan = 0
        """Its number while the agent is lent to work outside the queues; 0: it is not."""
        self.wraps: WrapUp | None = None
        self.wrap_queue: Queue | None = None
        self.wrap_stay = 0
        self.wrap_code = ""
        self.handle_from = 0
        self.resting = False
        self.missed = 0
        self.calls = 0
        self.talk_ms = 0
        self.idle_since = now
        self.state: AgentState = "logged_out"
        """The state that was told last."""
        self.state_reason = ""
        self.since = now
        self.due: dict[str, int] = {}


class Queue:
    """A queue and all who stand in it."""

    __slots__ = (
        "callbacks_at_once", "expected", "free", "joinable", "lines", "live_since_callback", "members", "name", "order",
        "questions", "rules", "rung_last", "served", "serving", "staffed", "tally", "waiting",
    )  # fmt: skip

    def __init__(self, rules: QueueRules) -> None:
        self.name = rules.name
        self.rules = rules
        self.members: dict[str, Member] = {}
        self.free: dict[str, Member] = {}
        """Who can be rung now."""
        self.staffed = 0
        """Members who are signed on."""
        self.serving = 0
        """Members who are not away."""
        self.waiting: dict[int, Waiter] = {}
        """Callers, by stay. Callbacks are not among them."""
        self.order: list[tuple[Key, Waiter]] = []
        """Callers and due callbacks in the order in which they are served."""
        self.lines: dict[Demand, list[tuple[Key, Waiter]]] = {}
        """Of these, those whom an agent may take that becomes free. None is empty."""
        self.joinable: dict[int, Waiter] = {}
        """Those for whom several phones may ring, and some do."""
        self.tally = Tally()
        self.expected = Expected()
        self.rung_last: tuple[int, str] | None = None
        self.served = 0.0
        self.questions = 0
        self.callbacks_at_once = 0
        self.live_since_callback = rules.callback.live_between

    def ahead(self, key: Key) -> int:
        """How many come before a key."""
        return bisect_left(self.order, key, key=_key)

    def enter(self, waiter: Waiter) -> None:
        insort(self.order, (waiter.key, waiter), key=_key)

    def leave(self, waiter: Waiter) -> None:
        place = bisect_left(self.order, waiter.key, key=_key)
        if place < len(self.order) and self.order[place][1] is waiter:
            del self.order[place]

    def line_up(self, waiter: Waiter) -> None:
        """Let agents that become free take it."""
        if not waiter.in_line:
            waiter.in_line = True
            insort(self.lines.setdefault(waiter.demand, []), (waiter.key, waiter), key=_key)

    def step_out(self, waiter: Waiter) -> None:
        """And no longer."""
        if waiter.in_line:
            waiter.in_line = False
            line = self.lines[waiter.demand]
            del line[bisect_left(line, waiter.key, key=_key)]
            if not line:
                del self.lines[waiter.demand]


class Floor:
    """All of it, and what the current step has made so far."""

    def __init__(self, first: int) -> None:
        self.now = 0
        self.timers = Timers()
        self.queues: dict[str, Queue] = {}
        self.agents: dict[str, Agent] = {}
        self.waiting: dict[CallId, Waiter] = {}
        self.callbacks: dict[int, Waiter] = {}
        self.talking: dict[CallId, Agent] = {}
        self.on_line: dict[int, Agent] = {}
        """Who talks, or is on the line for a callback, by the attempt that led to it."""
        self.dialling: dict[int, Agent] = {}
        """Who is on the line for a callback, by stay."""
        self.attempts: dict[int, Attempt] = {}
        self.loans: dict[int, Agent] = {}
        self.questions: dict[int, Waiter] = {}
        self.out: list[Effect] = []
        self.freed: dict[str, Agent] = {}
        """Who became free in this step."""
        self.unmatched: dict[int, Waiter] = {}
        """Who may have become matchable in this step, by stay."""
        self.gone_away: dict[str, Agent] = {}
        """Who will take no caller any more since this step."""
        self.thinned: dict[str, Queue] = {}
        """Where somebody signed off in this step."""
        self.later: dict[int, Waiter] = {}
        """For whom a step of `progressive` has come, or the webhook's time is up."""
        self.eased: dict[str, Queue] = {}
        """Where an agent rings or dials for callbacks no more since this step."""
        self._last = first - 1

    def number(self) -> int:
        """A number for a stay, an attempt, a loan or a question."""
        self._last += 1
        return self._last


def _key(entry: tuple[Key, Waiter]) -> Key:
    return entry[0]
