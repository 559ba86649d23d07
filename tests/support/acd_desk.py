"""A contact centre at one's fingertips: queues and agents in a line each, and what the engine said as it went."""

from typing import TypeVar

from softswitch.events import AgentReserved, CallerLeftQueue, Fact
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.centre import Centre
from softswitch.features.acd.model.effects import Effect, Refused, Ring
from softswitch.features.acd.model.rules import AgentProfile, Membership, QueueRules, WrapUp
from softswitch.kernel.ids import CallId

_Kind = TypeVar("_Kind")
NO_WRAP_UP = WrapUp("none")


class Desk:
    """Times are in seconds here."""

    def __init__(self, *queues: QueueRules) -> None:
        self.centre = Centre()
        self.now = 0.0
        self.said: list[Effect] = []
        for rules in queues:
            self.tell(inputs.QueueSet(rules))

    def tell(self, told: inputs.Input, at: float | None = None) -> list[Effect]:
        """One input; what comes of it, with what was due before it."""
        if at is not None:
            self.run(at)
        effects = self.centre.step(round(self.now * 1000), told)
        self.said += effects
        return effects

    def run(self, until: float) -> list[Effect]:
        """Let time pass, with a step at each deadline."""
        heard: list[Effect] = []
        while (due := self.centre.deadline()) is not None and due <= until * 1000:
            self.now = max(self.now, due / 1000)
            heard += self.centre.step(due, inputs.Tick())
        self.now = max(self.now, until)
        self.said += heard
        return heard

    def agent(
        self, name: str, *queues: str | Membership, skills: dict[str, int] | None = None, on: bool = True
    ) -> None:
        """An agent, who signs on."""
        memberships = tuple(queue if isinstance(queue, Membership) else Membership(queue=queue) for queue in queues)
        self.tell(inputs.AgentSet(AgentProfile(id=name, skills=skills or {}, queues=memberships)))
        if on:
            self.tell(inputs.AgentSignedOn(name, f"seat-{name}"))

    def arrive(self, call: str, queue: str = "sales", **about: object) -> list[Effect]:
        return self.tell(inputs.CallerArrived(call=CallId(call), queue=queue, **about))  # type: ignore[arg-type]

    def all(self, kind: type[_Kind]) -> list[_Kind]:
        """All of a kind that was said so far."""
        return [effect for effect in self.said if isinstance(effect, kind)]

    def last(self, kind: type[_Kind]) -> _Kind:
        return self.all(kind)[-1]

    def ringing(self) -> dict[str, str]:
        """Which agent rings or is reserved for which call."""
        attempts = self.centre._floor.attempts.values()
        return {attempt.agent.id: attempt.waiter.call for attempt in attempts}

    def talking(self) -> dict[str, str]:
        return {agent.id: call for call, agent in self.centre._floor.talking.items()}

    def state(self, agent: str) -> str:
        found = self.centre.agent(agent)
        assert found is not None
        return found.state

    def answer(self, agent: str) -> list[Effect]:
        """An agent picks up."""
        return self.tell(inputs.AgentAnswered(self.attempt(agent)))

    def attempt(self, agent: str) -> int:
        """The number of an agent's last attempt."""
        return next(ring.attempt for ring in reversed(self.all(Ring)) if ring.agent == agent)

    def serve(self, agent: str, seconds: float = 0.0) -> None:
        """An agent picks up, talks and hangs up."""
        self.answer(agent)
        self.run(self.now + seconds)
        self.tell(inputs.AgentHungUp(self.attempt(agent)))

    def left(self, call: str) -> CallerLeftQueue:
        """How a call's stay ended."""
        return next(fact for fact in self.all(CallerLeftQueue) if fact.call == call)

    def reserved(self, call: str) -> AgentReserved:
        return next(fact for fact in self.all(AgentReserved) if fact.of_call == call)

    def facts(self) -> list[Fact]:
        return self.all(Fact)

    def refused(self) -> str:
        return self.last(Refused).error_id


def sales(**rules: object) -> QueueRules:
    """A queue whose agents need no time after a conversation, unless it is said."""
    return QueueRules(name="sales", **{"wrap_up": NO_WRAP_UP, **rules})  # type: ignore[arg-type]
