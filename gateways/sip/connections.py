"""Stream connections: bytes between asyncio and the engine, within limits. Framing is the engine's."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from softswitch.kernel.address import HostPort


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """What one peer may take. Times in seconds, sizes in bytes."""

    connections: int = 4096
    idle: float = 900.0
    """A connection that says nothing for so long is closed: phones send a keep-alive every two minutes or so."""
    connect: float = 10.0
    """How long a connection of ours may take to be made."""
    write_buffer: int = 1 << 20
    """A peer that does not read is cut off when so much waits for it."""


class Owner(Protocol):
    """What a connection tells the endpoint."""

    def came(self, connection: "Connection", data: bytes) -> None: ...
    def lost(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """One TCP connection, under the number that the engine knows it by."""

    def __init__(self, owner: Owner, number: int, limits: ConnectionLimits, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._limits = limits
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        """What was written before the connection was made."""
        self._early_size = 0
        self.number = number
        self.peer = HostPort("", 0)
        self.heard_at = clock()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self.closed:
            transport.abort()
            return
        self._transport = transport
        host, port, *_ = transport.get_extra_info("peername") or ("", 0)
        self.peer = HostPort(host, port)
        early, self._early = self._early, []
        for data in early:
            self.write(data)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._clock()
        if not self.closed:
            self._owner.came(self, data)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._owner.lost(self)

    def write(self, data: bytes) -> None:
        """Write, or keep until the connection is made. Too much that waits ends the connection."""
        transport = self._transport
        if transport is None:
            self._early_size += len(data)
            if self._early_size <= self._limits.write_buffer:
                self._early.append(data)
        elif not transport.is_closing():
            transport.write(data)
            if transport.get_write_buffer_size() > self._limits.write_buffer:
                transport.abort()

    def close(self) -> None:
        """Close once all that was written has gone."""
        if self._transport is not None:
            self._transport.close()
        self.closed = True

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
        self.closed = True
