"""What is played to whom, and who waits for its end. Pure."""

from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, NamedTuple, TypeVar

Hearer = TypeVar("Hearer", bound=Hashable)


class _Playing(NamedTuple):
    operation: int
    ended: Callable[[], None] | None


class Playing(Generic[Hearer]):
    """One list at a time for each hearer. `operations` gives numbers by which the engine tells of their ends."""

    def __init__(self, operations: "count[int]") -> None:
        self._operations = operations
        self._playing: dict[Hearer, _Playing] = {}

    def begin(self, hearer: Hearer, ended: Callable[[], None] | None) -> int:
        """Something is played from now on, in place of what was: gives its number. `ended` is called once, at its
        end."""
        playing = self._playing[hearer] = _Playing(next(self._operations), ended)
        return playing.operation

    def forget(self, hearer: Hearer) -> None:
        """It is played no more, and nobody need know."""
        self._playing.pop(hearer, None)

    def end(self, hearer: Hearer, operation: int | None = None) -> None:
        """What is played has come to its end, if it is still this one (None: whatever it is)."""
        playing = self._playing.get(hearer)
        if playing is not None and operation in (playing.operation, None):
            del self._playing[hearer]
            if playing.ended is not None:
                playing.ended()
