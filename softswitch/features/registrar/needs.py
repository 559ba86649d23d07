"""What the registrar asks others."""

from typing import Protocol


class AccountView(Protocol):
    """What matters of an account when it is called."""

    @property
    def enabled(self) -> bool: ...
    @property
    def ring_seconds(self) -> int: ...


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> AccountView | None: ...
