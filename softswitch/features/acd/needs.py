"""What the contact centre asks of others."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Origin
from softswitch.engine.caller import Candidate
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.opening import Opening
from softswitch.platform.event_log import Rows


class AccountView(Protocol):
    """What matters of an account here."""

    @property
    def origin(self) -> Origin: ...


class Accounts(Protocol):
    """Who has a phone."""

    def account(self, number: str) -> AccountView | None: ...


class Phones(Protocol):
    """An account's phones."""

    def awake(self, number: str, rules: LegRules | None = None) -> Sequence[Candidate]:
        """Those that can be rung now."""
        ...

    def sleeps(self, number: str) -> bool:
        """Whether one of them must be woken first."""
        ...

    async def woken(self, number: str, caller: Party, rules: LegRules | None = None) -> Sequence[Candidate]:
        """Have those that sleep woken, and give those that come back in time."""
        ...


class Lines(Protocol):
    """Who is on a call."""

    def engaged(self, account: str) -> Collection[LegId]:
        """The legs by which an account talks or calls."""
        ...


class Switchboard(Protocol):
    """What can be done with calls; the engine does it."""

    def hang_up(self, call: CallId) -> bool:
        """End a call; False when there is none of that name."""
        ...

    def ring_for(self, account: str, candidates: Sequence[Candidate], to: Destination, number: str) -> CallId:
        """Ring phones of an account in a call of our own, and hand it to a destination when one answers; the phones
        show `number`. They ring until the call is ended."""
        ...


class Calendars(Protocol):
    """When what is open."""

    def exists(self, name: str) -> bool:
        """Whether there is a calendar of this name."""
        ...

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Whether it is open at a moment, wall milliseconds, and why. Raises NotFound."""
        ...


class Places(Protocol):
    """What there is to be called."""

    def why_missing(self, destination: Destination) -> str | None:
        """Why nothing answers at a destination, in words; None: it exists."""
        ...


class Answer(Protocol):
    """What a web service said."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Web(Protocol):
    """Asks web services."""

    def allows(self, host: str) -> bool:
        """Whether a host may be asked, `HOST` or `HOST:PORT`."""
        ...

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Answer:
        """Raises NotPermitted for a host that is not allowed, OSError where there is no answer, or not in time."""
        ...


class Log(Protocol):
    """What is asked of the event log (`softswitch.platform.event_log.EventLog`)."""

    def add(self, into: Rows, row: tuple[object, ...]) -> None: ...
