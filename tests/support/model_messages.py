"""Where the simulated switch keeps messages, and what a model phone hears of them."""

from collections.abc import Mapping, Sequence

import msgspec

from softswitch.features.messaging.model import WAITING, StoredMessage
from softswitch.kernel.messages import TextMessage


class MemoryStore:
    """`messaging.needs.Store` in a list."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []

    async def add(self, message: TextMessage, created_at: int, expires_at: int) -> StoredMessage:
        stored = StoredMessage(len(self.messages) + 1, message, created_at, expires_at)
        self.messages.append(stored)
        return stored

    async def waiting(self, account: str, limit: int) -> Sequence[StoredMessage]:
        return [stored for stored in self.messages if stored.state == WAITING and stored.message.to == account][:limit]

    async def expired(self, now: int, limit: int) -> Sequence[StoredMessage]:
        return [stored for stored in self.messages if stored.state == WAITING and stored.expires_at <= now][:limit]

    async def finish(self, message: int, state: str, at: int) -> None:
        stored = self.messages[message - 1]
        assert stored.state == WAITING, f"message {message} is done twice: {stored.state}, {state}"
        self.messages[message - 1] = msgspec.structs.replace(stored, state=state, done_at=at)

    async def counts(self) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for stored in self.messages:
            if stored.state == WAITING:
                counts[stored.message.to] = counts.get(stored.message.to, 0) + 1
        return counts

    async def purge(self, before: int) -> None:
        """A day is too short for that."""
