"""What agents and callers do on the telephone, as the engine is told of it: hold, consultation, transfer, the end.

All of it is read from the facts of calls, whoever made them so: a phone's keys, its buttons, or an administrator.
"""

from collections.abc import Callable, Sequence

from softswitch.events import (
    Fact,
    LegEnded,
    LegHeld,
    LegMoved,
    LegResumed,
    LegsBridged,
    LegsMixed,
    TransferBegan,
    TransferCompleted,
    TransferFailed,
)
from softswitch.feature import Handler, hears
from softswitch.features.acd.model.inputs import (
    AgentConsulted,
    AgentHeld,
    AgentHungUp,
    AgentResumed,
    CallerDropped,
    CallerLeft,
    Input,
)
from softswitch.kernel.ids import CallId, LegId


class Talk:
    """An agent who answered, and whom for."""

    __slots__ = (
        "agent", "agent_at", "agent_leg", "attempt", "beside", "call", "caller_at", "caller_leg", "held",
        "transferring",
    )  # fmt: skip

    def __init__(self, attempt: int, agent: str, call: CallId, caller_leg: LegId, agent_leg: LegId) -> None:
        self.attempt = attempt
        self.agent = agent
        self.call = self.caller_at = self.agent_at = call
        """By this name the engine knows the caller, wherever its leg may go."""
        self.caller_leg = caller_leg
        self.agent_leg = agent_leg
        self.held = False
        self.beside: frozenset[LegId] = frozenset()
        """By which legs the agent is in another call, to ask somebody."""
        self.transferring = False
        """Whether the agent has sent the caller on, and nobody there has answered yet."""


class Talks:
    """All of them."""

    def __init__(self, happened: Callable[[Input], None], free: Callable[[str], None]) -> None:
        """`free` is told of an agent whose leg does something that is no queue's any more."""
        self._happened = happened
        self._free = free
        self._talks: dict[LegId, Talk] = {}
        """By both legs."""
        self._by_agent: dict[str, Talk] = {}
        self._over_by: set[LegId] = set()
        """Legs of agents whose talk is over."""
        self._ours: dict[LegId, str] = {}
        """Whose each leg of an agent is, also when its talk is over and it has not hung up yet."""

    def subscriptions(self) -> Sequence[tuple[type[Fact], Handler]]:
        """What must be heard for this."""
        return (
            hears(LegHeld, self._held),
            hears(LegResumed, self._resumed),
            hears(LegMoved, self._moved),
            hears(LegEnded, self._ended),
            hears(LegsBridged, self._goes_on),
            hears(LegsMixed, self._goes_on),
            hears(TransferBegan, self._began),
            hears(TransferCompleted, self._completed),
            hears(TransferFailed, self._failed),
        )

    def __bool__(self) -> bool:
        """Whether there is one, or an agent has not hung up after one."""
        return bool(self._talks or self._ours or self._over_by)

    def answered(self, attempt: int, agent: str, call: CallId, caller_leg: LegId, agent_leg: LegId) -> None:
        """An agent is on the line for a caller."""
        talk = Talk(attempt, agent, call, caller_leg, agent_leg)
        self._talks[caller_leg] = self._talks[agent_leg] = self._by_agent[agent] = talk
        self._ours[agent_leg] = agent

    def beside(self, agent: str, legs: frozenset[LegId]) -> bool:
        """By which legs an agent is in calls that no queue gave it; whether it is in a conversation, and they belong to
        that."""
        talk = self._by_agent.get(agent)
        if talk is None:
            return False
        asked, talk.beside = talk.beside, legs
        if bool(asked) != bool(legs) and talk.caller_at == talk.agent_at and not talk.transferring:
            now = AgentConsulted if legs else AgentHeld if talk.held else AgentResumed
            self._happened(now(talk.attempt))
        return True

    def sits(self, leg: LegId, agent: str) -> None:
        """An agent is on the line by a leg, and whom for is not there yet."""
        self._ours[leg] = agent

    def has(self, leg: LegId) -> bool:
        """Whether an agent is on the line by a leg because of a queue."""
        return leg in self._ours

    def _over(self, talk: Talk, told: Input, *, transferred: bool = False) -> None:
        del self._talks[talk.caller_leg], self._talks[talk.agent_leg], self._by_agent[talk.agent]
        self._over_by.add(talk.agent_leg)
        if transferred:  # the call in which somebody was asked ends with it, if only in a moment
            self._ours.update(dict.fromkeys(talk.beside, talk.agent))
            self._over_by |= talk.beside
        self._happened(told)
        if talk.beside and not transferred:
            self._free(talk.agent)

    def _held(self, fact: LegHeld) -> None:
        talk = self._talks.get(fact.leg)
        if talk is not None and fact.leg == talk.agent_leg:
            talk.held = True
            if talk.caller_at == talk.agent_at and not talk.beside:
                self._happened(AgentHeld(talk.attempt))

    def _resumed(self, fact: LegResumed) -> None:
        talk = self._talks.get(fact.leg)
        if talk is not None and fact.leg == talk.agent_leg:
            talk.held = False
            if talk.caller_at == talk.agent_at and not talk.transferring and not talk.beside:
                self._happened(AgentResumed(talk.attempt))

    def _moved(self, fact: LegMoved) -> None:
        talk = self._talks.get(fact.leg)
        if talk is None:
            return
        if fact.leg == talk.agent_leg:
            talk.agent_at = fact.to
        else:
            talk.caller_at = fact.to
        if talk.agent_at == talk.caller_at:  # back from a consultation, or all three talk
            self._happened(AgentResumed(talk.attempt))
        elif fact.leg == talk.agent_leg:
            self._happened(AgentConsulted(talk.attempt))
        else:
            self._hung_up(talk, transferred=True)

    def _ended(self, fact: LegEnded) -> None:
        self._ours.pop(fact.leg, None)
        talk = self._talks.get(fact.leg)
        if talk is None:
            self._over_by.discard(fact.leg)
            return
        if fact.leg == talk.agent_leg:
            self._hung_up(talk, transferred=talk.transferring or talk.caller_at != talk.call)
            self._over_by.discard(fact.leg)
            return
        if fact.by_party:
            self._over(talk, CallerLeft(talk.call))
        else:
            self._over(talk, CallerDropped(talk.call, fact.cause.name.lower()))

    def _hung_up(self, talk: Talk, *, transferred: bool) -> None:
        self._over(talk, AgentHungUp(talk.attempt, transferred), transferred=transferred)

    # Transfers --------------------------------------------------------------------------------------------

    def _began(self, fact: TransferBegan) -> None:
        talk = self._talks.get(fact.by) if fact.by is not None else None
        if talk is not None and fact.by == talk.agent_leg and fact.kind == "blind":
            talk.transferring = True
            self._happened(AgentConsulted(talk.attempt))

    def _failed(self, fact: TransferFailed) -> None:
        talk = self._talks.get(fact.by) if fact.by is not None else None
        if talk is not None and fact.by == talk.agent_leg:
            talk.transferring = False
            self._happened(AgentResumed(talk.attempt))

    def _completed(self, fact: TransferCompleted) -> None:
        talk = self._talks.get(fact.by) if fact.by is not None else None
        if talk is None:
            return
        if fact.by == talk.agent_leg:
            self._hung_up(talk, transferred=True)
        else:  # the agent was sent on, and the caller is let go
            self._over(talk, CallerLeft(talk.call))

    def _goes_on(self, fact: LegsBridged | LegsMixed) -> None:
        """Whoever has nothing to do with a caller any more, and talks with somebody else by the same leg."""
        if not self._over_by:
            return
        for leg in (fact.a, fact.b) if isinstance(fact, LegsBridged) else fact.legs:
            if leg in self._over_by and leg in self._ours:
                self._over_by.discard(leg)
                self._free(self._ours.pop(leg))
