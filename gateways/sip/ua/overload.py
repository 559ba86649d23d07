"""How loaded the switch is, as levels from 0 to 100: pure, so that it can be tried without a server.

How much new work is let in is the engine's own affair: it turns away what has waited too long. What is left to say is
what the engine cannot know, how full the stores outside of it are, and what peers who ask are told (RFC 7339).
"""

from msgspec import Struct


class Load(Struct, frozen=True, gc=False):
    """What was measured in one period."""

    admitted: int = 0
    """New requests that were let in."""
    shed: int = 0
    """New requests that were turned away."""
    fullness: float = 0.0
    """0 to 1: of what is bounded (transactions, facts that await the disk), the part that is used of the fullest."""
    calls: float = 0.0
    """0 to 1: live calls, of as many as there may be."""


class Levels(Struct, frozen=True, gc=False):
    """What follows from it."""

    shed: int
    """Of a hundred new requests, about how many are to be turned away as they come."""
    told: int
    """Of a hundred new requests, about how many should not be sent."""


class OverloadControl:
    """Turns measurements into levels, one period after the other."""

    def __init__(self) -> None:
        self._share = 0.0

    def judge(self, load: Load) -> Levels:
        """The levels from now on."""
        # What is bounded sheds from nine tenths on, so that it is never quite full. With as many calls as there may be,
        # phones may still register.
        full = round(max(_ramp(load.fullness), min(50.0, _ramp(load.calls))))
        asked = load.admitted + load.shed
        share = 100.0 * load.shed / asked if asked else 0.0
        # Peers that hold back make the share smaller: following it at once would have them all come back at once.
        self._share += _SMOOTHING * (share - self._share)
        return Levels(full, max(full, round(self._share)))


_SMOOTHING = 0.2
"""The part of a change that is followed in one period."""


def _ramp(fullness: float) -> float:
    return min(100.0, max(0.0, (fullness - 0.9) * 1000))
