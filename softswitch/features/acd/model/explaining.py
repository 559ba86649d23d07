"""Why a caller waits, in words."""

from softswitch.events import RoutingStep
from softswitch.features.acd.model.choosing import misfit, seconds
from softswitch.features.acd.model.floor import Member, Waiter


def why_it_waits(waiter: Waiter, now: int) -> tuple[RoutingStep, ...]:
    """The caller's place, and each agent of its queue."""
    queue = waiter.queue
    ahead = queue.ahead(waiter.key)
    place = f"number {ahead + 1} of {len(queue.order)}, has waited {seconds(now - waiter.queued_at)}"
    if waiter.attempts:
        rung = ", ".join(attempt.agent.id for attempt in waiter.attempts.values())
        place += f"; it rings at {rung}"
    elif waiter.question is not None:
        place += "; the webhook has been asked"
    elif not waiter.in_line:
        place += "; the webhook named nobody who is free, and is asked again shortly"
    steps = [RoutingStep(f"{queue.name}/place", "matched", place)]
    if not queue.members:
        steps.append(RoutingStep(f"{queue.name}/agents", "failed", "the queue has no agents"))
    steps += [
        RoutingStep(f"{queue.name}/agent/{member.agent.id}", "skipped", _why_not(member, waiter, now))
        for member in sorted(queue.members.values(), key=lambda member: member.order)
    ]
    return tuple(steps)


def _why_not(member: Member, waiter: Waiter, now: int) -> str:
    agent = member.agent
    if agent.attempt is not None and agent.attempt.waiter is waiter:
        return "is rung for it"
    if reason := misfit(member, waiter.demand):
        return reason
    if agent.state == "available":
        if agent.resting:
            return "did not answer just now, and is not rung for a while"
        return "the webhook decides"
    of = f" of {agent.attempt.waiter.queue.name}" if agent.attempt is not None else ""
    why = f" ({agent.state_reason})" if agent.state_reason else ""
    return f"{_DOES.get(agent.state, agent.state)}{of}{why} since {seconds(now - agent.since)}"


_DOES = {
    "logged_out": "is not signed on",
    "not_ready": "is not ready",
    "reserved": "is reserved for another caller",
    "ringing": "rings for another caller",
    "connected": "talks",
    "hold": "has a caller on hold",
    "consult": "asks somebody",
    "wrap_up": "wraps up",
    "not_responding": "did not answer",
    "outbound": "is in a call that no queue gave, or works for a list",
}
