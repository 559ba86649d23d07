"""Keys of a party that sends each in two ways, as INFO and in its sound: told once."""

SAME_KEY_SECONDS = 2.0
"""A key by the other way that comes so soon after is the same one: an event is told when the key is let go, an INFO
when the phone likes."""


class PressedKeys:
    """What a party pressed of late, each by one way and not yet by the other."""

    __slots__ = ("_once",)

    def __init__(self) -> None:
        self._once: list[tuple[str, bool, float]] = []

    def is_new(self, digit: str, by_info: bool, now: float) -> bool:
        """Whether a key is another one; `now` in seconds."""
        self._once = [key for key in self._once if now - key[2] < SAME_KEY_SECONDS]
        for index, (earlier, way, _) in enumerate(self._once):
            if earlier == digit and way != by_info:
                del self._once[index]
                return False
        self._once.append((digit, by_info, now))
        return True
