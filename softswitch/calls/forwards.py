"""How often a call may be sent on to another number, and by whom."""

from collections.abc import Iterable

from softswitch.calls.signals import Origin

MOST_FORWARDS = 8
IN_A_CIRCLE = "the call was forwarded in a circle"


class Forwards:
    """Who has sent one call on, and where to."""

    __slots__ = ("_seen",)

    def __init__(self, seen: Iterable[tuple[str, str, str]] = ()) -> None:
        self._seen = set(seen)

    @property
    def seen(self) -> tuple[tuple[str, str, str], ...]:
        """Kinds and names of who has, and the numbers."""
        return tuple(self._seen)

    def again(self, by: Origin, number: str) -> bool:
        """Somebody sends the call on to a number, which is dialled in its name; False: it has done so before, or others
        have too often, and the call is not to go on."""
        forward = (by.kind, by.name, number)
        if forward in self._seen or len(self._seen) >= MOST_FORWARDS:
            return False
        self._seen.add(forward)
        return True
