"""A caller that waits, between the engine that decides about it and the call application that serves it."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from softswitch.engine.caller import Caller, Ring
from softswitch.features.acd.model.effects import Announce, OfferCallback, SendOn


class Join(Struct, frozen=True):
    """Talk with the agent who answered."""

    ring: Ring
    agent: str


Order = Join | SendOn | Announce | OfferCallback
"""What the application is to do next."""


class Waiting:
    """One caller."""

    def __init__(self, caller: Caller, queue: str) -> None:
        self.caller = caller
        self.queue = queue
        self.orders: asyncio.Queue[Order] = asyncio.Queue()
        self.rings: dict[int, Ring] = {}
        """Phones that ring for it, or have been answered for it, by attempt."""

    @property
    def data(self) -> Mapping[str, str]:
        """What the caller's matter is, as far as anybody has said."""
        return self.caller.data
