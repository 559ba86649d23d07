"""Ringing several terminals at once: the first to answer has the call."""

from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Ended
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId

_NONE: frozenset[LegId] = frozenset()


class Dial:
    """One attempt to reach somebody on any of some legs. Pure: told what the legs do, it says what it means."""

    def __init__(self) -> None:
        self.legs: dict[LegId, Leg] = {}
        self.winner: Leg | None = None
        self.rang = False
        self._refusal: Ended | None = None
        self.asked: frozenset[LegId] = _NONE
        """Terminals that were answered, by a person or a machine, and must be confirmed before they have the call."""
        self.awaited = 0
        """How many groups of terminals are still to be invited."""
        self.unheard: int | None = None
        """The status that stands for a terminal that never answered a word or cannot be reached: 408, 503, 404."""

    def add(self, leg: Leg) -> None:
        """A terminal was invited."""
        self.legs[leg.id] = leg

    def ringing(self, leg: Leg) -> bool:
        """A terminal is being alerted; whether this is the first news of it for the caller."""
        leg.state = LegState.RINGING
        first, self.rang = not self.rang, True
        return first

    def asks(self, leg: Leg) -> None:
        """A terminal was answered, which does not count until it is confirmed."""
        leg.state = LegState.UP
        self.asked |= {leg.id}

    def answered(self, leg: Leg) -> list[Leg]:
        """A terminal answered, or was confirmed: gives those that must be stopped.

        If another had answered already, it is this one that is too late.
        """
        if self.winner is not None:
            return [leg]
        self.winner = leg
        leg.state = LegState.UP
        return [other for other in self.legs.values() if other is not leg and not over(other)]

    def ended(self, leg: Leg, ended: Ended) -> bool:
        """A terminal is over; whether that was the last and none has answered."""
        if leg.id in self.asked:
            pass  # whatever answered there, it has not said that it takes the call
        elif ended.by_party and (self._refusal is None or _rank(ended) < _rank(self._refusal)):
            self._refusal = ended
        elif not ended.by_party and ended.status is not None:
            self.unheard = ended.status
        return self.winner is None and not self.awaited and self.nobody_left

    @property
    def nobody_left(self) -> bool:
        """Whether every terminal that was invited is over."""
        return all(over(other) for other in self.legs.values())

    def refusal(self) -> Ended:
        """What to tell the caller when nobody took the call: the best of the refusals."""
        return self._refusal or Ended(Cause.NO_ANSWER, by_party=False)


def over(leg: Leg) -> bool:
    """Whether a leg has ended or was told to."""
    return leg.leaving or leg.state is LegState.ENDED


def _rank(ended: Ended) -> int:
    """Lower is better to tell: RFC 3261 section 16.7 step 6, "choose from any 6xx, else the lowest class"; and
    within a class, what says most about the person (busy, declined) before what says something of a device."""
    status = ended.status or 500
    if status >= 600:
        return 0
    within = {486: 0, 480: 1, 404: 8, 408: 9}.get(status, 5)
    return (status // 100) * 10 + within
