"""How long a caller will wait, as far as one can tell, and how well that was told before."""

from collections import deque

from msgspec import Struct

_WEIGHT = 0.1
"""Of each new measurement against all before it."""
_REMEMBERED = 200


class ExpectationError(Struct, frozen=True, gc=False):
    """By how much the last callers who were answered waited longer or shorter than was expected on their arrival."""

    callers: int
    median_ms: int
    p90_ms: int


class Expected:
    """One queue's expectation.

    It learns how much agents' time an answered caller takes from the line: the time between two answers while callers
    wait, times the agents who serve. That holds whatever else those agents do. Before there was ever a line, it takes
    the time of conversation and wrap-up for it.
    """

    __slots__ = ("_errors", "_handled", "_last_answer", "_work")

    def __init__(self) -> None:
        self._work: float | None = None
        self._handled: float | None = None
        self._last_answer: int | None = None
        self._errors: deque[int] = deque(maxlen=_REMEMBERED)

    def answered(self, at: int, serving: int, callers_left: bool, expected_ms: int | None, waited_ms: int) -> None:
        """A caller was answered; whether others wait still."""
        if self._last_answer is not None:
            self._work = _mean(self._work, float((at - self._last_answer) * serving))
        self._last_answer = at if callers_left else None
        if expected_ms is not None:
            self._errors.append(abs(waited_ms - expected_ms))

    def emptied(self) -> None:
        """Nobody waits any more."""
        self._last_answer = None

    def handled(self, ms: int) -> None:
        """A conversation and its wrap-up took so long."""
        self._handled = _mean(self._handled, float(ms))

    def wait(self, ahead: int, serving: int) -> int | None:
        """The wait behind `ahead` callers; None: there is nothing to tell it by."""
        work = self._work if self._work is not None else self._handled
        if work is None or not serving:
            return None
        return round((ahead + 1) * work / serving)

    def error(self) -> ExpectationError | None:
        """None: nobody who was told of a wait has been answered yet."""
        if not self._errors:
            return None
        errors = sorted(self._errors)
        return ExpectationError(len(errors), errors[len(errors) // 2], errors[len(errors) * 9 // 10])


def _mean(before: float | None, value: float) -> float:
    return value if before is None else before + _WEIGHT * (value - before)
