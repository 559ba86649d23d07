"""What people with one number ask of others."""

from collections.abc import Sequence
from typing import Protocol

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Origin
from softswitch.engine.caller import Caller, Candidate
from softswitch.features.persons.model import AccountState
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.opening import Opening


class AccountView(Protocol):
    """What matters of an account here."""

    @property
    def origin(self) -> Origin: ...


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> AccountView | None: ...


class Whereabouts(Protocol):
    """How things stand with accounts, trunks and whatever else a call may go to."""

    def account_state(self, account: str) -> AccountState | None:
        """None: there is no such account."""
        ...

    def why_missing(self, destination: Destination) -> str | None:
        """Why nothing answers at a destination, in words; None: it exists."""
        ...

    def trunk_refusal(self, trunk: str, number: str) -> str | None:
        """Why a trunk would not take a number now, in words; None: it would."""
        ...


class Calendars(Protocol):
    """When somebody is there."""

    def exists(self, name: str) -> bool:
        """Whether there is a calendar of this name."""
        ...

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Whether it is open at a moment, wall milliseconds, and why. Raises NotFound."""
        ...


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


class Ways(Protocol):
    """How outside numbers are called."""

    def candidate(self, caller: Caller, trunk: str, number: str, sent_on_by: Origin | None) -> Candidate:
        """An outside number by a trunk, to be dialled at once. Raises Rejected where it cannot be called now."""
        ...
