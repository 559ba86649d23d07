"""An agent is lent to work outside the queues: a list that calls people, say. Who lends it is sure to have it alone."""

from softswitch.features.acd.model import conversations
from softswitch.features.acd.model.effects import Refused
from softswitch.features.acd.model.floor import Floor
from softswitch.features.acd.model.inputs import AgentLent, AgentReturned
from softswitch.features.acd.model.rules import WrapUp
from softswitch.features.acd.model.states import settle


def lend(floor: Floor, told: AgentLent) -> None:
    """Taken in one step, as for a caller: who is free is nobody else's before and after."""
    agent = floor.agents.get(told.agent)
    if agent is None:
        floor.out.append(Refused("no-agent", f"there is no agent {told.agent!r}"))
    elif agent.state != "available" or agent.resting:
        floor.out.append(Refused("not-available", f"{told.agent} is not free"))
    else:
        agent.loan = floor.number()
        floor.loans[agent.loan] = agent
        agent.activity, agent.missed, agent.wrap_code = "outbound", 0, ""
        settle(floor, agent)


def give_back(floor: Floor, told: AgentReturned) -> None:
    agent = floor.loans.pop(told.loan, None)
    if agent is None:
        return  # it was given back before
    agent.loan = 0
    if told.talked:
        agent.calls += 1
    wraps = WrapUp("none") if agent.intent == "logged_out" or told.wrap_up is None else told.wrap_up
    conversations.begin_wrap_up(floor, agent, wraps, None, told.loan)
    settle(floor, agent)
