"""Callers come, press keys and go."""

from softswitch.events import CallbackRequested, CallerQueued
from softswitch.features.acd.model import callbacks, conversations, rings, stays
from softswitch.features.acd.model.choosing import demand_of, fits
from softswitch.features.acd.model.effects import OfferCallback, Refused, SendOn
from softswitch.features.acd.model.floor import AWAY, Floor, Queue, Waiter
from softswitch.features.acd.model.inputs import (
    CallbackAccepted,
    CallbackCancelled,
    CallerArrived,
    CallerDropped,
    CallerLeft,
    CallerPulled,
    DigitPressed,
    QueueRemoved,
    QueueSet,
)


def arrive(floor: Floor, told: CallerArrived) -> None:
    queue = floor.queues.get(told.queue)
    if queue is None:
        floor.out.append(Refused("no-queue", f"there is no queue {told.queue!r}"))
        return
    if told.call in floor.waiting:
        floor.out.append(Refused("waiting-already", f"the call {told.call} waits in a queue already"))
        return
    if (agent := floor.talking.get(told.call)) is not None:
        conversations.end(floor, agent, "transferred")  # the agent sent it here
    again = bool(told.stay)
    waiter = Waiter(told.call, queue, told.stay or floor.number(), told.number, told.queued_at if again else floor.now)
    head_start = told.score * queue.rules.point_ms + told.waited_ms
    waiter.key = (-told.priority, waiter.queued_at - head_start, waiter.stay)
    waiter.needs, waiter.waited_ms, waiter.data = told.needs, told.waited_ms, told.data
    waiter.preferred, waiter.preferred_until = told.preferred, floor.now + queue.rules.preferred_ms
    ahead, at_once = queue.ahead(waiter.key), _at_once(floor, waiter)
    waiter.expected_ms = 0 if at_once else queue.expected.wait(ahead, queue.serving)
    refusal = "" if again else _refusal(waiter, told.open, at_once, ahead)
    queue.waiting[waiter.stay] = floor.waiting[told.call] = waiter
    queue.tally.offered += 1
    if not again:
        floor.out.append(
            CallerQueued(
                at=floor.now,
                call=told.call,
                queue=queue.name,
                stay=waiter.stay,
                number=told.number,
                skills=tuple(sorted({need.skill for need in (*queue.rules.needs, *told.needs)})),
                priority=told.priority,
                head_start_ms=head_start,
                ahead=ahead,
                expected_ms=waiter.expected_ms,
            )
        )
    if refusal:
        stays.overflow(floor, waiter, refusal)
    else:
        stays.enter(floor, waiter)


def _at_once(floor: Floor, waiter: Waiter) -> bool:
    """Whether an agent is free for a caller that comes."""
    preferred = floor.agents.get(waiter.preferred)
    alone = preferred is not None and preferred.state not in AWAY and preferred.id in waiter.queue.members
    demand = demand_of(waiter, floor.now, waiter.preferred if alone and waiter.queue.rules.preferred_ms else "", False)
    return any(fits(member, demand) for member in waiter.queue.free.values())


def _refusal(waiter: Waiter, is_open: bool, at_once: bool, ahead: int) -> str:
    """Why a caller may not wait; empty: it may."""
    queue, rules = waiter.queue, waiter.queue.rules
    if not is_open:
        return "closed"
    if rules.when_empty == "overflow" and not queue.staffed:
        return "no_agents"
    if at_once:
        return ""
    if rules.capacity is not None and len(queue.waiting) >= rules.capacity:
        return "full"
    if rules.length_most is not None and ahead >= rules.length_most:
        return "length"
    expected = waiter.expected_ms
    if rules.expected_most_ms is not None and expected is not None and expected > rules.expected_most_ms:
        return "expected"
    return ""


def hang_up(floor: Floor, told: CallerLeft) -> None:
    waiter = floor.waiting.get(told.call)
    if waiter is not None:
        rings.let_go(floor, waiter, "caller_left")
        stays.leave(floor, waiter, "abandoned")
    elif (agent := floor.talking.get(told.call)) is not None:
        conversations.end(floor, agent, "caller")


def drop(floor: Floor, told: CallerDropped) -> None:
    waiter = floor.waiting.get(told.call)
    if waiter is not None:
        rings.let_go(floor, waiter, "disconnected")
        stays.leave(floor, waiter, "disconnected", told.reason)
    elif (agent := floor.talking.get(told.call)) is not None:
        conversations.end(floor, agent, "disconnected")


def pull(floor: Floor, told: CallerPulled) -> None:
    waiter = floor.waiting.get(told.call)
    if waiter is None:
        floor.out.append(Refused("not-waiting", f"the call {told.call} waits in no queue"))
        return
    rings.let_go(floor, waiter, told.reason)
    stays.leave(floor, waiter, "overflowed", told.reason)


def press(floor: Floor, told: DigitPressed) -> None:
    """A key that means nothing is no fault: it is passed over."""
    waiter = floor.waiting.get(told.call)
    if waiter is None:
        return
    rules, reason = waiter.queue.rules, f"digit {told.digit}"
    if told.digit == rules.callback_digit:
        floor.out.append(OfferCallback(told.call))
    elif reason in rules.exits:
        rings.let_go(floor, waiter, "caller_left")
        stays.overflow(floor, waiter, reason)


def accept_callback(floor: Floor, told: CallbackAccepted) -> None:
    """The caller goes, and keeps its place."""
    waiter = floor.waiting.get(told.call)
    if waiter is None:
        floor.out.append(Refused("not-waiting", f"the call {told.call} waits in no queue"))
        return
    rings.let_go(floor, waiter, "callback")
    stays.leave(floor, waiter, "callback")
    floor.out.append(CallbackRequested(at=floor.now, queue=waiter.queue.name, stay=waiter.stay, number=told.number))
    floor.out.append(SendOn(told.call, None, "callback", floor.now - waiter.queued_at + waiter.waited_ms))
    back = Waiter(told.call, waiter.queue, waiter.stay, told.number, waiter.queued_at)
    back.key, back.needs, back.windows, back.data = waiter.key, waiter.needs, told.windows, waiter.data
    floor.callbacks[back.stay] = back
    callbacks.schedule(floor, back, floor.now)


def cancel_callback(floor: Floor, told: CallbackCancelled) -> None:
    waiter = floor.callbacks.get(told.stay)
    if waiter is None:
        floor.out.append(Refused("no-callback", f"nobody waits to be called back for stay {told.stay}"))
        return
    rings.let_go(floor, waiter, "caller_left")
    callbacks.cancel(floor, waiter)


def nobody_there(floor: Floor, queue: Queue) -> None:
    """The last agent may have signed off."""
    if queue.rules.when_empty == "overflow" and not queue.staffed:
        for waiter in list(queue.waiting.values()):
            rings.let_go(floor, waiter, "no_agents")
            stays.overflow(floor, waiter, "no_agents")


def set_queue(floor: Floor, told: QueueSet) -> None:
    queue = floor.queues.get(told.rules.name)
    if queue is None:
        floor.queues[told.rules.name] = Queue(told.rules)
        return
    queue.rules = told.rules
    floor.thinned[queue.name] = floor.eased[queue.name] = queue
    for waiter in [*queue.waiting.values(), *floor.callbacks.values()]:
        if waiter.queue is queue:
            stays.go_by_rules(floor, waiter)
            if waiter.in_line:
                stays.line_up(floor, waiter)


def remove_queue(floor: Floor, told: QueueRemoved) -> None:
    """Callers are sent on, callbacks are over; conversations go on."""
    queue = floor.queues.pop(told.name, None)
    if queue is None:
        floor.out.append(Refused("no-queue", f"there is no queue {told.name!r}"))
        return
    for waiter in list(queue.waiting.values()):
        rings.let_go(floor, waiter, "removed")
        stays.overflow(floor, waiter, "removed")
    for waiter in list(floor.callbacks.values()):
        if waiter.queue is queue:
            rings.let_go(floor, waiter, "removed")
            callbacks.cancel(floor, waiter)
    for member in queue.members.values():
        member.agent.members.remove(member)
