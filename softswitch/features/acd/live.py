"""The queue engine on the event loop: an input is a step, its facts are published, the rest is done in order."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from softswitch.events import Fact
from softswitch.features.acd.model.centre import Centre
from softswitch.features.acd.model.effects import Effect, Refused
from softswitch.features.acd.model.inputs import Input, Tick
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound, SwitchError

log = structlog.get_logger(__name__)

_MISSING = {"no-queue": "queue", "no-agent": "agent"}


class LiveCentre:
    """A `Centre`, its one timer, and what is still to be done of what it said.

    Facts are published at once. What is to be done to calls is done in a turn of its own: an input may be told from the
    middle of a call's own work.
    """

    def __init__(self, clock: Clock, publish: Callable[[Fact], None], carry_out: Callable[[Effect], None]) -> None:
        self._clock = clock
        self._publish = publish
        self._carry_out = carry_out
        # Numbers of stays and attempts are never used twice: no run makes a thousand a second for as long as it lasts.
        self.centre = Centre(first=clock.wall_ms())
        self._said: deque[Effect] = deque()
        self._publishing = False
        self._orders: deque[Effect] = deque()
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due: int | None = None
        self._stopped = False

    def tell(self, told: Input) -> None:
        """One thing that happened, or that somebody wants. Raises NotFound or Conflict where that cannot be; then
        nothing has changed."""
        refused = self._step(told)
        if refused is not None:
            raise _error(refused, told)

    def happened(self, told: Input) -> None:
        """The same, of what a telephone did: where it cannot be, it came too late to mean anything."""
        self._step(told)

    def stop(self) -> None:
        """The process ends: nothing happens any more, whatever is told."""
        for handle in (self._timer, self._turn):
            if handle is not None:
                handle.cancel()
        self._orders.clear()
        self._stopped = True

    def _step(self, told: Input) -> Refused | None:
        if self._stopped:
            return None
        refused = None
        for effect in self.centre.step(self._clock.wall_ms(), told):
            if isinstance(effect, Refused):
                refused = effect
            else:
                self._said.append(effect)
        self._set_timer()
        if not self._publishing:  # otherwise a hearer of a fact told it: what was said before comes first
            self._publishing = True
            try:
                self._work_off()
            finally:
                self._publishing = False
        return refused

    def _work_off(self) -> None:
        while self._said:
            effect = self._said.popleft()
            if isinstance(effect, Fact):
                self._publish(effect)
                continue
            self._orders.append(effect)
            if self._turn is None:
                self._turn = asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        while self._orders:
            order = self._orders.popleft()
            try:
                self._carry_out(order)
            except Exception:
                # What one caller cannot be given keeps nothing from the others.
                log.exception("what the queue engine wants could not be done", order=repr(order))

    def _set_timer(self) -> None:
        due = self.centre.deadline()
        if due == self._due and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = due, None
        if due is not None:
            seconds = max(0, due - self._clock.wall_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._step(Tick())


def _error(refused: Refused, told: Input) -> SwitchError:
    what = _MISSING.get(refused.error_id)
    if what is None:
        return Conflict(refused.error_id, refused.message)
    name = getattr(told, "agent" if what == "agent" else "queue", "") or getattr(told, "name", "")
    return NotFound(what, name)
