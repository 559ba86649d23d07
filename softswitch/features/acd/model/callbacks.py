"""People who asked to be called back: their place is kept, an agent takes the line, and then their number is called."""

from typing import Literal

from softswitch.events import CallbackEnded
from softswitch.features.acd.model import conversations, stays
from softswitch.features.acd.model.effects import DropAgent, Refused, StopCallback
from softswitch.features.acd.model.floor import Agent, Floor, Waiter
from softswitch.features.acd.model.inputs import CallbackAnswered, CallbackFailed, CallbackKept
from softswitch.features.acd.model.states import rest, settle


def schedule(floor: Floor, waiter: Waiter, earliest: int) -> None:
    """Let a callback take its place in line as soon as it may; without any window left it is over."""
    windows = waiter.windows or ((earliest, _NEVER),)
    window = next(((begin, end) for begin, end in windows if end > earliest and end > begin), None)
    if window is None:
        _finish(floor, waiter, "expired")
        return
    begin, end = max(window[0], earliest), window[1]
    if begin > floor.now:
        floor.timers.set(begin, waiter, "due")
        return
    if end != _NEVER:
        floor.timers.set(end, waiter, "window_over")
    stays.enter(floor, waiter)


_NEVER = 2**63


def due(floor: Floor, waiter: Waiter) -> None:
    schedule(floor, waiter, floor.now)


def window_over(floor: Floor, waiter: Waiter) -> None:
    """The number may not be called now. What is under way goes on."""
    if waiter.in_line:
        take_back(floor, waiter)


def take_back(floor: Floor, waiter: Waiter) -> None:
    """No agent is on the line for it any more: into its place again, if it may still be called now."""
    stays.step_aside(floor, waiter)
    schedule(floor, waiter, floor.now)


def keep(floor: Floor, told: CallbackKept) -> None:
    """It takes the place again that it had before."""
    queue = floor.queues.get(told.queue)
    if queue is None:
        floor.out.append(Refused("no-queue", f"there is no queue {told.queue!r}"))
        return
    waiter = Waiter(told.call, queue, told.stay, told.number, told.queued_at)
    waiter.key = (*told.place, told.stay)
    waiter.needs, waiter.windows, waiter.dials, waiter.data = told.needs, told.windows, told.dials, told.data
    floor.callbacks[told.stay] = waiter
    schedule(floor, waiter, floor.now)


def answered(floor: Floor, told: CallbackAnswered) -> None:
    agent = _on_line(floor, told.attempt)
    if agent is None:  # in the same moment the agent hung up, or it was cancelled
        floor.out.append(StopCallback(told.attempt))
        return
    waiter, attempt = _dialled(floor, agent)
    _finish(floor, waiter, "connected", agent.id)
    conversations.begin(floor, agent, waiter, attempt, told.call)


def failed(floor: Floor, told: CallbackFailed) -> None:
    agent = _on_line(floor, told.attempt)
    if agent is None:
        return
    waiter, attempt = _dialled(floor, agent)
    floor.out.append(DropAgent(attempt, agent.id))
    agent.activity = None
    settle(floor, agent)
    if waiter.dials >= waiter.queue.rules.callback.attempts:
        _finish(floor, waiter, "failed")
    else:
        schedule(floor, waiter, floor.now + waiter.queue.rules.callback.retry_ms)


def agent_gave_up(floor: Floor, agent: Agent) -> None:
    """The agent hung up before the number answered, which is not the number's fault."""
    waiter, attempt = _dialled(floor, agent)
    floor.out.append(StopCallback(attempt))
    waiter.dials -= 1
    agent.activity = None
    rest(floor, agent, waiter.queue.rules.rest_ms)
    settle(floor, agent)
    schedule(floor, waiter, floor.now)


def cancel(floor: Floor, waiter: Waiter) -> None:
    """Nobody need be called back. No agent may be reserved for it any more."""
    agent = floor.dialling.get(waiter.stay)
    if agent is not None:
        _, attempt = _dialled(floor, agent)
        floor.out += [StopCallback(attempt), DropAgent(attempt, agent.id)]
        agent.activity = None
        settle(floor, agent)
    _finish(floor, waiter, "cancelled")


def ease(floor: Floor, waiter: Waiter) -> None:
    """An agent less is busy with callbacks."""
    waiter.queue.callbacks_at_once -= 1
    floor.eased[waiter.queue.name] = waiter.queue


def _on_line(floor: Floor, attempt: int) -> Agent | None:
    """Who is on the line while a number is called."""
    agent = floor.on_line.get(attempt)
    if agent is None or agent.conversation is None or agent.conversation.dialling is None:
        return None
    return agent


def _dialled(floor: Floor, agent: Agent) -> tuple[Waiter, int]:
    """The agent is on the line for it no more; whom it was for, and by which attempt."""
    talk = agent.conversation
    assert talk is not None and talk.dialling is not None
    agent.conversation = None
    del floor.dialling[talk.stay], floor.on_line[talk.attempt]
    ease(floor, talk.dialling)
    return talk.dialling, talk.attempt


def _finish(
    floor: Floor, waiter: Waiter, outcome: Literal["connected", "failed", "expired", "cancelled"], agent: str = ""
) -> None:
    stays.step_aside(floor, waiter)
    waiter.due.clear()
    del floor.callbacks[waiter.stay]
    floor.out.append(
        CallbackEnded(
            at=floor.now,
            queue=waiter.queue.name,
            stay=waiter.stay,
            outcome=outcome,
            attempts=waiter.dials,
            agent=agent,
        )
    )
