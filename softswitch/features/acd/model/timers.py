"""What is to happen when, unless it is called off."""

from heapq import heapify, heappop, heappush
from typing import Protocol


class Owner(Protocol):
    """Something with timers: by kind, the number of the one that counts."""

    due: dict[str, int]


class Timers:
    """A heap of times. One that was called off or set anew stays in it until its turn, and is passed over then."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Owner, str]] = []
        self._count = 0

    def set(self, at: int, owner: Owner, kind: str) -> None:
        """Let an owner's timer of a kind come at `at`, and at no other time."""
        self._count += 1
        owner.due[kind] = self._count
        heappush(self._heap, (at, self._count, owner, kind))
        if self._count % 10_000 == 0:
            self._heap = [entry for entry in self._heap if entry[2].due.get(entry[3]) == entry[1]]
            heapify(self._heap)

    def next(self) -> int | None:
        """When the next comes; None: none is set."""
        heap = self._heap
        while heap:
            at, number, owner, kind = heap[0]
            if owner.due.get(kind) == number:
                return at
            heappop(heap)
        return None

    def take(self, now: int) -> tuple[int, Owner, str] | None:
        """The next that is due, which then is set no more; those of one moment in the order in which they were set."""
        at = self.next()
        if at is None or at > now:
            return None
        _, _, owner, kind = heappop(self._heap)
        del owner.due[kind]
        return at, owner, kind
