"""Last answers: the 200 to a BYE and the refusal of a call, which tell a party that its call is over.

They wait until the call's facts are on record, so that whoever was told of a call's end finds it in the records, even
if the switch is killed at that moment. A record that is slow to be kept holds them up for a bounded time: the peer's
request, sent again meanwhile, is absorbed by its transaction (RFC 3261 section 17.2.2), and what it waits for here is
far less than the 32 seconds that it has patience (timer F).
"""

from collections.abc import Callable
from typing import NamedTuple

from gateways.sip.ua.timers import Timer, TimerTable

HELD_AT_MOST = 2.0
"""Seconds. A record that takes longer than this is late, and a party that hangs up should not pay for it."""


class Farewell(NamedTuple):
    """One last answer."""

    transaction: int
    status: int
    headers: tuple[tuple[str, str], ...]
    to_tag: str


OnRecord = Callable[[Callable[[], None]], None]
"""Calls what it is given once all that was told to the switch so far is on record; at once if it is already."""


class Farewells:
    """Last answers that wait (`waiting`), then are held until they are on record, then due (`due`)."""

    __slots__ = ("_held", "_timers", "_wake", "due", "on_record", "waiting")

    def __init__(self, timers: TimerTable, wake: Callable[[], None]) -> None:
        """`wake` is called when some have come due."""
        self._timers = timers
        self._wake = wake
        self._held: set[_Held] = set()
        self.on_record: OnRecord = _at_once
        self.waiting: list[Farewell] = []
        """Decided in this turn; what leads to them is not told to the switch yet."""
        self.due: list[Farewell] = []
        """To be said now."""

    def __len__(self) -> int:
        return len(self.waiting) + len(self.due) + sum(len(held.farewells) for held in self._held)

    def hold(self, now: float) -> None:
        """The switch has been told what leads to those that wait: hold them until that is on record."""
        held, self.waiting = _Held(self, self.waiting), []
        self._held.add(held)
        self.on_record(held.release)
        if held in self._held:
            held.timer = self._timers.set(now + HELD_AT_MOST, held.release)

    def release_all(self) -> None:
        """Hold nothing back any more."""
        for held in list(self._held):
            held.release()

    def released(self, held: "_Held") -> None:
        """Some may be said."""
        if held in self._held:
            self._held.remove(held)
            self.due += held.farewells
            self._wake()


class _Held:
    """Those of one turn."""

    __slots__ = ("_owner", "farewells", "timer")

    def __init__(self, owner: Farewells, farewells: list[Farewell]) -> None:
        self._owner = owner
        self.farewells = farewells
        self.timer: Timer | None = None

    def release(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self._owner.released(self)


def _at_once(then: Callable[[], None]) -> None:
    """Until someone listens, nothing is recorded."""
    then()
