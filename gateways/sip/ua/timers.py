"""What must happen later, in one table for the whole user agent."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush


class Timer:
    """Something due. `cancel` is cheap: the table forgets it when its time comes."""

    __slots__ = ("_table", "action", "due", "number")

    def __init__(self, table: "TimerTable", due: float, number: int, action: Callable[[], None]) -> None:
        self._table = table
        self.due = due
        self.number = number
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Let it not happen. Cancelling twice, or after it happened, does nothing."""
        if self.action is not None:
            self.action = None
            self._table.cancelled()


class TimerTable:
    """A heap by due time; equal times in the order in which they were set."""

    __slots__ = ("_dead", "_heap", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = 0
        self._dead = 0

    def set(self, due: float, action: Callable[[], None]) -> Timer:
        """Call `action` once `due` (monotonic seconds) has come."""
        self._numbers += 1
        timer = Timer(self, due, self._numbers, action)
        heappush(self._heap, (due, self._numbers, timer))
        return timer

    def cancelled(self) -> None:
        """Count a cancelled timer, and sweep when they are the most: memory stays within twice what lives."""
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapify(self._heap)
            self._dead = 0

    def deadline(self) -> float | None:
        """When `run` is next needed; None: nothing is set."""
        heap = self._heap
        while heap:
            if heap[0][2].action is not None:
                return heap[0][0]
            heappop(heap)
            self._dead -= 1
        return None

    def run(self, now: float) -> None:
        """Do what is due, including what becomes due meanwhile."""
        while self._heap and self._heap[0][0] <= now:
            timer = heappop(self._heap)[2]
            action = timer.action
            if action is None:
                self._dead -= 1
                continue
            timer.action = None
            action()

    def __len__(self) -> int:
        return len(self._heap) - self._dead
