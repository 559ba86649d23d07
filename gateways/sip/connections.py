"""Stream connections: bytes between asyncio and the engine, within limits. Framing is the engine's."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from msgspec import Struct

from gateways.sip.listener import Listener
from gateways.sip.tls import peer_names
from gateways.sip.websocket import WebSocket
from softswitch.kernel.address import HostPort


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """What one peer may take. Times in seconds, sizes in bytes."""

    connections: int = 4096
    idle: float = 900.0
    """A connection that says nothing for so long is closed: phones send a keep-alive every two minutes or so."""
    ask: float = 90.0
    """A WebSocket, or a connection of ours, that says nothing for so long is asked for a sign of life, and ended when
    none has come by the next look. RFC 5626 section 4.4.1 has 95 to 120 seconds between keep-alives."""
    connect: float = 10.0
    """How long a connection of ours may take to be made."""
    write_buffer: int = 1 << 20
    """A peer that does not read is cut off when so much waits for it."""


class Owner(Protocol):
    """What a connection tells the endpoint."""

    def opened(self, connection: "Connection") -> None: ...
    def came(self, connection: "Connection", data: bytes) -> None: ...
    def lost(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """One TCP or TLS connection, under the number that the engine knows it by."""

    def __init__(
        self, owner: Owner, kind: str, number: int, limits: ConnectionLimits, clock: Callable[[], float]
    ) -> None:
        self._owner = owner
        self._limits = limits
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        """What was written before the connection was made."""
        self._early_size = 0
        self.kind = kind
        """`tcp`, `tls`, `ws` or `wss`."""
        self.number = number
        self.peer = HostPort("", 0)
        self.local = HostPort("", 0)
        self.listener: Listener | None = None
        """Where it was made to; None: it is ours."""
        self.ours = False
        """Whether we made it: then it is for us to keep it alive."""
        self.announced = False
        """Whether the user agent knows of it."""
        self.heard_at = clock()
        self.asked_at = 0.0
        """When it was last asked for a sign of life."""
        self.closed = False
        self.ready = asyncio.Event()
        """Set once SIP may pass."""

    @property
    def certified(self) -> tuple[str, ...]:
        """Whom the certificate that the peer has shown is for; empty: it has shown none, or none that we trust."""
        return peer_names(self._transport.get_extra_info("peercert")) if self._transport is not None else ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A TLS transport is a Transport in all but its bases.
        made = cast(asyncio.Transport, transport)
        if self.closed:
            made.abort()
            return
        self._transport = made
        self.peer = HostPort(*(made.get_extra_info("peername") or self.peer)[:2])
        self.local = HostPort(*(made.get_extra_info("sockname") or self.local)[:2])
        early, self._early = self._early, []
        for data in early:
            self.write(data)
        self._made()

    def _made(self) -> None:
        self._open()

    def _open(self) -> None:
        """SIP may pass."""
        self.ready.set()
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._clock()
        if not self.closed:
            self._owner.came(self, data)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self.ready.set()
        self._owner.lost(self)

    def write(self, data: bytes) -> None:
        """Write a message, or keep it until the connection is made. Too much that waits ends the connection."""
        transport = self._transport
        if transport is None:
            self._early_size += len(data)
            if self._early_size <= self._limits.write_buffer:
                self._early.append(data)
        elif not transport.is_closing():
            transport.write(data)
            if transport.get_write_buffer_size() > self._limits.write_buffer:
                transport.abort()

    def ask_for_life(self) -> None:
        """Send a keep-alive that the peer must answer."""
        self.asked_at = self._clock()
        # RFC 5626 section 4.4.1: "the flow is considered failed" when no CRLF comes back.
        self.write(b"\r\n\r\n")

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


class WebSocketConnection(Connection):
    """A connection that carries a WebSocket; SIP may pass after its handshake."""

    def __init__(
        self, owner: Owner, kind: str, number: int, limits: ConnectionLimits, clock: Callable[[], float]
    ) -> None:
        super().__init__(owner, kind, number, limits, clock)
        self._socket = WebSocket()

    def _made(self) -> None:
        pass

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._clock()
        if self.closed:
            return
        messages = self._socket.receive(data)
        self._flush()
        if self._socket.open and not self.ready.is_set():
            self._open()
        for message in messages:
            self._owner.came(self, message)
        if self._socket.over:
            super().close()

    def write(self, data: bytes) -> None:
        self._socket.send(data)
        self._flush()

    def ask_for_life(self) -> None:
        self.asked_at = self._clock()
        self._socket.ping()
        self._flush()

    def close(self) -> None:
        self._socket.close()
        self._flush()
        super().close()

    def _flush(self) -> None:
        framed = self._socket.to_send()
        if framed:
            super().write(framed)
