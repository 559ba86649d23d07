"""What the engine is told. Each is one thing that happened, or that somebody wants."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from softswitch.features.acd.model.rules import AgentProfile, Need, QueueRules, WrapUp
from softswitch.kernel.ids import CallId


class Tick(Struct, frozen=True, gc=False):
    """Nothing but time has passed."""


# Callers --------------------------------------------------------------------------------------------------


class CallerArrived(Struct, frozen=True, gc=False, kw_only=True):
    """A caller comes to a queue."""

    call: CallId
    queue: str
    number: str = ""
    priority: int = 0
    """Higher goes first, whoever has waited how long."""
    score: int = 0
    """VIP points, each worth some waiting time."""
    needs: tuple[Need, ...] = ()
    """Beside the queue's."""
    preferred: str = ""
    """An agent to wait for."""
    waited_ms: int = 0
    """In queues before this one, which counts for its place."""
    open: bool = True
    """Whether the queue's hours are now."""
    data: Mapping[str, str] = {}
    """What is known of its matter, for whoever takes it."""
    stay: int = 0
    """It goes on with a stay that an earlier run of the engine began, `queued_at`; 0: it comes now."""
    queued_at: int = 0


class CallerLeft(Struct, frozen=True, gc=False):
    """The caller hung up."""

    call: CallId


class CallerDropped(Struct, frozen=True, gc=False):
    """The switch ended the call."""

    call: CallId
    reason: str


class CallerPulled(Struct, frozen=True, gc=False):
    """A supervisor, or another part of the switch, takes a waiting caller away."""

    call: CallId
    reason: str = "pulled"


class DigitPressed(Struct, frozen=True, gc=False):
    """A caller that waits pressed a key."""

    call: CallId
    digit: str


class CallbackAccepted(Struct, frozen=True, gc=False, kw_only=True):
    """A caller that waits will be called back."""

    call: CallId
    number: str
    windows: tuple[tuple[int, int], ...] = ()
    """When it may be called: from, until (excluded), in order; empty: at any time."""


# Agents ---------------------------------------------------------------------------------------------------


class AgentSignedOn(Struct, frozen=True, gc=False):
    """An agent begins, at a seat (which phone is rung), ready or not."""

    agent: str
    seat: str = ""
    ready: bool = True


class AgentSignedOff(Struct, frozen=True, gc=False):
    agent: str


class AgentReady(Struct, frozen=True, gc=False):
    """An agent takes calls from now on; while it wraps up or did not respond, that is over."""

    agent: str


class AgentNotReady(Struct, frozen=True, gc=False):
    agent: str
    reason: str


class WrapUpDone(Struct, frozen=True, gc=False):
    """The agent has done with the last conversation."""

    agent: str
    code: str = ""


class WrapUpCode(Struct, frozen=True, gc=False):
    """What came of the conversation, said while the agent talks or wraps up."""

    agent: str
    code: str


class ForceState(Struct, frozen=True, gc=False):
    """A supervisor sets what an agent does; if it talks, when that is over."""

    agent: str
    state: Literal["available", "not_ready", "logged_out"]
    reason: str
    by: str


class OutboundBegan(Struct, frozen=True, gc=False):
    """The agent's phone is in a call that no queue gave it."""

    agent: str


class OutboundEnded(Struct, frozen=True, gc=False):
    agent: str


class AgentLent(Struct, frozen=True, gc=False):
    """An agent who is free is wanted for work outside the queues. Refused where it is not free. The loan has a number:
    that of the stay in the state's change to `outbound`."""

    agent: str


class AgentReturned(Struct, frozen=True, gc=False, kw_only=True):
    """That work is done."""

    loan: int
    wrap_up: WrapUp | None = None
    """The time after it; None: none."""
    talked: bool = False
    """Whether it talked with somebody."""


# Phones that are rung -------------------------------------------------------------------------------------


class AgentRang(Struct, frozen=True, gc=False):
    """The agent's phone is alerting."""

    attempt: int


class AgentAnswered(Struct, frozen=True, gc=False):
    attempt: int


class AgentRefused(Struct, frozen=True, gc=False):
    """The phone will not be answered, and rings no more."""

    attempt: int
    reason: Literal["busy", "refused", "unreachable", "no_answer"]


class AgentHungUp(Struct, frozen=True, gc=False):
    """The agent is in the conversation no more: it hung up, or has transferred the caller.

    The attempt by which the conversation came about names it, here and below: what is told of one that is over does
    nothing to the next.
    """

    attempt: int
    transferred: bool = False


class AgentHeld(Struct, frozen=True, gc=False):
    attempt: int


class AgentConsulted(Struct, frozen=True, gc=False):
    """The agent asks somebody else while the caller waits."""

    attempt: int


class AgentResumed(Struct, frozen=True, gc=False):
    """Agent and caller talk again."""

    attempt: int


# Callbacks and webhooks -----------------------------------------------------------------------------------


class CallbackAnswered(Struct, frozen=True, gc=False):
    """The number that was called for an agent answered, as this call. The agent's attempt names it."""

    attempt: int
    call: CallId


class CallbackFailed(Struct, frozen=True, gc=False):
    attempt: int


class CallbackKept(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody waits to be called back since an earlier run of the engine."""

    stay: int
    queue: str
    call: CallId
    number: str
    queued_at: int
    place: tuple[int, int]
    """What orders it: its priority turned round, and the time of its arrival less its head start."""
    needs: tuple[Need, ...] = ()
    windows: tuple[tuple[int, int], ...] = ()
    dials: int = 0
    data: Mapping[str, str] = {}


class CallbackCancelled(Struct, frozen=True, gc=False):
    """Nobody need be called back any more."""

    stay: int


class WebhookAnswered(Struct, frozen=True, gc=False):
    """Who should take a caller, the best first."""

    question: int
    agents: tuple[str, ...]


class WebhookFailed(Struct, frozen=True, gc=False):
    question: int


# What is set ----------------------------------------------------------------------------------------------


class QueueSet(Struct, frozen=True, gc=False):
    """A queue is there, or other rules hold for it."""

    rules: QueueRules


class QueueRemoved(Struct, frozen=True, gc=False):
    name: str


class AgentSet(Struct, frozen=True, gc=False):
    """An agent is there, or has another profile."""

    profile: AgentProfile


class AgentRemoved(Struct, frozen=True, gc=False):
    agent: str


Input = (
    Tick
    | CallerArrived
    | CallerLeft
    | CallerDropped
    | CallerPulled
    | DigitPressed
    | CallbackAccepted
    | AgentSignedOn
    | AgentSignedOff
    | AgentReady
    | AgentNotReady
    | WrapUpDone
    | WrapUpCode
    | ForceState
    | OutboundBegan
    | OutboundEnded
    | AgentLent
    | AgentReturned
    | AgentRang
    | AgentAnswered
    | AgentRefused
    | AgentHungUp
    | AgentHeld
    | AgentConsulted
    | AgentResumed
    | CallbackAnswered
    | CallbackFailed
    | CallbackKept
    | CallbackCancelled
    | WebhookAnswered
    | WebhookFailed
    | QueueSet
    | QueueRemoved
    | AgentSet
    | AgentRemoved
)
