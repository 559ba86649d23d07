"""Who is on a call now, as the facts tell it."""

from collections.abc import Callable, Sequence

from softswitch.events import CallOffered, Fact, LegAnswered, LegDialed, LegEnded
from softswitch.kernel.ids import LegId

Hearer = Callable[[str], None]


class Lines:
    """Accounts that talk, or call somebody. A phone that merely rings makes nobody busy."""

    def __init__(self) -> None:
        self._whose: dict[LegId, str] = {}
        """The account of each live leg that is one's."""
        self._busy: dict[str, int] = {}
        self._engaged: set[LegId] = set()
        self.freed: Hearer = lambda account: None
        """Told when an account's last call is over."""

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
        return account in self._busy

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
        if leg not in self._engaged:
            self._engaged.add(leg)
            account = self._whose[leg]
            self._busy[account] = self._busy.get(account, 0) + 1

    def _ended(self, fact: Fact) -> None:
        assert isinstance(fact, LegEnded)
        account = self._whose.pop(fact.leg, None)
        if account is None or fact.leg not in self._engaged:
            return
        self._engaged.discard(fact.leg)
        left = self._busy[account] - 1
        if left:
            self._busy[account] = left
        else:
            del self._busy[account]
            self.freed(account)
