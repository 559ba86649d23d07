"""What may be watched of accounts and rooms, and who watches."""

from collections.abc import Sequence
from typing import Protocol

from softswitch.kernel.roster import Roster
from softswitch.kernel.watching import Mailbox, Permission, Presence, Published, Subject, WatchedCall


class Watched(Protocol):
    """What may be watched of accounts. Answered from memory."""

    def permission(self, subject: Subject, account: str, watcher: str) -> Permission | None:
        """How much one account may know of another; None: there is no such account."""
        ...

    def watching(self, subject: Subject, account: str, watched: bool) -> None:
        """Somebody watches this now, or nobody any more: only what is watched need be kept up to date."""
        ...

    def calls(self, account: str) -> Sequence[WatchedCall]:
        """The account's legs that have not ended."""
        ...

    def presence(self, account: str) -> Presence: ...

    def mailbox(self, account: str) -> Mailbox: ...

    def published(self, account: str, publications: Sequence[Published]) -> None:
        """What the account's devices say of their person now, newest first."""
        ...


class Rosters(Protocol):
    """Who is in conference rooms. Answered from memory."""

    def permission(self, room: str, watcher: str) -> Permission | None:
        """Whether an account may know who is in a room; None: there is no such room."""
        ...

    def roster(self, room: str) -> Roster | None:
        """A room's members now; None: there is no meeting in it."""
        ...


class Watchers(Protocol):
    """Who watches: told of changes by those who make them."""

    def changed(self, subject: Subject, account: str) -> None:
        """What is watched may be other than it was: those who watch it are told soon what `Watched` then says."""
        ...

    def reachable(self, account: str) -> None:
        """A phone of an account may have a new connection: try again what could not be told."""
        ...

    def review(self, account: str) -> None:
        """Who may see an account may have changed: end what is not permitted any more."""
        ...

    def unwatch(self, account: str) -> None:
        """An account is gone: end what it watches, and what is watched of it."""
        ...
