"""Agents are reserved for callers, and their phones ring."""

from collections.abc import Sequence

from softswitch.events import AgentReleased, AgentReserved, RoutingStep
from softswitch.features.acd.model import callbacks, conversations, stays
from softswitch.features.acd.model.effects import Ring, StopRinging
from softswitch.features.acd.model.floor import Agent, Attempt, Floor, Member, Waiter
from softswitch.features.acd.model.inputs import AgentAnswered, AgentRang, AgentRefused
from softswitch.features.acd.model.states import rest, settle

_SEVERAL = ("ring_all", "progressive")


def reserve(floor: Floor, waiter: Waiter, members: Sequence[Member], steps: tuple[RoutingStep, ...]) -> None:
    """Take agents for a caller, so that nobody else gets them, and ring."""
    queue = waiter.queue
    rules = queue.rules
    queue.step_out(waiter)
    floor.unmatched.pop(waiter.stay, None)
    if waiter.demand.callback:
        queue.callbacks_at_once += 1
        queue.live_since_callback = 0
    elif not waiter.attempts:
        queue.live_since_callback += 1
    for member in members:
        agent = member.agent
        attempt = Attempt(floor.number(), agent, waiter)
        waiter.attempts[attempt.id] = floor.attempts[attempt.id] = agent.attempt = attempt
        agent.activity = "reserved"
        floor.out.append(
            AgentReserved(
                at=floor.now,
                queue=queue.name,
                stay=waiter.stay,
                of_call=waiter.call,
                agent=agent.id,
                attempt=attempt.id,
                steps=steps,
                number=waiter.number,
                attached=waiter.data,
            )
        )
        settle(floor, agent)
        floor.out.append(Ring(attempt.id, agent.id, agent.seat, waiter.call, waiter.demand.callback))
        floor.timers.set(floor.now + rules.ring_ms, attempt, "ring")
        queue.rung_last = member.order
    if rules.strategy in _SEVERAL and not waiter.demand.callback and not waiter.demand.preferred:
        queue.joinable[waiter.stay] = waiter
        if rules.strategy == "progressive":
            floor.timers.set(floor.now + rules.step_ms, waiter, "step")


def rang(floor: Floor, told: AgentRang) -> None:
    attempt = floor.attempts.get(told.attempt)
    if attempt is not None:
        attempt.agent.activity = "ringing"
        settle(floor, attempt.agent)


def answered(floor: Floor, told: AgentAnswered) -> None:
    attempt = floor.attempts.get(told.attempt)
    if attempt is None:  # the caller has gone, another was faster, the time was up: in the same moment
        floor.out.append(StopRinging(told.attempt))
        return
    waiter, agent, queue = attempt.waiter, attempt.agent, attempt.waiter.queue
    _forget(floor, attempt)
    agent.missed = 0
    member = queue.members.get(agent.id)
    if member is not None and queue.rules.strategy == "weighted":
        member.served = max(member.served, queue.served) + 1 / member.weight
        queue.served = max(queue.served, min(each.served for each in queue.members.values()))
    for other in list(waiter.attempts.values()):
        release(floor, other, "answered_elsewhere")
    if waiter.stay in floor.callbacks:
        stays.step_aside(floor, waiter)
        conversations.begin_dialling(floor, agent, waiter, attempt.id)
        return
    stays.leave(floor, waiter, "answered", agent=agent.id)
    queue.expected.answered(
        floor.now, queue.serving, bool(queue.waiting), waiter.expected_ms, floor.now - waiter.queued_at
    )
    conversations.begin(floor, agent, waiter, attempt.id, waiter.call)


def refused(floor: Floor, told: AgentRefused) -> None:
    attempt = floor.attempts.get(told.attempt)
    if attempt is not None:
        _failed(floor, attempt, told.reason)


def ring_over(floor: Floor, attempt: Attempt) -> None:
    """It has rung as long as it should."""
    floor.out.append(StopRinging(attempt.id))
    _failed(floor, attempt, "no_answer")


def _failed(floor: Floor, attempt: Attempt, reason: str) -> None:
    """The agent did not answer: it is left alone for a while, or until it says that it is there."""
    waiter, agent, rules = attempt.waiter, attempt.agent, attempt.waiter.queue.rules
    _forget(floor, attempt)
    agent.activity = None
    if reason == "no_answer" and rules.strategy not in _SEVERAL:
        agent.missed += 1
        if agent.missed >= rules.missed_most:
            agent.activity = "not_responding"
    if agent.activity is None:
        rest(floor, agent, rules.rest_ms)
    _tell_released(floor, attempt, reason)
    settle(floor, agent)
    _take_back(floor, waiter)


def release(floor: Floor, attempt: Attempt, reason: str) -> None:
    """Let an agent go whose phone rings, without fault of its own; the caller stays where it is."""
    floor.out.append(StopRinging(attempt.id, answered_elsewhere=reason == "answered_elsewhere"))
    _forget(floor, attempt)
    attempt.agent.activity = None
    _tell_released(floor, attempt, reason)
    settle(floor, attempt.agent)


def withdraw(floor: Floor, agent: Agent, reason: str) -> None:
    """An agent who is reserved is to do something else: its caller goes to the next."""
    attempt = agent.attempt
    assert attempt is not None
    floor.out.append(StopRinging(attempt.id))
    _forget(floor, attempt)
    agent.activity = None
    _tell_released(floor, attempt, reason)
    _take_back(floor, attempt.waiter)


def let_go(floor: Floor, waiter: Waiter, reason: str) -> None:
    """Nobody need ring for a caller any more."""
    for attempt in list(waiter.attempts.values()):
        release(floor, attempt, reason)


def _take_back(floor: Floor, waiter: Waiter) -> None:
    if waiter.attempts:
        return
    if waiter.overdue:
        stays.overflow(floor, waiter, "time")
    elif waiter.stay in floor.callbacks:
        callbacks.take_back(floor, waiter)
    else:
        stays.line_up(floor, waiter)


def _forget(floor: Floor, attempt: Attempt) -> None:
    waiter = attempt.waiter
    attempt.due.clear()
    attempt.agent.attempt = None
    del floor.attempts[attempt.id]
    del waiter.attempts[attempt.id]
    if not waiter.attempts:
        waiter.queue.joinable.pop(waiter.stay, None)
        waiter.due.pop("step", None)
    if waiter.stay in floor.callbacks:
        callbacks.ease(floor, waiter)


def _tell_released(floor: Floor, attempt: Attempt, reason: str) -> None:
    waiter = attempt.waiter
    floor.out.append(
        AgentReleased(
            at=floor.now,
            queue=waiter.queue.name,
            stay=waiter.stay,
            of_call=waiter.call,
            agent=attempt.agent.id,
            attempt=attempt.id,
            reason=reason,
        )
    )
