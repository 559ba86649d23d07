"""How loaded the switch is, as a level from 0 to 100: pure, so that it can be tried on a model of a server.

What counts is how long work waits before anybody looks at it. A switch that keeps that short does as much as it can;
one that lets it grow past a second answers calls whose callers have sent their INVITE again (RFC 3261 section
17.1.1.2) or have given up, and gets less done the more is asked of it. So the wait is held at a target, as PIE does for
routers (RFC 8033): the level rises with the wait's distance from the target and with its growth. A wait that is over
after a moment is a burst or a pause of the machine, and no load: only what has stood for a while counts, as in CoDel
(RFC 8289).
"""

from collections import deque

from msgspec import Struct


class Load(Struct, frozen=True, gc=False):
    """What was measured in one period."""

    waited: float
    """Seconds that a datagram or a timer waited at most."""
    fullness: float = 0.0
    """0 to 1: of what is bounded (transactions, facts that await the disk), the part that is used of the fullest."""
    calls: float = 0.0
    """0 to 1: live calls, of as many as there may be."""


class OverloadControl:
    """Turns measurements into a level, one period after the other."""

    def __init__(self, *, target: float = 0.1) -> None:
        """`target`: seconds that work may wait. A fifth of T1, so that nobody sends anything twice because of it."""
        self._target = target
        self._share = 0.0
        self._waited = 0.0
        self._waits: deque[float] = deque([0.0] * _STANDING, maxlen=_STANDING)

    def judge(self, load: Load) -> int:
        """The level from now on: of a hundred new requests, about how many are to be turned away."""
        self._waits.append(min(load.waited, _LONGEST * self._target))
        waited = min(self._waits)
        distance, growth = waited - self._target, waited - self._waited
        self._waited = waited
        self._share += (_DISTANCE * distance + _GROWTH * growth) / self._target
        self._share = min(_MOST, max(0.0, self._share))
        # What is bounded sheds from nine tenths on, so that it is never quite full. With as many calls as there may be,
        # phones may still register.
        full = max(_ramp(load.fullness), min(50.0, _ramp(load.calls)))
        return round(max(self._share, full))


_DISTANCE = 2.0
"""Percent by which the level rises in a period while work waits for twice the target."""
_GROWTH = 8.0
"""Percent by which the level rises when the wait has grown by the target."""
_LONGEST = 5
"""Targets beyond which a longer wait tells no more."""
_STANDING = 3
"""Periods for which work must have waited: one pause touches two."""
_MOST = 98.0
"""A little is always let in: from it alone can be seen that there is room again."""


def _ramp(fullness: float) -> float:
    return min(100.0, max(0.0, (fullness - 0.9) * 1000))
