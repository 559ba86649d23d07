"""What parking and pickup ask of others."""

from collections.abc import Collection
from typing import Protocol

from softswitch.calls.signals import Origin
from softswitch.kernel.ids import CallId


class Switchboard(Protocol):
    """What can be done with calls; the engine does it."""

    def pick_up(self, by: CallId, accounts: Collection[str]) -> bool:
        """Let a call's caller answer a phone of one of these accounts that rings; False when none rings."""
        ...

    def meet(self, by: CallId, waiting: CallId) -> bool:
        """Let a call's caller talk with the caller of another call, which waits; False when that is gone."""
        ...


class Accounts(Protocol):
    """Who has which number."""

    def origin_of(self, number: str) -> Origin | None:
        """Whom the calls of an account are from; None: there is no such account."""
        ...

    def picked_up_by(self, number: str) -> Collection[str]:
        """The accounts whose phones an account answers without naming them: those that share a pickup group."""
        ...
