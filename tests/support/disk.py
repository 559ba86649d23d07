"""What a switch that is killed has stored: facts in order, and live calls of the same moment as the facts."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from softswitch.events import CallEnded, Fact
from softswitch.features.cdr.model import unfinished_end
from softswitch.kernel.ids import CallId
from softswitch.platform.event_log import Rows
from tests.support.invariants import by_call

Change = tuple[CallId, bytes | None]
Row = tuple[Rows, tuple[object, ...]]

CUT_OFF = "switch stopped"
"""The note of a call that could not be found again."""


class Disk:
    """In place of the event log: writes everything pending in one batch after the other, each in `seconds`. What is not
    written when the power goes is lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, facts: list[Fact], seconds: float) -> None:
        """`facts` holds all that was said, whether it is on the disk yet or not."""
        self._loop = loop
        self._facts = facts
        self._seconds = seconds
        self._written = 0
        self._batch: asyncio.TimerHandle | None = None
        self._more = False
        self._awaiting: deque[tuple[int, Callable[[], None]]] = deque()
        self.changes: Callable[[], Sequence[Change]] = lambda: ()
        self.calls: dict[CallId, bytes] = {}
        self.cut_off: set[CallId] = set()
        """Calls that ended with a process, and have no facts of how their legs fared."""
        self.in_flight: set[CallId] = set()
        """Calls of which something newer than in `calls` is being written."""
        self.tables: dict[str, dict[object, tuple[object, ...]]] = {}
        """Rows that belong to facts, by the names of their tables and by their keys."""
        self._derived: list[Callable[[], Sequence[Row]]] = []
        self._added: list[Row] = []

    def stir(self, fact: Fact | None = None) -> None:
        """There is something to write."""
        self._more = True
        if self._batch is None:
            self._batch = self._loop.call_later(0.01, self._begin)

    # softswitch.features.conference.needs.WriteBehind

    def derive(self, rows: Callable[[], Sequence[Row]]) -> None:
        self._derived.append(rows)

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        self._added.append((into, row))
        self.stir()

    def ring(self) -> None:
        self.stir()

    async def last_at(self) -> int | None:
        return self.died_at

    @property
    def died_at(self) -> int:
        """When the last fact was told that is on the disk."""
        return max((fact.at for fact in self._facts[: self._written]), default=0)

    def then(self, action: Callable[[], None]) -> None:
        """As `EventLog.then`."""
        if self._written == len(self._facts):
            action()
        else:
            self._awaiting.append((len(self._facts), action))

    def die(self) -> None:
        """The power goes."""
        self.in_flight = set()
        del self._facts[self._written :]
        self._awaiting.clear()
        if self._batch is not None:
            self._batch.cancel()
            self._batch = None
        self.changes = lambda: ()
        self._derived.clear()
        self._added.clear()

    def recover(self) -> list[CallId]:
        """End the calls that nobody can go on with; gives those that are left."""
        died_at = max((fact.at for fact in self._facts), default=0)
        left = []
        for call, facts in by_call(self._facts).items():
            if isinstance(facts[-1], CallEnded):
                assert call not in self.calls, f"{call} has ended, and is written down as live"
            elif call in self.calls:
                left.append(call)
            else:
                ended = unfinished_end(facts, died_at)
                assert ended is not None
                self._facts.append(ended)
                self.cut_off.add(call)
        assert set(left) == set(self.calls), f"{set(self.calls) - set(left)} are unknown to the facts"
        self._written = len(self._facts)
        return left

    def _begin(self) -> None:
        self._more = False
        changes, target = self.changes(), len(self._facts)
        rows, self._added = self._added, []
        rows += [row for derived in self._derived for row in derived()]
        self.in_flight = {call for call, _ in changes}
        self._batch = self._loop.call_later(self._seconds, self._end, changes, rows, target)

    def _end(self, changes: Sequence[Change], rows: Sequence[Row], target: int) -> None:
        for into, row in rows:
            table = self.tables.setdefault(into.table, {})
            table.pop(row[0], None)
            if not into.removing:
                table[row[0]] = row
        for call, written in changes:
            if written is None:
                del self.calls[call]
            else:
                self.calls[call] = written
        self._written = target
        self._batch = None
        self.in_flight = set()
        if self._more:
            self.stir()
        while self._awaiting and self._awaiting[0][0] <= self._written:
            self._awaiting.popleft()[1]()


class NoDisk:
    """In its place where nothing outlives the switch: what is added is forgotten."""

    def derive(self, rows: Callable[[], Sequence[Row]]) -> None:
        return

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        return

    def ring(self) -> None:
        return

    async def last_at(self) -> int | None:
        return None
