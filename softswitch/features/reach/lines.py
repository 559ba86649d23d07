"""Who is on a call now, as the facts tell it."""

from collections.abc import Callable, Collection, Sequence

from softswitch.events import CallOffered, Fact, LegAnswered, LegDialed, LegEnded
from softswitch.kernel.ids import LegId

Hearer = Callable[[str], None]


class Lines:
    """Accounts that talk, or call somebody. A phone that merely rings makes nobody busy."""

    def __init__(self) -> None:
        self._whose: dict[LegId, str] = {}
        """The account of each live leg that is one's."""
        self._engaged: dict[str, set[LegId]] = {}
        """The legs by which each account talks or calls. None is empty."""
        self.freed: Hearer = lambda account: None
        """Told when an account's last call is over."""
        self.changed: Hearer = lambda account: None
        """Told when an account talks or calls by a leg more, or less."""

    def subscriptions(self) -> Sequence[tuple[type[Fact], Callable[[Fact], None]]]:
        """What must be heard for this."""
        return [
            (CallOffered, self._offered),
            (LegDialed, self._dialed),
            (LegAnswered, self._answered),
            (LegEnded, self._ended),
        ]

    def busy(self, account: str) -> bool:
        """Whether an account is on a call."""
        return account in self._engaged

    def engaged(self, account: str) -> Collection[LegId]:
        """The legs by which an account talks or calls."""
        return self._engaged.get(account, ())

    def only(self, lives: Callable[[LegId], bool]) -> None:
        """Forget legs that are no more: some that an earlier process had went with it, without a word."""
        for leg in [leg for leg in self._whose if not lives(leg)]:
            self._gone(leg)

    def _offered(self, fact: Fact) -> None:
        assert isinstance(fact, CallOffered)
        if fact.origin_kind == "account" and fact.source:
            self._whose[fact.leg] = fact.origin
            self._engage(fact.leg)

    def _dialed(self, fact: Fact) -> None:
        assert isinstance(fact, LegDialed)
        if fact.destination.kind == "account":
            self._whose[fact.leg] = fact.destination.name

    def _answered(self, fact: Fact) -> None:
        assert isinstance(fact, LegAnswered)
        if fact.leg in self._whose:
            self._engage(fact.leg)

    def _engage(self, leg: LegId) -> None:
        account = self._whose[leg]
        self._engaged.setdefault(account, set()).add(leg)
        self.changed(account)

    def _ended(self, fact: Fact) -> None:
        assert isinstance(fact, LegEnded)
        self._gone(fact.leg)

    def _gone(self, leg: LegId) -> None:
        account = self._whose.pop(leg, None)
        legs = self._engaged.get(account) if account is not None else None
        if account is None or legs is None or leg not in legs:
            return
        legs.discard(leg)
        if not legs:
            del self._engaged[account]
        self.changed(account)
        if not legs:
            self.freed(account)
