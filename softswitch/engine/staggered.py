"""What only some dials need: terminals that ring for a time of their own, that join later, or that must confirm."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from softswitch.calls import media_plan
from softswitch.calls.dial import Dial, over
from softswitch.calls.leg import Leg
from softswitch.engine.caller import Candidate, Confirmation, Later
from softswitch.engine.hearing import sounds
from softswitch.engine.legs import CallLegs
from softswitch.engine.surroundings import Surroundings
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import Silence

PAUSE_MS = 2000
"""Between one asking and the next."""


class Staggered:
    """Timers and questions beside a dial, until it is decided."""

    __slots__ = ("_around", "_confirm", "_dial", "_failed", "_legs", "_loop", "_over", "_tasks", "_timers", "_waiting")

    def __init__(
        self,
        around: Surroundings,
        legs: CallLegs[Any],
        dial: Dial,
        *,
        over: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """`over` is told that nobody rings and nobody will; `failed` of a bug in what gives terminals."""
        self._around = around
        self._legs = legs
        self._dial = dial
        self._over = over
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._timers: dict[LegId, asyncio.TimerHandle] = {}
        """How long each rings, or is asked."""
        self._confirm: dict[LegId, Confirmation] = {}
        self._waiting: list[tuple[asyncio.TimerHandle, Later, Callable[[Sequence[Candidate]], None]]] = []
        """Those whose time has not come, the next first."""
        self._tasks: set[asyncio.Task[Sequence[Candidate]]] = set()

    def close(self) -> None:
        """It is decided, or given up."""
        for timer in self._timers.values():
            timer.cancel()
        for timer, _, _ in self._waiting:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        self._timers, self._waiting, self._tasks = {}, [], set()
        self._dial.awaited = 0

    # A time of its own -------------------------------------------------------------------------------------

    def invited(self, leg: Leg, candidate: Candidate) -> None:
        """A terminal has been invited."""
        if candidate.ring_seconds is not None:
            self._timers[leg.id] = self._loop.call_later(candidate.ring_seconds, self._rang, leg)
        if candidate.confirm is not None:
            self._confirm[leg.id] = candidate.confirm

    def _rang(self, leg: Leg) -> None:
        """It rang long enough, or was asked long enough."""
        if not over(leg):
            self._legs.hang_up(leg, Cause.NO_ANSWER)
        self.look()

    def gone(self, leg: Leg) -> None:
        """A terminal is over."""
        timer = self._timers.pop(leg.id, None)
        if timer is not None:
            timer.cancel()

    # Those that join later ---------------------------------------------------------------------------------

    def wait(self, later: Sequence[Later], invite: Callable[[Sequence[Candidate]], None]) -> None:
        """Let more terminals be invited when their time comes."""
        for each in sorted(later, key=lambda each: each.after):
            timer = self._loop.call_later(each.after, self._next, each)
            self._waiting.append((timer, each, invite))
        self._dial.awaited += len(later)

    def _next(self, later: Later) -> None:
        number = next(number for number, (_, each, _) in enumerate(self._waiting) if each is later)
        timer, _, invite = self._waiting.pop(number)
        timer.cancel()
        task = self._loop.create_task(_coming(later))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._come(done, invite))

    def _come(self, task: "asyncio.Task[Sequence[Candidate]]", invite: Callable[[Sequence[Candidate]], None]) -> None:
        if task not in self._tasks:
            return  # it was decided meanwhile
        self._tasks.discard(task)
        self._dial.awaited -= 1
        try:
            invite(task.result())
        except Exception as error:
            self._failed(error)
        else:
            self.look()

    def look(self) -> None:
        """Where nobody rings any more, whoever waits longest for its time rings now."""
        if self._dial.winner is not None or not self._dial.nobody_left or self._tasks:
            return
        if self._waiting:
            self._next(self._waiting[0][1])
        else:
            self._over()

    def no_more(self) -> None:
        """The time is up: nobody joins."""
        for timer, _, _ in self._waiting:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        self._waiting, self._tasks = [], set()
        self._dial.awaited = 0

    # Those that must confirm -------------------------------------------------------------------------------

    def must_confirm(self, leg: Leg) -> bool:
        """Whether a terminal that answers does not have the call yet."""
        return leg.id in self._confirm

    def ask(self, leg: Leg) -> None:
        """A terminal was answered: let whoever it is hear what to press, until it does or the time is up."""
        confirm = self._confirm[leg.id]
        self.gone(leg)
        self._timers[leg.id] = self._loop.call_later(confirm.within, self._rang, leg)
        self._dial.asks(leg)
        self._legs.connect(leg)
        heard = [*sounds(confirm.spoken, confirm.language, self._around.prompt), Silence(PAUSE_MS)]
        if self._around.player is None:
            raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, "the media engine plays no lists")
        self._around.player.play_list(leg.id, heard, loop=True)
        assert leg.remote is not None
        if not media_plan.hears_keys(leg.remote):
            self._around.media.listen_for(leg.id, keys=True)

    def pressed(self, leg: Leg, digit: str) -> bool:
        """A key of a party that is asked; whether it confirms."""
        return leg.id in self._dial.asked and digit == self._confirm[leg.id].key


async def _coming(later: Later) -> Sequence[Candidate]:
    return await later.candidates()
