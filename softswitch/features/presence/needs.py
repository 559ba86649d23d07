"""What presence asks of others."""

from collections.abc import Sequence
from typing import Protocol

from softswitch.calls.signals import Origin
from softswitch.events import CallFact
from softswitch.kernel.ids import CallId


class AccountView(Protocol):
    """What matters of an account when it is watched."""

    @property
    def enabled(self) -> bool: ...
    @property
    def origin(self) -> Origin: ...


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> AccountView | None: ...


class LiveCalls(Protocol):
    """The facts of calls that have not ended."""

    def live(self) -> Sequence[CallId]: ...

    def facts(self, call: CallId) -> Sequence[CallFact] | None: ...
