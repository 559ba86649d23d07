"""What being reached asks of others."""

from typing import Protocol

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Origin
from softswitch.engine.caller import Caller, DialOutcome
from softswitch.kernel.ids import CallId


class AccountView(Protocol):
    """What matters of an account when it is called."""

    @property
    def enabled(self) -> bool: ...
    @property
    def ring_seconds(self) -> int: ...
    @property
    def origin(self) -> Origin: ...


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> AccountView | None: ...


class Phones(Protocol):
    """An account's phones."""

    def registered(self, number: str) -> bool:
        """Whether there is a phone to ring."""
        ...

    async def ring(
        self, caller: Caller, number: str, ring_seconds: float, rules: LegRules | None = None
    ) -> DialOutcome:
        """Ring all of them at once, by the account's rules of signalling. Raises Rejected(SUBSCRIBER_ABSENT) when there
        is none."""
        ...


class Originator(Protocol):
    """Makes calls on an account's behalf."""

    def originate(self, account: str, number: str) -> CallId:
        """Ring an account's phones, and when it answers route `number` as if it had dialled it.

        Raises NotFound for an account that is none or has no phone.
        """
        ...
