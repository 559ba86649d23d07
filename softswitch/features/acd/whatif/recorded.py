"""A recorded day as the engine's facts tell it, to be lived again: with another staff, other rules, or the same."""

import random
from collections.abc import Callable, Iterable, Sequence

from softswitch.events import (
    AgentReserved,
    AgentStateChanged,
    CallbackDialled,
    CallbackEnded,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
    Fact,
)
from softswitch.features.acd.model.rules import AgentProfile, QueueRules
from softswitch.features.acd.whatif.chance import Draw, sampled
from softswitch.features.acd.whatif.day import Day, PlannedCall, Shift
from softswitch.kernel.ids import CallId

_ON = frozenset({"available", "reserved", "ringing", "connected", "hold", "consult", "wrap_up", "not_responding"})
"""States of an agent who works for the queues, or could."""
_FOR_EVER = 10**9
_MOST_DIALS = 10
"""Of a callback; no queue is set to more in earnest."""


def day_of(facts: Iterable[Fact], begin: int, end: int) -> list[Fact]:
    """What a log says of a time, in order: the stays that began in it, with all that came of them, and what agents
    did in it."""
    kept: list[Fact] = []
    stays: set[int] = set()
    for fact in facts:
        if isinstance(fact, CallerQueued):
            if begin <= fact.at < end:
                stays.add(fact.stay)
                kept.append(fact)
        elif isinstance(fact, AgentStateChanged):
            if begin <= fact.at < end:
                kept.append(fact)
        elif getattr(fact, "stay", 0) in stays:
            kept.append(fact)
    return sorted(kept, key=lambda fact: fact.at)


def patience(waits: Iterable[tuple[int, bool]]) -> Draw:
    """How long callers wait before they hang up (or want to be called back), from the waits seen: how long, and whether
    it ended so.

    Those who were answered would have waited longer, nobody knows how long: the product-limit estimate (Kaplan and
    Meier, 1958) counts them for as long as they were seen. Who outlasts all that was seen never does.
    """
    ordered = sorted(waits, key=lambda each: (each[0], not each[1]))
    steps: list[tuple[float, int]] = []
    surviving = 1.0
    for number, (wait, gave_up) in enumerate(ordered):
        if gave_up:
            surviving *= 1 - 1 / (len(ordered) - number)
            steps.append((surviving, wait))

    def draw(chance: random.Random) -> int:
        level = chance.random()
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high) // 2
            if steps[middle][0] <= level:
                high = middle
            else:
                low = middle + 1
        return steps[low][1] if low < len(steps) else _FOR_EVER

    return draw


def again(
    facts: Sequence[Fact], queues: Sequence[QueueRules], agents: Sequence[AgentProfile], chance: random.Random
) -> Day:
    """The day with the same callers at the same times and the same shifts. Handling times, patience and how long
    callers wait before they would rather be called back are drawn anew from those of the day, queue by queue; rings
    last as they did, and numbers of callbacks answer as often."""
    queued = _arrivals(facts)
    left = {fact.stay: fact for fact in facts if isinstance(fact, CallerLeftQueue)}
    reserved = {(fact.stay, fact.agent): fact.at for fact in facts if isinstance(fact, AgentReserved)}
    answers = _answers(facts)
    calls: list[PlannedCall] = []
    for name in dict.fromkeys(fact.queue for fact in queued):
        stays = [left[fact.stay] for fact in queued if fact.queue == name and fact.stay in left]
        handled = [
            fact.talk_ms + fact.hold_ms for fact in facts if isinstance(fact, ConversationEnded) and fact.queue == name
        ]
        calls_back = any(stay.outcome == "callback" for stay in stays)
        handling = sampled(handled or [0])
        rings = sampled(
            [stay.at - reserved[stay.stay, stay.agent] for stay in stays if stay.outcome == "answered"] or [0]
        )
        waits = patience((stay.at - stay.queued_at, stay.outcome == "abandoned") for stay in stays)
        asked = patience((stay.at - stay.queued_at, stay.outcome == "callback") for stay in stays)
        calls += [
            PlannedCall(
                at=fact.at,
                queue=name,
                handle_ms=handling(chance),
                patience_ms=waits(chance),
                answer_ms=rings(chance),
                priority=fact.priority,
                callback_after_ms=asked(chance) if calls_back else None,
                callback_answers=tuple(answers(chance) for _ in range(_MOST_DIALS)) if calls_back else (),
            )
            for fact in queued
            if fact.queue == name
        ]
    return Day(queues=queues, agents=agents, shifts=_shifts(facts), calls=sorted(calls, key=lambda call: call.at))


def _arrivals(facts: Sequence[Fact]) -> list[CallerQueued]:
    """Who came from outside. Whom one queue sent on to another is sent on again by its rules, or not."""
    arrivals: list[CallerQueued] = []
    sent_on: dict[CallId, str] = {}
    for fact in facts:
        if isinstance(fact, CallerLeftQueue) and fact.to is not None and fact.to.kind == "queue":
            sent_on[fact.call] = fact.to.name
        elif isinstance(fact, CallerQueued) and sent_on.pop(fact.call, None) != fact.queue:
            arrivals.append(fact)
    return arrivals


def _answers(facts: Sequence[Fact]) -> Callable[[random.Random], int | None]:
    """What becomes of a callback's number when it is called: one of all that became of any."""
    dialled: dict[int, int] = {}
    seen: list[int | None] = []
    for fact in facts:
        if isinstance(fact, CallbackDialled):
            if fact.stay in dialled:
                seen.append(None)
            dialled[fact.stay] = fact.at
        elif isinstance(fact, CallbackEnded) and fact.stay in dialled:
            seen.append(fact.at - dialled[fact.stay] if fact.outcome == "connected" else None)
    return lambda chance: chance.choice(seen) if seen else None


def _shifts(facts: Sequence[Fact]) -> list[Shift]:
    """When each agent was there for callers."""
    shifts: list[Shift] = []
    since: dict[str, int] = {}
    last = facts[-1].at if facts else 0
    seen: set[str] = set()
    for fact in facts:
        if isinstance(fact, AgentStateChanged):
            if fact.agent not in seen and fact.before in _ON:
                since[fact.agent] = facts[0].at  # it was there before
            seen.add(fact.agent)
            if fact.state in _ON:
                since.setdefault(fact.agent, fact.at)
            elif (begin := since.pop(fact.agent, None)) is not None:
                shifts.append(Shift(fact.agent, begin, fact.at))
    return shifts + [Shift(agent, begin, last + 1) for agent, begin in since.items()]
