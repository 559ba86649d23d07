"""What messages ask of others."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from softswitch.calls.signals import Target
from softswitch.features.messaging.model import StoredMessage
from softswitch.kernel.address import Party
from softswitch.kernel.messages import TextMessage


class AccountView(Protocol):
    """What matters of an account that a message is for."""

    @property
    def enabled(self) -> bool: ...


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> AccountView | None: ...


class Devices(Protocol):
    """Where an account's devices are now."""

    def targets(self, number: str) -> Sequence[Target]: ...

    async def rouse(self, number: str, caller: Party) -> None:
        """Have those that sleep woken because of a message from `caller`, and wait until one is back, or the time is
        up."""
        ...


class Store(Protocol):
    """Where messages are kept; `store.MessageStore` in service."""

    async def add(self, message: TextMessage, created_at: int, expires_at: int) -> StoredMessage: ...
    async def waiting(self, account: str, limit: int) -> Sequence[StoredMessage]: ...
    async def expired(self, now: int, limit: int) -> Sequence[StoredMessage]: ...
    async def finish(self, message: int, state: str, at: int) -> None: ...
    async def counts(self) -> Mapping[str, int]: ...
    async def purge(self, before: int) -> None: ...
