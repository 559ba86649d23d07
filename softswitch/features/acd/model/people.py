"""Agents sign on and off, are ready or not, and do what supervisors say."""

from softswitch.events import AgentState
from softswitch.features.acd.model import callbacks, conversations, rings, states
from softswitch.features.acd.model.effects import Refused
from softswitch.features.acd.model.floor import AWAY, Agent, Floor, Member
from softswitch.features.acd.model.inputs import (
    AgentHungUp,
    AgentNotReady,
    AgentReady,
    AgentRemoved,
    AgentSet,
    AgentSignedOff,
    AgentSignedOn,
    ForceState,
    OutboundBegan,
    OutboundEnded,
    QueueSet,
)


def sign_on(floor: Floor, told: AgentSignedOn) -> None:
    agent = floor.agents.get(told.agent)
    if agent is None:
        floor.out.append(Refused("no-agent", f"there is no agent {told.agent!r}"))
        return
    if agent.intent != "logged_out":
        floor.out.append(Refused("signed-on", f"{told.agent} is signed on already"))
        return
    agent.seat = told.seat
    agent.calls = agent.talk_ms = agent.missed = 0
    agent.idle_since = floor.now
    states.rested(agent)
    for member in agent.members:
        member.served = max(member.served, member.queue.served)
    agent.intent, agent.reason = ("available", "") if told.ready else ("not_ready", "signed on")
    states.settle(floor, agent)


def sign_off(floor: Floor, told: AgentSignedOff) -> None:
    _intend(floor, told.agent, "logged_out", "", "")


def ready(floor: Floor, told: AgentReady) -> None:
    _intend(floor, told.agent, "available", "", "")


def not_ready(floor: Floor, told: AgentNotReady) -> None:
    _intend(floor, told.agent, "not_ready", told.reason, "")


def force(floor: Floor, told: ForceState) -> None:
    _intend(floor, told.agent, told.state, told.reason, told.by)


def _signed_on(floor: Floor, name: str) -> Agent | None:
    """An agent who is signed on; it is not: that is told."""
    agent = floor.agents.get(name)
    if agent is None:
        floor.out.append(Refused("no-agent", f"there is no agent {name!r}"))
    elif agent.intent == "logged_out":
        floor.out.append(Refused("not-signed-on", f"{name} is not signed on"))
        return None
    return agent


def _intend(floor: Floor, name: str, intent: AgentState, reason: str, by: str) -> None:
    """What an agent is to do as soon as nothing else is under way."""
    agent = _signed_on(floor, name)
    if agent is None:
        return
    if intent == "available" and agent.intent != "available":
        agent.idle_since = floor.now
    agent.intent, agent.reason = intent, reason
    if intent != "available" and agent.attempt is not None:
        rings.withdraw(floor, agent, "forced" if by else intent)
    elif agent.activity == "not_responding":
        agent.activity, agent.missed, agent.idle_since = None, 0, floor.now
    elif agent.activity == "wrap_up" and (by or intent == "logged_out" or _may_end_wrap_up(agent)):
        conversations.end_wrap_up(floor, agent)
    if intent == "available":
        states.rested(agent)
    states.settle(floor, agent, by)


def _may_end_wrap_up(agent: Agent) -> bool:
    return agent.wraps is not None and agent.wraps.mode != "fixed"


def outbound_began(floor: Floor, told: OutboundBegan) -> None:
    agent = _signed_on(floor, told.agent)
    if agent is None:
        return
    if agent.loan:
        return  # the call is what it was lent for
    if agent.conversation is not None or agent.activity == "outbound":
        floor.out.append(Refused("talking", f"{told.agent} is in a conversation"))
        return
    if agent.attempt is not None:
        rings.withdraw(floor, agent, "outbound")
    if agent.activity == "wrap_up":
        conversations.end_wrap_up(floor, agent)
    agent.activity, agent.missed = "outbound", 0
    states.settle(floor, agent)


def outbound_ended(floor: Floor, told: OutboundEnded) -> None:
    agent = floor.agents.get(told.agent)
    if agent is not None and agent.activity == "outbound" and agent.conversation is None and not agent.loan:
        agent.activity = None
        agent.idle_since = floor.now
        states.settle(floor, agent)


def hang_up(floor: Floor, told: AgentHungUp) -> None:
    agent = floor.on_line.get(told.attempt)
    if agent is None or agent.conversation is None:
        return  # the caller was first
    if agent.conversation.dialling is not None:
        callbacks.agent_gave_up(floor, agent)
    else:
        conversations.end(floor, agent, "transferred" if told.transferred else "agent")


# What is set ----------------------------------------------------------------------------------------------


def set_agent(floor: Floor, told: AgentSet) -> None:
    agent = floor.agents.get(told.profile.id)
    if agent is None:
        agent = floor.agents[told.profile.id] = Agent(told.profile, floor.now)
    agent.profile = told.profile
    _join_queues(floor, agent)


def welcome(floor: Floor, told: QueueSet) -> None:
    """A new queue has those as members whose profiles named it before."""
    queue = floor.queues[told.rules.name]
    for agent in floor.agents.values():
        named = any(membership.queue == queue.name for membership in agent.profile.queues)
        if named and agent.id not in queue.members:
            _join_queues(floor, agent)


def _join_queues(floor: Floor, agent: Agent) -> None:
    """Make an agent's memberships what its profile says."""
    before = {member.queue.name: member for member in agent.members}
    for member in agent.members:
        _part(floor, member)
    agent.members = []
    for membership in sorted(agent.profile.queues, key=lambda each: each.rank):
        queue = floor.queues.get(membership.queue)
        if queue is None:
            continue  # until there is one
        member = Member(agent, queue, membership)
        old = before.get(queue.name)
        member.served = old.served if old is not None else queue.served
        queue.members[agent.id] = member
        queue.staffed += agent.state != "logged_out"
        queue.serving += agent.state not in AWAY
        agent.members.append(member)
    floor.gone_away[agent.id] = agent  # who waits for this agent may do so in vain now
    states.settle(floor, agent)


def _part(floor: Floor, member: Member) -> None:
    queue, agent = member.queue, member.agent
    del queue.members[agent.id]
    queue.free.pop(agent.id, None)
    queue.staffed -= agent.state != "logged_out"
    queue.serving -= agent.state not in AWAY
    floor.thinned[queue.name] = queue


def remove_agent(floor: Floor, told: AgentRemoved) -> None:
    agent = floor.agents.get(told.agent)
    if agent is None:
        floor.out.append(Refused("no-agent", f"there is no agent {told.agent!r}"))
        return
    if agent.conversation is not None or agent.activity == "outbound":
        floor.out.append(Refused("talking", f"{told.agent} is in a conversation"))
        return
    if agent.intent != "logged_out":
        _intend(floor, agent.id, "logged_out", "removed", "removal")
    for member in agent.members:
        _part(floor, member)
    agent.members = []
    agent.due.clear()
    del floor.agents[agent.id]
