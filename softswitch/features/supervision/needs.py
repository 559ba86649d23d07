"""What supervision asks of others."""

from collections.abc import Callable, Collection
from typing import Protocol

from softswitch.features.supervision.model import Mode
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId


class Supervision(Protocol):
    """One under way (`softswitch.engine.supervision`)."""

    @property
    def mode(self) -> Mode: ...
    @property
    def watches(self) -> LegId:
        """The party that is supervised."""
        ...

    @property
    def account(self) -> str:
        """The supervisor's."""
        ...

    @property
    def watched_account(self) -> str:
        """That of the party that is supervised; empty where it is no account's."""
        ...

    @property
    def watched_in(self) -> CallId | None:
        """The call that the party is in now."""
        ...

    def change(self, mode: Mode, ordered_by: str = "") -> None:
        """Raises Conflict when it is over."""
        ...

    def take_over(self) -> None:
        """The supervisor takes the party's place. Raises Conflict where that cannot be."""
        ...

    def end(self, reason: str) -> None:
        """Ending twice does nothing."""
        ...


class Switchboard(Protocol):
    """What can be done with calls; the engine does it."""

    def supervise(
        self, by: CallId, leg: LegId, mode: Mode, *, ordered_by: str, over: Callable[[str], None]
    ) -> Supervision:
        """Let the caller of a call hear a party of another one; `over` is told once when it is over, and why. Raises
        NotFound and Conflict."""
        ...

    def may_be_supervised(self, call: CallId, leg: LegId | None) -> LegId:
        """Whom to supervise in a call: the party that is named, else the one of an account. Raises NotFound, and
        Conflict where it cannot be."""
        ...

    def talk_of(self, account: str) -> LegId | None:
        """The leg by which an account talks with somebody."""
        ...

    def lives(self, call: CallId) -> bool:
        """Whether there is such a call."""
        ...

    def ring(self, account: str, shown: str, destination: Destination, *, auto_answer: bool) -> CallId:
        """Ring an account's phones; who answers goes to a destination. `shown`: who calls. Raises NotFound for an
        unknown account, or one without a phone."""
        ...


class Accounts(Protocol):
    """Who exists."""

    def groups_of(self, number: str) -> Collection[str]:
        """The pickup groups of an account."""
        ...
