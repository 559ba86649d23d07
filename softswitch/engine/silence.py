"""Ends calls in which nobody is heard any more: two phones that lose power send no BYE.

Every leg's packets are counted by the media engine anyway; here the counts are looked at now and then. A call that
costs nothing more until it is half a minute old costs a look at two numbers each half minute from then on.
"""

import asyncio
from collections.abc import Mapping
from math import ceil

from softswitch.engine.call import LiveCall
from softswitch.kernel.cause import Cause
from softswitch.kernel.clock import Clock
from softswitch.kernel.ids import CallId

LOOK_SECONDS = 30.0
"""Between two looks at a call; a quarter of the limit where that is less."""
_AT_ONCE = 200
"""Calls looked at in one turn of the loop."""


class SilenceWatch:
    """Looks at all calls, and ends those whose parties have all been silent for too long.

    A call whose sound goes past us, that is not answered yet, or in which somebody has put another on hold is not
    watched: there silence is as it should be.
    """

    def __init__(self, calls: Mapping[CallId, LiveCall], clock: Clock, limit: float) -> None:
        """`calls` is looked at as it is at each time; `limit` in seconds, 0: none."""
        self._calls = calls
        self._clock = clock
        self._limit = limit
        self._interval = min(LOOK_SECONDS, limit / 4)
        self._last: dict[CallId, tuple[int, float]] = {}
        """How many packets had been heard of a call, and since when it has been so many."""
        self._next: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """There is a call: look as long as there are any."""
        if self._next is None and self._limit:
            self._next = asyncio.get_running_loop().call_later(self._interval, self._look, [])

    def _look(self, left: list[LiveCall]) -> None:
        """Look at some of those that are left of this round, and set the time for the next."""
        left = left or list(self._calls.values())
        now = self._clock.monotonic()
        for call in left[:_AT_ONCE]:
            self._look_at(call, now)
        del left[:_AT_ONCE]
        if not left:
            self._last = {call: last for call, last in self._last.items() if call in self._calls}
        self._next = None
        if self._calls:
            # What is left of a round is spread over the time until the next.
            turns = ceil(len(left) / _AT_ONCE) + 1
            self._next = asyncio.get_running_loop().call_later(self._interval / turns, self._look, left)

    def _look_at(self, call: LiveCall, now: float) -> None:
        heard = call.heard()
        last = self._last.get(call.call)
        if heard is None:
            self._last.pop(call.call, None)
        elif last is None or last[0] != heard:
            self._last[call.call] = (heard, now)
        elif now - last[1] >= self._limit:
            del self._last[call.call]
            call.note(f"nobody has been heard for {now - last[1]:.0f} s")
            call.hang_up(Cause.RECOVERY_ON_TIMER_EXPIRY, note="silence")
