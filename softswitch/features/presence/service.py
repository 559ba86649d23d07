"""Who may see what of an account, and what there is to see: the `Watched` port.

Calls are followed only while somebody watches: a switch without lamps spends nothing on them.
"""

from collections.abc import Sequence

from softswitch.events import AccountRegistered, AccountUnregistered, Fact
from softswitch.features.presence.model import CallBoard, composed
from softswitch.features.presence.needs import Accounts, LiveCalls
from softswitch.kernel.watching import Mailbox, Permission, Presence, Published, Subject, WatchedCall
from softswitch.ports import Location, Watchers

_OWN = frozenset({Subject.MAILBOX, Subject.REGISTRATIONS})
"""What an account shows to itself alone."""


class PresenceService:
    """What there is to see of every account, from memory."""

    def __init__(self, accounts: Accounts, location: Location, live: LiveCalls) -> None:
        self._accounts = accounts
        self._location = location
        self._live = live
        self._watchers: Watchers | None = None
        self._followed = 0
        """How many accounts' calls somebody watches."""
        self._board: CallBoard | None = None
        self._published: dict[str, tuple[Published, ...]] = {}

    def connect(self, watchers: Watchers) -> None:
        """Tell `watchers` of changes from now on."""
        self._watchers = watchers

    # The Watched port -----------------------------------------------------------------------------------

    def permission(self, subject: Subject, account: str, watcher: str) -> Permission | None:
        """How much one account may know of another; None: there is no such account."""
        whom, who = self._accounts.account(account), self._accounts.account(watcher)
        if whom is None or not whom.enabled:
            return None
        if account == watcher:
            return Permission.PARTIES
        if subject in _OWN or who is None or who.origin.context != whom.origin.context:
            return Permission.NOTHING
        return Permission.STATE

    def watching(self, subject: Subject, account: str, watched: bool) -> None:
        """Somebody watches this now, or nobody any more."""
        if subject not in (Subject.CALLS, Subject.PRESENCE):
            return
        self._followed += 1 if watched else -1
        if not self._followed:
            self._board = None
        elif self._board is None:
            self._board = self._look()

    def calls(self, account: str) -> Sequence[WatchedCall]:
        """The account's legs that have not ended."""
        return (self._board or self._look()).calls(account)

    def presence(self, account: str) -> Presence:
        published = self._published.get(account, ())
        return composed(self.calls(account), bool(self._location.bindings(account)), published)

    def mailbox(self, account: str) -> Mailbox:
        return Mailbox()

    def published(self, account: str, publications: Sequence[Published]) -> None:
        """What the account's devices say of their person now, newest first."""
        if publications:
            self._published[account] = tuple(publications)
        else:
            self._published.pop(account, None)
        self._changed(Subject.PRESENCE, account)

    # Facts ----------------------------------------------------------------------------------------------

    def hear_call(self, fact: Fact) -> None:
        """Hear what happens to a call."""
        if self._board is None:
            return
        for account in self._board.hear(fact):
            self._changed(Subject.CALLS, account)
            self._changed(Subject.PRESENCE, account)

    def hear_registration(self, fact: Fact) -> None:
        """Hear of a binding that is new, moved or gone."""
        assert isinstance(fact, AccountRegistered | AccountUnregistered)
        self._changed(Subject.REGISTRATIONS, fact.aor)
        self._changed(Subject.PRESENCE, fact.aor)
        if isinstance(fact, AccountRegistered) and self._watchers is not None:
            self._watchers.reachable(fact.aor)

    # Inside ---------------------------------------------------------------------------------------------

    def _look(self) -> CallBoard:
        return CallBoard(fact for call in self._live.live() for fact in self._live.facts(call) or ())

    def _changed(self, subject: Subject, account: str) -> None:
        if self._watchers is not None:
            self._watchers.changed(subject, account)
