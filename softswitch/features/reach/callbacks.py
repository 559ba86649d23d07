"""Callback on busy: who found a number engaged is rung as soon as both are free, and then connected."""

import asyncio
from collections.abc import Callable, Iterator

import structlog
from msgspec import Struct

from softswitch.features.reach.lines import Lines
from softswitch.features.reach.needs import Originator
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound

log = structlog.get_logger(__name__)

LIFETIME_MS = 45 * 60_000
"""How long a request waits: the usual time of completion of calls to busy subscribers (Q.733.3, timer CCBS-T3)."""
SETTLE_SECONDS = 3.0
"""Between a hang-up and our ringing: people who were just put through often dial again at once."""
MOST_OF_ONE = 5
"""Requests that one account may have open, and that may wait for one."""


class Callback(Struct, frozen=True):
    """One request."""

    account: str
    """Who wants to be called back."""
    number: str
    """Whose line was engaged: an account."""
    expires_at: int
    """Wall milliseconds."""


class Callbacks:
    """All open requests, in memory: after a restart the callers ask again."""

    def __init__(
        self,
        lines: Lines,
        originator: Originator,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        """`later` runs something after some seconds: the event loop's `call_later` if None."""
        self._lines = lines
        self._originator = originator
        self._clock = clock
        self._later = later or (lambda seconds, work: asyncio.get_running_loop().call_later(seconds, work))
        self._waiting: list[Callback] = []
        lines.freed = self._freed

    def __iter__(self) -> Iterator[Callback]:
        """Those that are open, oldest first."""
        self._expire()
        return iter(list(self._waiting))

    def ask(self, account: str, number: str) -> None:
        """Have `account` called back when `number` is free; asking twice is asking once. Raises Conflict when too many
        wait."""
        self._expire()
        if any((waiting.account, waiting.number) == (account, number) for waiting in self._waiting):
            return
        own = sum(waiting.account == account for waiting in self._waiting)
        theirs = sum(waiting.number == number for waiting in self._waiting)
        if own >= MOST_OF_ONE or theirs >= MOST_OF_ONE:
            raise Conflict("too-many-callbacks", f"{MOST_OF_ONE} callbacks wait for {account} or {number} already")
        self._waiting.append(Callback(account, number, self._clock.wall_ms() + LIFETIME_MS))
        self._look_later()

    def withdraw(self, account: str, number: str | None = None) -> int:
        """Forget the requests of an account, all or those for one number; gives how many there were."""
        kept = [w for w in self._waiting if w.account != account or (number is not None and w.number != number)]
        gone = len(self._waiting) - len(kept)
        self._waiting = kept
        return gone

    def _freed(self, account: str) -> None:
        if self._waiting and any(account in (waiting.account, waiting.number) for waiting in self._waiting):
            self._look_later()

    def _look_later(self) -> None:
        self._later(SETTLE_SECONDS, self._look)

    def _look(self) -> None:
        """Ring whoever waits for somebody who is free now, the oldest request first; one call for each line."""
        self._expire()
        taken = set[str]()
        for waiting in list(self._waiting):
            parties = {waiting.account, waiting.number}
            if parties & taken or any(self._lines.busy(party) for party in parties):
                continue
            taken |= parties
            self._waiting.remove(waiting)
            try:
                self._originator.originate(waiting.account, waiting.number)
            except NotFound as error:
                log.info("a callback was given up", account=waiting.account, number=waiting.number, error=str(error))

    def _expire(self) -> None:
        now = self._clock.wall_ms()
        self._waiting = [waiting for waiting in self._waiting if waiting.expires_at > now]
