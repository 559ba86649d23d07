"""Which agent takes a caller: who may at all, who is rung first, and why."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from softswitch.events import RoutingStep
from softswitch.features.acd.model.floor import Demand, Member, Queue, Waiter
from softswitch.features.acd.model.rules import Need, Strategy


def demand_of(waiter: Waiter, now: int, preferred: str, callback: bool) -> Demand:
    """What a caller asks for at this time of its wait."""
    rules = waiter.queue.rules
    levels: dict[str, int] = {}
    for need in (*rules.needs, *waiter.needs):
        levels[need.skill] = max(need.level, levels.get(need.skill, 0))
    tier, waited = 0, now - waiter.queued_at
    for step in rules.relaxation:
        if step.after_ms > waited:
            break
        tier = max(tier, step.tier)
        for need in step.needs:
            if need.skill in levels:
                levels[need.skill] = min(need.level, levels[need.skill])
    return Demand(tuple([Need(skill, levels[skill]) for skill in sorted(levels)]), tier, preferred, callback)


def fits(member: Member, demand: Demand) -> bool:
    """Whether an agent may take a caller that asks for this. A preferred agent may whatever the skills."""
    if demand.preferred:
        return member.agent.id == demand.preferred
    if member.tier > demand.tier:
        return False
    skills = member.agent.profile.skills
    return all(skills.get(need.skill, 0) >= need.level for need in demand.needs)


def misfit(member: Member, demand: Demand) -> str:
    """Why not, in words; empty: it may."""
    if demand.preferred:
        return "" if member.agent.id == demand.preferred else f"the caller waits for {demand.preferred}"
    if member.tier > demand.tier:
        return f"is of tier {member.tier}, and the queue has opened tier {demand.tier} for the caller"
    for need in demand.needs:
        level = member.agent.profile.skills.get(need.skill, 0)
        if level < need.level:
            return f"has {need.skill} {level}, and {need.level} is asked for"
    return ""


class Choice(NamedTuple):
    """Who is rung, and the reason."""

    members: Sequence[Member]
    reason: str


def choose(waiter: Waiter, candidates: Sequence[Member], now: int) -> Choice:
    """Of agents who are free and fit (one at least), whom to ring for a caller."""
    queue = waiter.queue
    strategy = queue.rules.strategy
    if waiter.demand.preferred:
        return Choice(candidates[:1], f"{candidates[0].agent.id} is the agent that the caller prefers")
    if strategy == "ring_all" and not waiter.demand.callback:
        return Choice(sorted(candidates, key=lambda member: member.order), f"all {len(candidates)} are rung")
    if strategy == "round_robin":
        member = _next_in_turn(queue, candidates)
        last = queue.rung_last
        return Choice((member,), f"next in turn after {last[1]}" if last is not None else "first in turn")
    rank, words = _RANKINGS[strategy](waiter)
    best = min(candidates, key=rank)
    return Choice((best,), words(best, now))


def _next_in_turn(queue: Queue, candidates: Sequence[Member]) -> Member:
    last = queue.rung_last
    after = [member for member in candidates if last is None or member.order > last]
    return min(after or candidates, key=lambda member: member.order)


_Rank = Callable[[Member], tuple[float, ...] | tuple[float, float, str] | tuple[float, int, str] | tuple[int, str]]
_Words = Callable[[Member, int], str]


def _longest_idle(waiter: Waiter) -> tuple[_Rank, _Words]:
    return (
        lambda member: (member.agent.idle_since, 0, member.agent.id),
        lambda member, now: f"idle for {seconds(now - member.agent.idle_since)}, longer than any",
    )


def _fewest_calls(waiter: Waiter) -> tuple[_Rank, _Words]:
    return (
        lambda member: (member.agent.calls, member.agent.idle_since, member.agent.id),
        lambda member, now: f"has taken {member.agent.calls} calls since sign-on, the fewest",
    )


def _least_talk(waiter: Waiter) -> tuple[_Rank, _Words]:
    return (
        lambda member: (member.agent.talk_ms, member.agent.idle_since, member.agent.id),
        lambda member, now: f"has talked {seconds(member.agent.talk_ms)} since sign-on, the least",
    )


def _linear(waiter: Waiter) -> tuple[_Rank, _Words]:
    return lambda member: member.order, lambda member, now: f"first in order ({member.order[0]})"


def _weighted(waiter: Waiter) -> tuple[_Rank, _Words]:
    return (
        lambda member: (member.served + 1 / member.weight, member.agent.idle_since, member.agent.id),
        lambda member, now: f"most behind the share that its weight {member.weight} gives it",
    )


def _most_skilled(waiter: Waiter) -> tuple[_Rank, _Words]:
    skills = [need.skill for need in waiter.demand.needs]

    def level(member: Member) -> int:
        return sum(member.agent.profile.skills.get(skill, 0) for skill in skills)

    return (
        lambda member: (-level(member), member.agent.idle_since, member.agent.id),
        lambda member, now: f"has {level(member)} in {', '.join(skills) or 'no skill asked for'}, the most",
    )


_RANKINGS: dict[Strategy, Callable[[Waiter], tuple[_Rank, _Words]]] = {
    "ring_all": _longest_idle,  # for callbacks, whom one agent is on the line for
    "progressive": _longest_idle,
    "longest_idle": _longest_idle,
    "fewest_calls": _fewest_calls,
    "least_talk": _least_talk,
    "linear": _linear,
    "weighted": _weighted,
    "most_skilled": _most_skilled,
    "webhook": _longest_idle,  # where the webhook did not answer
}


def why(waiter: Waiter, candidates: int, ahead: int, choice: Choice, now: int) -> tuple[RoutingStep, ...]:
    """The record of a choice."""
    queue = waiter.queue
    needs = ", ".join(f"{need.skill} {need.level}" for need in waiter.demand.needs)
    asked = f" with {needs}" if needs else ""
    tiers = f" of tiers up to {waiter.demand.tier}" if waiter.demand.tier else ""
    who = "callback" if waiter.demand.callback else "caller"
    place = "first in line" if not ahead else f"{ahead} before it wait for other agents"
    return (
        RoutingStep(f"{queue.name}/{who}", "matched", f"{place}; waited {seconds(now - waiter.queued_at)}"),
        RoutingStep(f"{queue.name}/agents", "matched", f"{candidates} of {len(queue.members)}{asked}{tiers} are free"),
        RoutingStep(f"{queue.name}/{queue.rules.strategy}", "matched", choice.reason),
    )


def seconds(ms: int) -> str:
    """Milliseconds as people read them."""
    return f"{ms / 1000:.1f} s"
