"""What stories about queues begin with, and what became of them."""

from typing import Any

from softswitch.events import AgentStateChanged, CallerLeftQueue
from softswitch.features.acd.model.inputs import AgentSignedOn
from tests.support.phones import Phone
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch


def sign_on(house: SimulatedSwitch, agent: str, seat: str) -> None:
    """An agent begins at an account's phone."""
    house.features.queues.tell(AgentSignedOn(agent, seat))
    house.features.queues._seat(agent, seat)


async def desk(house: SimulatedSwitch, *agents: str) -> list[Phone]:
    """Demo agents at their own phones, signed on; their phones."""
    accounts = {"alice": "1011", "bob": "1012", "carol": "1013"}
    phones = await registered(house, *(accounts[agent] for agent in agents))
    for agent in agents:
        sign_on(house, agent, accounts[agent])
    return phones


def facts(house: SimulatedSwitch, kind: type[Any]) -> list[Any]:
    return [fact for fact in house.facts if isinstance(fact, kind)]


def outcomes(house: SimulatedSwitch) -> list[tuple[str, str, str]]:
    """How each stay ended: queue, outcome, and agent or reason."""
    return [(fact.queue, fact.outcome, fact.agent or fact.reason) for fact in facts(house, CallerLeftQueue)]


def states(house: SimulatedSwitch, agent: str) -> list[str]:
    return [fact.state for fact in facts(house, AgentStateChanged) if fact.agent == agent]
