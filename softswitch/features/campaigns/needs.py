"""What lists ask of others."""

from collections.abc import Callable, Sequence
from typing import Protocol

from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId
from softswitch.kernel.opening import Opening
from softswitch.platform.event_log import Rows


class Agents(Protocol):
    """Who serves queues, and may be lent."""

    def available(self) -> Sequence[str]:
        """Who is free."""
        ...

    def seat_of(self, agent: str) -> str:
        """The account at whose phone an agent sits; empty: at none."""
        ...

    def lend(self, agent: str) -> int:
        """Keep an agent who is free; gives the number of the loan, which no other ever has. Raises NotFound, and
        Conflict where it is not free."""
        ...

    def give_back(self, loan: int, agent: str, *, wrap_up_ms: int | None, talked: bool) -> None:
        """The agent is done. It wraps up for so long at the most (0: not at all, None: until it is done)."""
        ...


class Telephones(Protocol):
    """What can be done with calls."""

    def ring(self, account: str, shown: str, destination: Destination, *, auto_answer: bool) -> CallId:
        """Ring an account's phones, which show a number; whoever answers comes to a destination. Raises NotFound."""
        ...


class Calendars(Protocol):
    """When what is open."""

    def exists(self, name: str) -> bool: ...

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Whether it is open at a moment, wall milliseconds. Raises NotFound."""
        ...


class Log(Protocol):
    """What is stored behind the calls, in order."""

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        """Store a row."""
        ...

    def then(self, action: Callable[[], None]) -> None:
        """Call `action` once all that was added so far is on disk."""
        ...
