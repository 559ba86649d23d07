"""A day as it is to be simulated, and the driver that lives it: the engine cannot tell it from a real one."""

import heapq
from collections.abc import Sequence

from msgspec import Struct

from softswitch.events import CallbackDialled, CallbackEnded, CallerLeftQueue, Fact
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.centre import Centre
from softswitch.features.acd.model.effects import (
    Connect,
    DialCallback,
    Ring,
    SendOn,
    StopRinging,
)
from softswitch.features.acd.model.rules import AgentProfile, Need, QueueRules
from softswitch.kernel.ids import CallId


class PlannedCall(Struct, frozen=True, gc=False, kw_only=True):
    """One caller. Times are wall milliseconds."""

    at: int
    queue: str
    handle_ms: int
    """How long it will talk with an agent."""
    patience_ms: int | None = None
    """How long it waits before it hangs up; None: for ever."""
    answer_ms: int = 0
    """How long the agent's phone will ring."""
    priority: int = 0
    score: int = 0
    needs: tuple[Need, ...] = ()
    callback_after_ms: int | None = None
    """How long it waits before it would rather be called back; None: it would not."""
    callback_answers: tuple[int | None, ...] = ()
    """Of each time that its number is called: how long it rings until somebody answers; None, or beyond the last:
    nobody does."""


class Shift(Struct, frozen=True, gc=False):
    """An agent is signed on from `begin` until `end`."""

    agent: str
    begin: int
    end: int


class Day(Struct, frozen=True, kw_only=True):
    """All that is given."""

    queues: Sequence[QueueRules]
    agents: Sequence[AgentProfile]
    shifts: Sequence[Shift]
    calls: Sequence[PlannedCall]


_SIGN_ON, _SIGN_OFF, _ARRIVE, _GIVE_UP, _ANSWER, _HANG_UP, _MOVE, _ASK_BACK, _CALLED = range(9)
"""What happens, in the order in which it does within one millisecond."""
RINGS_MS = 30_000
"""How long the number of a callback rings where nobody answers."""
_PATIENCE_MS = 3_600_000
"""So long after the last thing from outside the engine may go on by itself: agents wrap up and take who waits."""


def live(day: Day) -> list[Fact]:
    """Live the day through, until all have gone who came. Who still waits when the last shift has ended and nothing
    more can happen is disconnected, and whom nobody could call back is not called. Webhooks do not answer: they are not
    simulated."""
    return _Driver(day).run()


class _Driver:
    def __init__(self, day: Day) -> None:
        self._centre = Centre()
        self._facts: list[Fact] = []
        self._heap: list[tuple[int, int, int, object]] = []
        self._count = 0
        self._now = min([call.at for call in day.calls] + [shift.begin for shift in day.shifts], default=0)
        self._outside = self._now
        self._calls: dict[CallId, PlannedCall] = {}
        self._waiting: set[CallId] = set()
        self._rung: dict[int, CallId] = {}
        self._callbacks: dict[int, CallId] = {}
        """Who waits to be called back, by stays."""
        self._dials = 0
        """How often the number that is called now has been called."""
        for rules in day.queues:
            self._step(inputs.QueueSet(rules))
        for profile in day.agents:
            self._step(inputs.AgentSet(profile))
        for shift in day.shifts:
            self._plan(shift.begin, _SIGN_ON, shift.agent)
            self._plan(shift.end, _SIGN_OFF, shift.agent)
        for number, call in enumerate(day.calls, 1):
            name = CallId(f"call-{number}")
            self._calls[name] = call
            self._plan(call.at, _ARRIVE, name)

    def run(self) -> list[Fact]:
        while True:
            due = self._centre.deadline()
            if self._heap and (due is None or self._heap[0][0] <= due):
                self._now, kind, _, about = heapq.heappop(self._heap)
                self._outside = self._now
                self._happen(kind, about)
            elif due is not None and (self._heap or due <= self._outside + _PATIENCE_MS):
                self._now = due
                self._step(inputs.Tick())
            else:
                break
        for call in sorted(self._waiting):
            self._step(inputs.CallerDropped(call, "closed"))
        for stay in sorted(self._callbacks):
            self._step(inputs.CallbackCancelled(stay))
        return self._facts

    def _plan(self, at: int, kind: int, about: object) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, kind, self._count, about))

    def _happen(self, kind: int, about: object) -> None:
        if kind == _ARRIVE:
            assert isinstance(about, str)
            name = CallId(about)
            call = self._calls[name]
            self._waiting.add(name)
            if call.patience_ms is not None:
                self._plan(self._now + call.patience_ms, _GIVE_UP, name)
            if call.callback_after_ms is not None:
                self._plan(self._now + call.callback_after_ms, _ASK_BACK, name)
            self._arrive(name, call.queue, 0)
        elif kind == _GIVE_UP:
            if about in self._waiting:
                self._waiting.discard(CallId(str(about)))
                self._step(inputs.CallerLeft(CallId(str(about))))
        elif kind == _ASK_BACK:
            if about in self._waiting:
                self._step(inputs.CallbackAccepted(call=CallId(str(about)), number=str(about)))
        elif kind == _CALLED:
            assert isinstance(about, inputs.CallbackAnswered | inputs.CallbackFailed)
            self._step(about)
        elif kind == _ANSWER:
            assert isinstance(about, int)
            if about in self._rung:
                self._step(inputs.AgentAnswered(about))
        elif kind == _HANG_UP:
            assert isinstance(about, int)
            self._step(inputs.AgentHungUp(about))
        elif kind == _SIGN_ON:
            self._step(inputs.AgentSignedOn(str(about)))
        elif kind == _SIGN_OFF:
            self._step(inputs.AgentSignedOff(str(about)))
        else:
            assert isinstance(about, SendOn) and about.to is not None
            if about.call in self._waiting:
                self._arrive(about.call, about.to.name, about.waited_ms)

    def _arrive(self, name: CallId, queue: str, waited: int) -> None:
        call = self._calls[name]
        self._step(
            inputs.CallerArrived(
                call=name,
                queue=queue,
                priority=call.priority,
                score=call.score,
                needs=call.needs,
                waited_ms=waited,
            )
        )

    def _step(self, told: inputs.Input) -> None:
        for effect in self._centre.step(self._now, told):
            if isinstance(effect, Fact):
                self._facts.append(effect)
                self._follow(effect)
            elif type(effect) is Ring:
                self._rung[effect.attempt] = effect.call
                self._plan(self._now + self._calls[effect.call].answer_ms, _ANSWER, effect.attempt)
            elif type(effect) is StopRinging:
                self._rung.pop(effect.attempt, None)
            elif type(effect) is Connect:
                self._rung.pop(effect.attempt, None)
                self._waiting.discard(effect.call)
                self._plan(self._now + self._calls[effect.call].handle_ms, _HANG_UP, effect.attempt)
            elif type(effect) is DialCallback:
                del self._rung[effect.attempt]
                self._call_back(effect)
            elif type(effect) is SendOn:
                if effect.to is not None and effect.to.kind == "queue" and self._centre.queue(effect.to.name):
                    self._plan(self._now, _MOVE, effect)
                else:
                    self._waiting.discard(effect.call)

    def _follow(self, fact: Fact) -> None:
        if type(fact) is CallbackDialled:
            self._dials = fact.attempt
        elif type(fact) is CallerLeftQueue and fact.outcome == "callback":
            self._callbacks[fact.stay] = fact.call
        elif type(fact) is CallbackEnded:
            self._callbacks.pop(fact.stay, None)

    def _call_back(self, effect: DialCallback) -> None:
        """The number rings, and somebody answers or nobody does."""
        name = self._callbacks[effect.stay]
        call = self._calls[name]
        answers = call.callback_answers[self._dials - 1 : self._dials]
        if answers and answers[0] is not None:
            back = CallId(f"{name}-back-{self._dials}")
            self._calls[back] = call
            self._plan(self._now + answers[0], _CALLED, inputs.CallbackAnswered(effect.attempt, back))
        else:
            self._plan(self._now + RINGS_MS, _CALLED, inputs.CallbackFailed(effect.attempt))
