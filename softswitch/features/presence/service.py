"""Who may see what of an account, and what there is to see: the `Watched` port.

Calls are followed only while somebody watches: a switch without lamps spends nothing on them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from softswitch.events import AccountRegistered, AccountUnregistered, Fact, MailboxChanged, PresencePublished
from softswitch.features.presence import store
from softswitch.features.presence.model import CallBoard, Privacy, absence, composed
from softswitch.features.presence.needs import Accounts, LiveCalls
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import NotFound
from softswitch.kernel.watching import Mailbox, Permission, Presence, Published, Subject, WatchedCall
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session
from softswitch.ports.location import Location
from softswitch.ports.watching import Watchers

CHANGED = "presence"
"""What these tables are called among the `Changes`."""

_OWN = frozenset({Subject.MAILBOX, Subject.REGISTRATIONS})
"""What an account shows to itself alone."""


class PresenceService:
    """What there is to see of every account, from memory."""

    def __init__(
        self,
        accounts: Accounts,
        location: Location,
        live: LiveCalls,
        clock: Clock,
        publish: Callable[[Fact], None],
        not_disturbed: Callable[[str], bool],
        wake: Callable[[str], object] = lambda account: None,
    ) -> None:
        """`not_disturbed` tells whether an account wants no calls now; `wake` has its sleeping phones woken, to be told
        of its mailbox."""
        self._accounts = accounts
        self._location = location
        self._live = live
        self._clock = clock
        self._publish = publish
        self._not_disturbed = not_disturbed
        self._wake = wake
        self._watchers: Watchers | None = None
        self._followed = 0
        """How many accounts' calls somebody watches."""
        self._board: CallBoard | None = None
        self._published: dict[str, tuple[Published, ...]] = {}
        self._mailboxes: dict[str, Mailbox] = {}
        self._privacies: dict[str, Privacy] = {}

    def connect(self, watchers: Watchers) -> None:
        """Tell `watchers` of changes from now on."""
        self._watchers = watchers

    async def load(self, database: Database) -> None:
        """Read what is stored: before the first subscription, and again when another process has changed it."""
        async with database.reading() as session:
            mailboxes, privacies = dict(await store.mailboxes(session)), dict(await store.privacies(session))
        changed = {account for account, _ in mailboxes.items() ^ self._mailboxes.items()}
        reviewed = privacies.keys() | self._privacies.keys()
        self._mailboxes, self._privacies = mailboxes, privacies
        for account in changed:
            self._changed(Subject.MAILBOX, account)
        for account in reviewed:
            self._review(account)

    # The Watched port -----------------------------------------------------------------------------------

    def permission(self, subject: Subject, account: str, watcher: str) -> Permission | None:
        """How much one account may know of another; None: there is no such account."""
        whom, who = self._accounts.account(account), self._accounts.account(watcher)
        if whom is None or not whom.enabled:
            return None
        if account == watcher:
            return Permission.PARTIES
        if subject in _OWN or who is None:
            return Permission.NOTHING
        colleague = who.origin.context == whom.origin.context
        return self.privacy(account).permission(watcher, colleague=colleague)

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
        return composed(
            self.calls(account),
            bool(self._location.bindings(account)),
            published,
            do_not_disturb=self._not_disturbed(account),
        )

    def mailbox(self, account: str) -> Mailbox:
        return self._mailboxes.get(account, Mailbox())

    def published(self, account: str, publications: Sequence[Published]) -> None:
        """What the account's devices say of their person now, newest first."""
        if publications:
            self._published[account] = tuple(publications)
        else:
            self._published.pop(account, None)
        now = self.presence(account)
        self._publish(
            PresencePublished(
                at=self._clock.wall_ms(),
                account=account,
                open=now.open,
                activities=now.activities,
                note=now.note,
            )
        )
        self._changed(Subject.PRESENCE, account)

    def absence(self, account: str) -> str:
        """How an account's devices say that their person is not there, `away`, `meal`; empty: they do not."""
        return absence(self._published.get(account, ()))

    # What administrators and other features say ---------------------------------------------------------

    def require(self, account: str) -> None:
        """Raises NotFound when there is no such account."""
        if self._accounts.account(account) is None:
            raise NotFound("account", account)

    def privacy(self, account: str) -> Privacy:
        """How an account may be seen."""
        return self._privacies.get(account, Privacy())

    async def set_privacy(self, session: Session, account: str, changes: Mapping[str, Any]) -> Privacy:
        """Change what `changes` names, fields of `Privacy`."""
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
        privacy = replace(self.privacy(account), **fields)
        await store.write_privacy(session, account, privacy)
        await count_change(session, CHANGED)

        def remember() -> None:
            self._privacies[account] = privacy
            self._review(account)

        session.after_commit(remember)
        return privacy

    async def set_mailbox(self, session: Session, account: str, mailbox: Mailbox) -> None:
        """Let an account's phones show these counts."""
        await store.write_mailbox(session, account, mailbox)
        await count_change(session, CHANGED)

        def remember() -> None:
            before, self._mailboxes[account] = self.mailbox(account), mailbox
            if mailbox.new > before.new:
                self._wake(account)
            self._publish(MailboxChanged(at=self._clock.wall_ms(), account=account, new=mailbox.new, old=mailbox.old))
            self._changed(Subject.MAILBOX, account)

        session.after_commit(remember)

    async def forget(self, session: Session, account: str) -> None:
        """The account is deleted: a later one of the same number begins with nothing."""
        await store.remove(session, account)
        await count_change(session, CHANGED)

        def remember() -> None:
            self._mailboxes.pop(account, None)
            self._privacies.pop(account, None)

        session.after_commit(remember)

    def reconsider(self, account: str) -> None:
        """An account's presence may be another, because it wants no calls, or wants them again."""
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

    def _review(self, account: str) -> None:
        if self._watchers is not None:
            self._watchers.review(account)

    def _changed(self, subject: Subject, account: str) -> None:
        if self._watchers is not None:
            self._watchers.changed(subject, account)
