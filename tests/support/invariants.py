"""What must hold whatever the network and the people did: findings as sentences, none when all is well."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from softswitch.events import (
    AgentStateChanged,
    CallAnswered,
    CallEnded,
    CallerLeftQueue,
    CallerQueued,
    CallFact,
    CallOffered,
    CallTraced,
    Fact,
    LegAnswered,
    LegArrived,
    LegDialed,
    LegEnded,
    LegHeld,
    LegMoved,
    LegRang,
    LegResumed,
    LegsBridged,
    TransferBegan,
    TransferCompleted,
    TransferFailed,
)
from softswitch.features.cdr.model import Cdr, record
from softswitch.features.queue_figures.model.live import Live
from softswitch.kernel.ids import CallId, LegId


def by_call(facts: Iterable[Fact]) -> dict[CallId, list[CallFact]]:
    """Each call's facts, in the order they were told."""
    calls: dict[CallId, list[CallFact]] = {}
    for fact in facts:
        if isinstance(fact, CallFact):
            calls.setdefault(fact.call, []).append(fact)
    return calls


def broken_order(facts: Sequence[CallFact]) -> list[str]:
    """What is wrong with one call's facts: each comes once where it must, and after what it follows from."""
    found = []
    if type(facts[0]) is not CallOffered:
        found.append(f"begins with {facts[0]}")
    if type(facts[-1]) is not CallEnded:
        found.append(f"ends with {facts[-1]}")
    kinds = Counter(type(fact) for fact in facts)
    found += [f"{kinds[kind]} × {kind.__name__}" for kind in (CallOffered, CallEnded, CallTraced) if kinds[kind] != 1]
    if kinds[CallAnswered] > 1:
        found.append("answered twice")
    if any(later.at < earlier.at for earlier, later in pairwise(facts)):
        found.append("time goes backwards")
    here: dict[LegId, str] = {}
    # A call of the switch's own names the leg that it will dial first as the caller's.
    awaited = facts[0].leg if isinstance(facts[0], CallOffered) and not facts[0].source else None
    answered = False
    for fact in facts:
        match fact:
            case CallOffered(leg=leg) if leg == awaited:
                pass
            case CallOffered(leg=leg) | LegDialed(leg=leg):
                if leg in here:
                    found.append(f"{leg} comes twice")
                here[leg] = "invited"
            case LegArrived(leg=leg):
                if here.get(leg) not in (None, "over"):
                    found.append(f"{leg} arrives when it is {here[leg]}")
                here[leg] = "up" if fact.up else "invited"
            case LegMoved(leg=leg):
                if here.get(leg) in (None, "over"):
                    found.append(f"{leg} moves when it is {here.get(leg, 'unknown')}")
                here[leg] = "over"
            case LegRang(leg=leg) | LegAnswered(leg=leg) | LegHeld(leg=leg) | LegResumed(leg=leg):
                if here.get(leg) not in ("invited", "rang", "up"):
                    found.append(f"{fact} of a leg that is {here.get(leg, 'unknown')}")
                elif type(fact) is LegAnswered:
                    if here[leg] == "up":
                        found.append(f"{leg} answers twice")
                    here[leg] = "up"
                elif type(fact) is LegRang and here[leg] != "invited":
                    found.append(f"{leg} rings when it is {here[leg]}")
            case CallAnswered():
                answered = True
                caller = next(iter(here))
                here[caller] = "up" if here[caller] == "invited" else here[caller]
            case LegsBridged(a=a, b=b):
                if not answered or here.get(a) == "over" or here.get(b) != "up":
                    found.append(f"bridges {a} ({here.get(a)}) and {b} ({here.get(b)}), call answered: {answered}")
            case LegEnded(leg=leg):
                if here.get(leg) in (None, "over"):
                    found.append(f"{leg} ends when it is {here.get(leg, 'unknown')}")
                here[leg] = "over"
            case CallEnded():
                left = [leg for leg, state in here.items() if state != "over"]
                if left:
                    found.append(f"ends before its legs {left}")
    return [f"{facts[0].call}: {finding}" for finding in found]


def ended_by_death(facts: Sequence[Fact], kept: Collection[CallId]) -> list[Fact]:
    """The ends of stays in queues whose calls are not kept after a death, and of what agents did, as whoever keeps the
    figures tells them."""
    begun = {fact.stay: fact for fact in facts if isinstance(fact, CallerQueued) and fact.call not in kept}
    for fact in facts:
        if isinstance(fact, CallerLeftQueue):
            begun.pop(fact.stay, None)
    died_at = facts[-1].at if facts else 0
    ends: list[Fact] = [
        CallerLeftQueue(
            at=died_at,
            call=stay.call,
            queue=stay.queue,
            stay=stay.stay,
            queued_at=stay.at,
            outcome="disconnected",
            reason="restart",
        )
        for stay in begun.values()
    ]
    agents = {fact.agent: fact for fact in facts if isinstance(fact, AgentStateChanged)}
    ends += [
        AgentStateChanged(
            at=died_at,
            agent=last.agent,
            state="logged_out",
            reason="restart",
            before=last.state,
            before_ms=died_at - last.at,
        )
        for last in agents.values()
        if last.state != "logged_out"
    ]
    return ends


def lost_legs(facts: Iterable[Fact]) -> list[str]:
    """Every leg that leaves a call arrives in the one that it went to, at once, and the other way round."""
    facts = list(facts)
    moves = [(fact.leg, fact.call, fact.to) for fact in facts if isinstance(fact, LegMoved)]
    arrivals = [(fact.leg, fact.from_call, fact.call) for fact in facts if isinstance(fact, LegArrived)]
    found = [] if moves == arrivals else [f"legs left: {moves}; legs came: {arrivals}"]
    began = Counter(fact.call for fact in facts if isinstance(fact, TransferBegan))
    settled = Counter(fact.call for fact in facts if isinstance(fact, TransferCompleted | TransferFailed))
    return found + [
        f"{call}: {began[call]} transfers began, {settled[call]} ended"
        for call in began
        if began[call] != settled[call]
    ]


def lost_callers(facts: Iterable[Fact], *, deaths: bool = False) -> list[str]:
    """In every queue and at every moment: offered = those who left, in any way, + those who wait. In the end nobody
    waits, and of an agent each state begins where the one before ended."""
    live, found = Live(), list[str]()
    for fact in facts:
        if isinstance(fact, AgentStateChanged):
            before = live.agents.get(fact.agent)
            # A process that was begun after a death has not seen how long somebody was signed off.
            away = deaths and before is not None and before.state == fact.before == "logged_out"
            if (
                before is not None
                and not away
                and (before.state, fact.at - before.since) != (fact.before, fact.before_ms)
            ):
                found.append(f"{fact} comes after {before}")
        live.hear(fact)
        if live.off_balance():
            return [*found, f"accounts of queues do not add up after {fact}"]
    return found + [
        f"stay {stay} waits in {queue.name} for ever" for queue in live.queues.values() for stay in queue.waiting
    ]


def records(facts: Iterable[Fact]) -> dict[CallId, Cdr]:
    """One record a call."""
    made = {}
    for call, its in by_call(facts).items():
        cdr = record(its)
        if cdr is not None:
            made[call] = cdr
    return made


def not_conserved(facts: Sequence[Fact]) -> list[str]:
    """offered = answered + no_answer + busy + failed + cancelled, and nothing is counted twice."""
    offered = sum(type(fact) is CallOffered for fact in facts)
    cdrs = records(facts)
    counted = Counter(cdr.disposition for cdr in cdrs.values())
    found = []
    if offered != len(cdrs) or offered != sum(counted.values()):
        found.append(f"{offered} calls offered, {len(cdrs)} records: {dict(counted)}")
    for cdr in cdrs.values():
        if not 0 <= cdr.billable_ms <= cdr.duration_ms:
            found.append(f"{cdr.call_id}: {cdr.billable_ms} ms of {cdr.duration_ms} ms are billed")
        if (cdr.answered_at is None) != (cdr.disposition != "answered"):
            found.append(f"{cdr.call_id}: {cdr.disposition}, answered at {cdr.answered_at}")
        found += [
            f"{cdr.call_id}: {talk} overlaps or lies outside of its call"
            for before, talk in pairwise([None, *cdr.talks])
            if talk is not None
            and not (before.ended_at if before else cdr.started_at) <= talk.started_at <= talk.ended_at <= cdr.ended_at
        ]
        found += [f"{leg.leg} talks longer than its call" for leg in cdr.legs if leg.talk_ms > cdr.duration_ms]
    return found
