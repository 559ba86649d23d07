"""What waits for the broker: bounded, the oldest given up first, and what lasts is told in the end."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple


class Letter(NamedTuple):
    """One message for the broker."""

    at: int
    """When what it tells happened: wall milliseconds."""
    topic: str
    payload: bytes
    kept: bool
    """Whether the broker keeps it as what holds until the next (a retained message)."""


class Gap(NamedTuple):
    """Messages that were dropped: how many, and when the first and the last of what they told happened."""

    dropped: int
    first: int
    last: int


class Waiting:
    """Messages in the order in which they came.

    Where too many wait, or too many bytes, the oldest are dropped: what is fresh matters more to who watches. What
    lasts is not lost by that: of each topic that the broker keeps the last message is remembered, and comes again when
    nothing else waits.
    """

    def __init__(self, most: int, most_bytes: int, most_kept: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._most_kept = most_kept
        self._letters: deque[Letter] = deque()
        self._bytes = 0
        self._kept: dict[str, Letter] = {}
        """The last of each topic, those that changed last behind."""
        self._again: dict[str, None] = {}
        """Topics whose last is to be told again."""
        self._gap: Gap | None = None
        self.dropped = 0
        """How many there were ever."""

    def __len__(self) -> int:
        return len(self._letters) + len(self._again)

    def add(self, letter: Letter) -> None:
        """Put one behind the others."""
        if letter.kept:
            self._kept.pop(letter.topic, None)
            self._kept[letter.topic] = letter
            if len(self._kept) > self._most_kept:
                self._forget(next(iter(self._kept)))
        self._letters.append(letter)
        self._bytes += len(letter.payload)
        self._shrink()

    def tell_again(self) -> None:
        """The last of each topic comes again, after all that waits: the broker may have forgotten it."""
        self._again = dict.fromkeys(self._kept)
        for letter in self._letters:
            self._again.pop(letter.topic, None)  # its turn comes

    def first(self, count: int) -> list[Letter]:
        """Take the oldest out: so many, or all there are."""
        taken = [self._letters.popleft() for _ in range(min(count, len(self._letters)))]
        self._bytes -= sum(len(letter.payload) for letter in taken)
        if not taken:
            topics = list(self._again)[:count]
            for topic in topics:
                del self._again[topic]
            taken = [self._kept[topic] for topic in topics]
        return taken

    def put_back(self, letters: Iterable[Letter]) -> None:
        """Before all others again, in their order."""
        back = list(letters)
        self._letters.extendleft(reversed(back))
        self._bytes += sum(len(letter.payload) for letter in back)
        self._shrink()

    def refused(self, letter: Letter) -> None:
        """Give up one that was taken out: the broker will never have it."""
        self._forget(letter.topic)
        self._drop(letter)

    @property
    def has_gap(self) -> bool:
        """Whether something was dropped that `gap` has not told."""
        return self._gap is not None

    def gap(self) -> Gap | None:
        """What was dropped since this told last, once there is room again: half of what may wait. None: nothing."""
        if len(self._letters) > self._most // 2 or self._bytes > self._most_bytes // 2:
            return None
        gap, self._gap = self._gap, None
        return gap

    def _shrink(self) -> None:
        while len(self._letters) > self._most or self._bytes > self._most_bytes:
            lost = self._letters.popleft()
            self._bytes -= len(lost.payload)
            self._drop(lost)
            if lost.topic in self._kept:
                self._again[lost.topic] = None

    def _drop(self, letter: Letter) -> None:
        self.dropped += 1
        before = self._gap if self._gap is not None else Gap(0, letter.at, letter.at)
        self._gap = Gap(before.dropped + 1, before.first, letter.at)

    def _forget(self, topic: str) -> None:
        self._kept.pop(topic, None)
        self._again.pop(topic, None)
