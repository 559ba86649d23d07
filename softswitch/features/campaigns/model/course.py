"""What came of a call of ours, by its facts."""

from softswitch.events import CallEnded, CallFact, CallResult, LegAnswered, LegDialed, LegEnded, LegMoved
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId

_RESULTS: dict[Cause, CallResult] = {
    Cause.USER_BUSY: "busy",
    Cause.NO_ANSWER: "no_answer",
    Cause.NO_USER_RESPONDING: "no_answer",
}


class Course:
    """The agent's phones are rung first; the legs after its answer are the number's. It is over when the agent is out
    of it, who may have transferred whom it called."""

    def __init__(self) -> None:
        self._agents: set[LegId] = set()
        self._agent: LegId | None = None
        """By which the agent is on the line."""
        self._called: set[LegId] = set()
        self._answered_at: int | None = None
        self._gave_up = False
        self._over_at: int | None = None
        self._cause: Cause | None = None
        """Of the number's leg that ended last."""

    @property
    def is_over(self) -> bool:
        """Whether the agent is in it no more."""
        return self._over_at is not None

    def hear(self, fact: CallFact) -> None:
        """Take one more, in their order, until it is over."""
        match fact:
            case LegDialed(leg=leg):
                (self._agents if self._agent is None else self._called).add(leg)
            case LegAnswered(leg=leg) if leg in self._called:
                self._answered_at = self._answered_at or fact.at
            case LegAnswered(leg=leg) if leg in self._agents:
                self._agent = leg
            case LegEnded(leg=leg) if leg == self._agent:
                self._gave_up = fact.by_party and self._cause is None
                self._over_at = fact.at
            case LegMoved(leg=leg) if leg == self._agent:
                self._over_at = fact.at
            case LegEnded(leg=leg) if leg in self._called:
                self._cause = fact.cause
            case CallEnded():
                self._over_at = fact.at
                self._cause = self._cause or fact.cause

    def result(self) -> tuple[CallResult, int]:
        """What came of it, once it is over, and how long somebody talked with the agent: milliseconds."""
        assert self._over_at is not None
        if self._agent is None:
            return "agent_missed", 0
        if self._answered_at is not None:
            return "answered", self._over_at - self._answered_at
        if self._gave_up:
            return "cancelled", 0
        return _RESULTS.get(self._cause, "failed") if self._cause is not None else "failed", 0
