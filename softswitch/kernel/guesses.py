"""Wrong PINs are counted, by what they would open and by caller, and lock out for a time whoever guesses."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

WRONG_ALLOWED = 5
"""How many may be wrong before the next ones are not even compared for a time."""
LOCKED_MS = 15 * 60_000
"""How long that is at first; after as many wrong ones again it is twice as long."""
LONGEST_MS = 24 * 3_600_000
"""And no longer than this, after which all is forgotten."""
MOST_REMEMBERED = 10_000


class Guesses:
    """Counts by key, such as `box/1001` or `caller/account/1002`; the oldest of too many are forgotten."""

    def __init__(
        self,
        *,
        most: int | None = MOST_REMEMBERED,
        allowed: int = WRONG_ALLOWED,
        changed: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """`most`: how many keys are remembered; None: all. `allowed`: how many may be wrong by each. `changed` is told
        of a key how many are wrong now and when the last was; 0: that is forgotten."""
        self._most = most
        self._allowed = allowed
        self._changed = changed
        self._wrong: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """How many, and when the last was."""

    def restore(self, known: Iterable[tuple[str, int, int]]) -> None:
        """These were wrong before: how many by which key, and when the last was, the oldest first."""
        for key, count, last in known:
            self._wrong[key] = (count, last)

    def locked(self, keys: tuple[str, ...], now: int) -> bool:
        """Whether any of them has guessed too often."""
        return any(self._locked(key, now) for key in keys)

    def wrong(self, keys: tuple[str, ...], now: int) -> bool:
        """One more for each; whether any is locked by it."""
        for key in keys:
            count, last = self._wrong.pop(key, (0, 0))
            count = count + 1 if now - last < LONGEST_MS else 1
            self._wrong[key] = (count, now)
            if self._changed is not None:
                self._changed(key, count, now)
        while self._most is not None and len(self._wrong) > self._most:
            key, _ = self._wrong.popitem(last=False)
            if self._changed is not None:
                self._changed(key, 0, now)
        return self.locked(keys, now)

    def right(self, keys: tuple[str, ...]) -> None:
        """The PIN was right: what was wrong before is forgotten."""
        for key in keys:
            if self._wrong.pop(key, None) is not None and self._changed is not None:
                self._changed(key, 0, 0)

    def counted(self) -> Sequence[str]:
        """By which something was wrong that counts."""
        return list(self._wrong)

    def _locked(self, key: str, now: int) -> bool:
        count, last = self._wrong.get(key, (0, 0))
        times = count // self._allowed
        return times > 0 and now - last < min(LOCKED_MS << min(times - 1, 16), LONGEST_MS)
