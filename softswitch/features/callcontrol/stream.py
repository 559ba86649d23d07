"""The stream of facts to whoever listens over WebSocket."""

import asyncio
from collections import deque

import msgspec
from msgspec import Struct

from softswitch.engine.bus import Bus
from softswitch.events import Fact
from softswitch.kernel.errors import Conflict

MOST_LISTENERS = 100


_ANY: frozenset[str] = frozenset()


class Wanted(Struct, frozen=True):
    """Which facts a client wants: those that fit all that is said here. Empty: any."""

    types: frozenset[str] = _ANY
    """Names of facts."""
    queues: frozenset[str] = _ANY
    """Names that the fact's `queue` may have; a fact without one does not fit."""
    agents: frozenset[str] = _ANY
    calls: frozenset[str] = _ANY
    """Of `call`, or of `of_call`."""

    def fits(self, fact: Fact) -> bool:
        return (
            (not self.types or type(fact).__name__ in self.types)
            and (not self.queues or getattr(fact, "queue", None) in self.queues)
            and (not self.agents or getattr(fact, "agent", None) in self.agents)
            and (not self.calls or getattr(fact, "call", getattr(fact, "of_call", None)) in self.calls)
        )


class Listener:
    """One client's queue."""

    def __init__(self, wanted: Wanted, bound: int) -> None:
        self.wanted = wanted
        self.too_slow = False
        """Whether it was left behind: its queue was full."""
        self._bound = bound
        self._waiting: deque[str] = deque()
        self._bell = asyncio.Event()
        self._gone = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queue a fact. At the bound the listener is given up: a stream with a gap would not be noticed."""
        if len(self._waiting) >= self._bound:
            self.too_slow = True
            self._waiting.clear()
            self.leave()
        elif not self._gone.is_set():
            self._waiting.append(text)
            self._bell.set()

    def leave(self) -> None:
        """Let `next` give None from now on."""
        self._gone.set()
        self._bell.set()

    async def next(self) -> str | None:
        """The next fact as JSON; None: the listener has left, or was too slow."""
        while not self._gone.is_set():
            if self._waiting:
                return self._waiting.popleft()
            self._bell.clear()
            await self._bell.wait()
        return None

    async def gone(self) -> None:
        """Return when the listener has left or was too slow."""
        await self._gone.wait()


class EventStream:
    """Hands each fact to the listeners that want it."""

    def __init__(self, bus: Bus, *, bound: int = 1000) -> None:
        """`bound`: how many facts may wait for one listener. The bus is heard only while somebody listens: most of the
        time nobody does, and every call has a dozen facts."""
        self._bus = bus
        self._bound = bound
        self._listeners: list[Listener] = []
        self._encode = msgspec.json.Encoder().encode

    def join(self, wanted: Wanted) -> Listener:
        """Begin to listen. Raises Conflict when too many do."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Conflict("too-many-listeners", f"{MOST_LISTENERS} clients hear the events already")
        listener = Listener(wanted, self._bound)
        if not self._listeners:
            self._bus.subscribe(Fact, self._hear)
        self._listeners.append(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """End listening."""
        listener.leave()
        self._listeners.remove(listener)
        if not self._listeners:
            self._bus.unsubscribe(Fact, self._hear)

    def _hear(self, fact: Fact) -> None:
        text = None
        for listener in self._listeners:
            if listener.wanted.fits(fact):
                text = text if text is not None else self._encode(fact).decode()
                listener.offer(text)
