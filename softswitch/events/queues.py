"""What happens in queues, and to the agents who serve them.

`CallerQueued` and `CallerLeftQueue` are the whole account of a queue: each stay begins with the one and ends with
exactly one of the other. The rest says who served, and why.
"""

from collections.abc import Mapping
from typing import Literal

from softswitch.events.base import Fact
from softswitch.events.calls import CallFact, RoutingStep
from softswitch.kernel.destination import Destination

Outcome = Literal["answered", "abandoned", "overflowed", "callback", "disconnected"]
"""How a stay in a queue ends: an agent answered; the caller hung up; it was sent on (full, too long, a digit, ...); it
asked to be called back and keeps its place; the switch itself ended it."""

AgentState = Literal[
    "logged_out", "not_ready", "available", "reserved", "ringing", "connected", "hold", "consult", "wrap_up",
    "not_responding", "outbound",
]  # fmt: skip
"""What an agent is doing. `reserved`: chosen for a caller, and for nobody else, before the phone rings."""


class CallerQueued(CallFact, frozen=True, gc=False, kw_only=True):
    """A caller was offered to a queue. Every stay begins with it, also one that ends in the same moment."""

    queue: str
    stay: int
    """Its number, unique among all stays."""
    number: str
    """Who calls."""
    skills: tuple[str, ...] = ()
    """What its agent should know: the queue's needs and the caller's own, by name."""
    priority: int
    head_start_ms: int
    """The waiting time that its VIP score, and a wait elsewhere before, count for."""
    ahead: int
    """Who waited there already and comes first."""
    expected_ms: int | None
    """The wait that was expected; None: nothing to tell it by."""


class CallerLeftQueue(CallFact, frozen=True, gc=False, kw_only=True):
    """A stay is over: the one such fact of every stay."""

    queue: str
    stay: int
    queued_at: int
    outcome: Outcome
    reason: str = ""
    """More exactly: `full`, `length`, `expected`, `time`, `closed`, `no_agents`, `digit 1`, `pulled`, ..."""
    agent: str = ""
    """Who answered."""
    to: Destination | None = None
    """Where it was sent on."""


class CallbackEnded(Fact, frozen=True, gc=False, kw_only=True):
    """Nobody will be called back for it any more, because somebody has been, or for good."""

    queue: str
    stay: int
    """The stay that asked for it."""
    outcome: Literal["connected", "failed", "expired", "cancelled"]
    attempts: int
    agent: str = ""


class CallbackRequested(Fact, frozen=True, gc=False, kw_only=True):
    """A caller is to be called back, and its place is kept."""

    queue: str
    stay: int
    number: str
    """Whom to call."""


class CallbackDialled(Fact, frozen=True, gc=False, kw_only=True):
    """An agent has answered for it, and the number is called."""

    queue: str
    stay: int
    agent: str
    attempt: int
    """Counted from 1."""


class AgentReserved(Fact, frozen=True, gc=False, kw_only=True):
    """An agent was chosen for a caller or a callback, before its phone rings."""

    queue: str
    stay: int
    of_call: str
    agent: str
    attempt: int
    """Its number, unique among all attempts."""
    steps: tuple[RoutingStep, ...]
    """Why this agent, and why this caller."""
    number: str = ""
    """Who calls, or is called back."""
    attached: Mapping[str, str] = {}
    """What is known of the caller's matter, for the agent's screen."""


class AgentReleased(Fact, frozen=True, gc=False, kw_only=True):
    """A reserved agent did not take the caller."""

    queue: str
    stay: int
    of_call: str
    agent: str
    attempt: int
    reason: str
    """`no_answer`, `refused`, `busy`, `unreachable`, `answered_elsewhere`, `caller_left`, `logged_out`, ..."""


class ConversationEnded(Fact, frozen=True, gc=False, kw_only=True):
    """An agent and a caller of a queue talk no more."""

    queue: str
    stay: int
    of_call: str
    agent: str
    talk_ms: int
    """Without hold."""
    hold_ms: int
    reason: str
    """`caller`, `agent`, `transferred` or `disconnected`: who ended it, or how."""


class AgentStateChanged(Fact, frozen=True, gc=False, kw_only=True):
    """An agent does something else from now on."""

    agent: str
    state: AgentState
    reason: str = ""
    """Why it is not ready or does not respond, in the words of who set it."""
    before: AgentState
    before_ms: int
    """How long that lasted."""
    queue: str = ""
    """Whom it is reserved for, talks with, or wraps up after."""
    stay: int = 0
    """The caller's stay there; without a queue, the number of the loan to work outside the queues; 0: neither."""
    by: str = ""
    """The supervisor who forced it."""


class AgentWrapUpCoded(Fact, frozen=True, gc=False, kw_only=True):
    """What came of a conversation, in the agent's code; the queue's own when the time ran out without one."""

    queue: str
    stay: int
    agent: str
    code: str


AlarmLevel = Literal["target", "normal", "warning"]
"""How a figure stands: as good as it should be, as bad as it must not be, or between."""


class QueueAlarmChanged(Fact, frozen=True, gc=False, kw_only=True):
    """A figure of a queue or an agent has become better or worse, by the bounds of an alarm, and stayed so."""

    alarm: str
    of: Literal["queue", "agent"]
    subject: str
    """Which queue or agent."""
    figure: str
    level: AlarmLevel
    before: AlarmLevel
    value: float | None
    """None: there is nothing to tell it by any more."""
