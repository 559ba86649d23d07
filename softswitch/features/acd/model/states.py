"""What an agent does, told whenever it changes."""

from softswitch.events import AgentState, AgentStateChanged
from softswitch.features.acd.model.floor import AWAY, Agent, Floor


def settle(floor: Floor, agent: Agent, by: str = "") -> None:
    """Tell what an agent does now, if it is another thing, and let it be found by callers, or no more."""
    state: AgentState = agent.activity or agent.intent
    reason = agent.reason if state in ("not_ready", "logged_out") else ""
    before = agent.state
    if state != before or reason != agent.state_reason:
        queue, stay = _serves(agent)
        floor.out.append(
            AgentStateChanged(
                at=floor.now,
                agent=agent.id,
                state=state,
                reason=reason,
                before=before,
                before_ms=floor.now - agent.since,
                queue=queue,
                stay=stay,
                by=by,
            )
        )
        agent.state, agent.state_reason, agent.since = state, reason, floor.now
        staffed = (state != "logged_out") - (before != "logged_out")
        serving = (state not in AWAY) - (before not in AWAY)
        if staffed or serving:
            for member in agent.members:
                member.queue.staffed += staffed
                member.queue.serving += serving
                if staffed < 0:
                    floor.thinned[member.queue.name] = member.queue
            if serving < 0:
                floor.gone_away[agent.id] = agent
    if state == "available" and not agent.resting:
        for member in agent.members:
            member.queue.free[agent.id] = member
        floor.freed[agent.id] = agent
    else:
        floor.freed.pop(agent.id, None)
        if before == "available":
            for member in agent.members:
                member.queue.free.pop(agent.id, None)


def rest(floor: Floor, agent: Agent, ms: int) -> None:
    """Do not ring an agent for a while. Whoever calls settles it."""
    agent.resting = True
    floor.timers.set(floor.now + ms, agent, "rest")


def rested(agent: Agent) -> None:
    """And ring it again. Whoever calls settles it."""
    agent.due.pop("rest", None)
    agent.resting = False


def rest_over(floor: Floor, agent: Agent) -> None:
    """The time is up."""
    rested(agent)
    settle(floor, agent)


def _serves(agent: Agent) -> tuple[str, int]:
    """For which queue an agent does what it does, and for which stay."""
    if agent.attempt is not None:
        return agent.attempt.waiter.queue.name, agent.attempt.waiter.stay
    if agent.conversation is not None:
        return agent.conversation.queue.name, agent.conversation.stay
    return agent.wrap_queue.name if agent.wrap_queue is not None else "", agent.loan or agent.wrap_stay
