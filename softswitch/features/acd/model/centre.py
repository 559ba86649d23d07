"""The contact centre as a machine: what happens comes in with its time, what is to be done goes out."""

from collections.abc import Callable
from typing import Any

from softswitch.events import RoutingStep
from softswitch.features.acd.model import (
    callbacks,
    callers,
    conversations,
    explaining,
    inputs,
    lending,
    matching,
    people,
    rings,
    states,
    stays,
)
from softswitch.features.acd.model.effects import Effect
from softswitch.features.acd.model.floor import Agent, Floor, Queue, Waiter
from softswitch.kernel.ids import CallId


class Centre:
    """Queues, agents and callers. Times are wall milliseconds; one before the last counts as the last."""

    def __init__(self, first: int = 1) -> None:
        """Stays, attempts and questions are numbered from `first` on, which must be above all of earlier runs."""
        self._floor = Floor(first)

    def step(self, now: int, told: inputs.Input) -> list[Effect]:
        """Let time go on to `now`, and take one input. Gives what is to be done, facts among it, in order.

        What was due before `now` has happened at its own time, whenever the step comes; only who goes with whom is
        decided now.
        """
        floor = self._floor
        now = max(now, floor.now)
        while (timer := floor.timers.take(now)) is not None:
            floor.now, owner, kind = timer
            _TIMERS[kind](floor, owner)
        floor.now = now
        for handler in _INPUTS[type(told)]:
            handler(floor, told)
        while floor.gone_away or floor.thinned:
            self._tidy()
        matching.match(floor)
        out, floor.out = floor.out, []
        return out

    def _tidy(self) -> None:
        """Nobody waits for an agent who is away, or, where the rules say so, in a queue that nobody serves."""
        floor = self._floor
        away, floor.gone_away = floor.gone_away, {}
        for agent in away:
            stays.prefer_no_more(floor, agent)
        thinned, floor.thinned = floor.thinned, {}
        for queue in thinned.values():
            callers.nobody_there(floor, queue)

    def deadline(self) -> int | None:
        """When the next step is due at the latest; None: nothing happens by itself."""
        return self._floor.timers.next()

    def explain(self, now: int, call: CallId) -> tuple[RoutingStep, ...]:
        """Why a caller waits: its place, and for each agent of the queue why not that one. Empty: it does not wait."""
        waiter = self._floor.waiting.get(call)
        return explaining.why_it_waits(waiter, now) if waiter is not None else ()

    def waits(self, call: CallId) -> bool:
        """Whether a caller waits."""
        return call in self._floor.waiting

    def rung_for(self, attempt: int) -> Waiter:
        """For whom an agent is reserved. Raises KeyError where it is no more."""
        return self._floor.attempts[attempt].waiter

    def callback(self, stay: int) -> Waiter | None:
        """Somebody who waits to be called back, to be looked at."""
        return self._floor.callbacks.get(stay)

    def rings(self, attempt: int) -> bool:
        """Whether an agent is reserved by an attempt, and has not answered."""
        return attempt in self._floor.attempts

    def queue(self, name: str) -> Queue | None:
        """A queue, to be looked at."""
        return self._floor.queues.get(name)

    def agent(self, name: str) -> Agent | None:
        """An agent, to be looked at."""
        return self._floor.agents.get(name)


_TIMERS: dict[str, Callable[[Floor, Any], None]] = {
    "again": stays.again,
    "announce": stays.announce,
    "due": callbacks.due,
    "overdue": stays.overdue,
    "preferred": stays.relax,
    "question": matching.later,
    "relax": stays.relax,
    "rest": states.rest_over,
    "ring": rings.ring_over,
    "step": matching.later,
    "window_over": callbacks.window_over,
    "wrap_up": conversations.wrap_up_over,
}


def _tick(floor: Floor, told: inputs.Tick) -> None:
    pass


_INPUTS: dict[type[inputs.Input], tuple[Callable[[Floor, Any], None], ...]] = {
    inputs.Tick: (_tick,),
    inputs.CallerArrived: (callers.arrive,),
    inputs.CallerLeft: (callers.hang_up,),
    inputs.CallerDropped: (callers.drop,),
    inputs.CallerPulled: (callers.pull,),
    inputs.DigitPressed: (callers.press,),
    inputs.CallbackAccepted: (callers.accept_callback,),
    inputs.CallbackCancelled: (callers.cancel_callback,),
    inputs.CallbackAnswered: (callbacks.answered,),
    inputs.CallbackFailed: (callbacks.failed,),
    inputs.CallbackKept: (callbacks.keep,),
    inputs.AgentSignedOn: (people.sign_on,),
    inputs.AgentSignedOff: (people.sign_off,),
    inputs.AgentReady: (people.ready,),
    inputs.AgentNotReady: (people.not_ready,),
    inputs.ForceState: (people.force,),
    inputs.OutboundBegan: (people.outbound_began,),
    inputs.OutboundEnded: (people.outbound_ended,),
    inputs.AgentLent: (lending.lend,),
    inputs.AgentReturned: (lending.give_back,),
    inputs.AgentHungUp: (people.hang_up,),
    inputs.AgentRang: (rings.rang,),
    inputs.AgentAnswered: (rings.answered,),
    inputs.AgentRefused: (rings.refused,),
    inputs.AgentHeld: (conversations.hold,),
    inputs.AgentConsulted: (conversations.consult,),
    inputs.AgentResumed: (conversations.resume,),
    inputs.WrapUpDone: (conversations.wrap_up_done,),
    inputs.WrapUpCode: (conversations.wrap_up_code,),
    inputs.WebhookAnswered: (matching.webhook_answered,),
    inputs.WebhookFailed: (matching.webhook_failed,),
    inputs.QueueSet: (callers.set_queue, people.welcome),
    inputs.QueueRemoved: (callers.remove_queue,),
    inputs.AgentSet: (people.set_agent,),
    inputs.AgentRemoved: (people.remove_agent,),
}
