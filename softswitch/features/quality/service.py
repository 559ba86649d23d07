"""Looks at calls that end, and at live ones when asked."""

from collections.abc import Callable, Mapping, Sequence

from softswitch.events import CallTraced, CallTroubled, Fact, LegClues, LegEnded, MediaFigures, TraceLine, Trouble
from softswitch.features.quality.model import Suspect, diagnose
from softswitch.kernel.ids import CallId, LegId


class Doctor:
    """Hears legs end, and tells of each call that had trouble before the call's last fact."""

    def __init__(self, publish: Callable[[Fact], None]) -> None:
        self._publish = publish
        self._suspects: dict[CallId, list[LegEnded]] = {}

    def leg_ended(self, fact: Fact) -> None:
        """Hear a `LegEnded`. On the path of every call: a leg that is well costs one look."""
        assert isinstance(fact, LegEnded)
        if fact.clues is not None:
            self._suspects.setdefault(fact.call, []).append(fact)

    def call_traced(self, fact: Fact) -> None:
        """Hear a `CallTraced`: all legs have ended, and the call's last fact is about to come."""
        assert isinstance(fact, CallTraced)
        ended = self._suspects.pop(fact.call, None)
        if ended is None:
            return
        suspects = [_suspect(one) for one in sorted(ended, key=lambda one: one.leg)]
        troubles = diagnose(suspects, fact.lines)
        if troubles:
            self._publish(CallTroubled(at=fact.at, call=fact.call, troubles=troubles))

    def now(
        self, legs: Mapping[LegId, tuple[LegClues, MediaFigures | None]], ladder: Sequence[TraceLine]
    ) -> tuple[Trouble, ...]:
        """What is wrong with a live call."""
        return diagnose([Suspect(leg, clues, figures=figures) for leg, (clues, figures) in legs.items()], ladder)


def _suspect(fact: LegEnded) -> Suspect:
    assert fact.clues is not None
    return Suspect(fact.leg, fact.clues, fact.cause, fact.status, fact.by_party, fact.figures)
