"""SIP over connections: TCP, TLS, WebSocket; those that are made to us, and those that we make."""

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog
from msgspec import Struct

from gateways._native import SipEngine
from gateways.sip.connections import Connection, ConnectionLimits, WebSocketConnection
from gateways.sip.listener import Listener, own_address
from gateways.sip.tls import Certificates
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.server_location import DEFAULT_PORTS, Hop
from softswitch.kernel.address import HostPort

log = structlog.get_logger(__name__)

ENCRYPTED = ("tls", "wss")
CONNECTING = ("tcp", "tls")
"""What connections of ours can be: a WebSocket is always the browser's to open."""
_SWEEP = 30.0
"""Seconds between looks for idle connections; less where they may be idle for less."""
_BACKLOG = 512
_OUT_OF_FILES = 0.2
"""Seconds to wait before more connections are taken when the process may have no more."""


class _Ear(Struct, frozen=True):
    """A socket that is listened on."""

    listener: Listener
    socket: socket.socket
    address: HostPort
    task: "asyncio.Task[None]"


class Streams:
    """All connections of the switch. It tells the user agent when one opens or is gone."""

    def __init__(
        self,
        engine: SipEngine,
        clock: Callable[[], float],
        limits: ConnectionLimits,
        certificates: Certificates,
        number: Callable[[], int],
        settle: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        """`number` gives the next transport's number; `settle` and `wake` are the endpoint's."""
        self._engine = engine
        self._clock = clock
        self._limits = limits
        self._certificates = certificates
        self._number = number
        self._settle = settle
        self._wake = wake
        self._ears: list[_Ear] = []
        self._connections: dict[int, Connection] = {}
        self._by_peer: dict[tuple[str, str, int], Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._agent: UserAgent

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def start(self, agent: UserAgent) -> None:
        """From now on, listeners may be added."""
        self._agent = agent
        self._loop = asyncio.get_running_loop()
        self._sweep()

    async def stop(self) -> None:
        """Close everything."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for ear in list(self._ears):
            self.stop_listening(ear.listener.kind, ear.address)
        for connection in list(self._connections.values()):
            connection.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Listening ------------------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> HostPort:
        """Take connections at an address; gives it with its port. Raises OSError."""
        if listener.kind in ENCRYPTED and not self._certificates.shown:
            raise OSError(0, "there is no certificate to show: name one in tls.certificates")
        host, port = listener.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        bound.setblocking(False)
        address = HostPort(*bound.getsockname()[:2])
        self._ears.append(_Ear(listener, bound, address, self._spawn(self._hear(listener, bound))))
        return address

    def stop_listening(self, kind: str, address: HostPort) -> None:
        """Take no more connections there; those that are up stay."""
        ear = next(ear for ear in self._ears if (ear.listener.kind, ear.address) == (kind, address))
        self._ears.remove(ear)
        ear.task.cancel()
        # The loop lets go of the socket only when the task has ended.
        ear.task.add_done_callback(lambda _: ear.socket.close())

    async def _hear(self, listener: Listener, bound: socket.socket) -> None:
        while True:
            try:
                accepted, peer = await self._loop.sock_accept(bound)
            except OSError as error:
                log.warning("connections cannot be taken now", error=str(error))
                await asyncio.sleep(_OUT_OF_FILES)
                continue
            if len(self._connections) >= self._limits.connections:
                accepted.close()
            else:
                self._spawn(self._greet(listener, accepted, HostPort(*peer[:2])))

    async def _greet(self, listener: Listener, accepted: socket.socket, peer: HostPort) -> None:
        """Shake hands, for as long as a connection may take to be made."""
        kind = listener.kind
        connection = self._new_connection(kind, peer)
        connection.listener = listener
        context = self._certificates.server if kind in ENCRYPTED else None
        try:
            async with asyncio.timeout(self._limits.connect):
                await self._loop.connect_accepted_socket(lambda: connection, accepted, ssl=context)
                await connection.ready.wait()
        except OSError as error:  # TimeoutError and ssl.SSLError are ones
            if isinstance(error, ssl.SSLError):
                log.info("a TLS handshake failed", peer=str(peer), error=error.reason or str(error))
            accepted.close()
            connection.abort()
            self.lost(connection)

    # Connecting -----------------------------------------------------------------------------------------

    def to(self, hop: Hop) -> int | None:
        """The connection that leads to a hop: one that is up, or a new one. None where none can be."""
        kind, host, port, name = hop
        connection = self._by_peer.get((kind, host, port))
        if connection is not None and not connection.closed:
            return connection.number
        if kind not in CONNECTING or len(self._connections) >= self._limits.connections:
            return None
        connection = self._new_connection(kind, HostPort(host, port))
        connection.ours = connection.announced = True
        self._by_peer[kind, host, port] = connection
        self._agent.open_transport(connection.number, kind, self._address_towards(kind, host))
        self._spawn(self._connect(connection, name or host))
        return connection.number

    async def _connect(self, connection: Connection, name: str) -> None:
        host, port = connection.peer
        encrypted = connection.kind in ENCRYPTED
        context, asked = (self._certificates.client, name) if encrypted else (None, None)
        try:
            async with asyncio.timeout(self._limits.connect):
                await self._loop.create_connection(lambda: connection, host, port, ssl=context, server_hostname=asked)
        except OSError as error:
            log.info(
                "a connection could not be made", kind=connection.kind, peer=str(connection.peer), error=str(error)
            )
            connection.abort()
            self.lost(connection)

    def _address_towards(self, kind: str, host: str) -> HostPort:
        """Where a peer that we connect to reaches us: where we listen for such connections; where we do not, we can be
        reached by this connection alone."""
        for ear in self._ears:
            if ear.listener.kind == kind and (":" in ear.address.host) == (":" in host):
                return ear.listener.address_for(ear.address, host)
        return HostPort(own_address("::" if ":" in host else "0.0.0.0", host), DEFAULT_PORTS[kind])

    # Connections ----------------------------------------------------------------------------------------

    def write(self, number: int, data: bytes) -> None:
        """Write on a connection, if it is still there."""
        connection = self._connections.get(number)
        if connection is not None:
            connection.write(data)

    def close(self, number: int) -> None:
        """Close a connection once what was written has gone."""
        connection = self._connections.get(number)
        if connection is not None:
            connection.close()

    def opened(self, connection: Connection) -> None:
        """SIP may pass on a connection."""
        if not connection.ours:
            assert connection.listener is not None
            reached = connection.listener.address_for(connection.local, connection.peer.host)
            self._agent.open_transport(connection.number, connection.kind, reached, connection.certified)
            connection.announced = True

    def came(self, connection: Connection, data: bytes) -> None:
        """Bytes from a connection."""
        key = (connection.kind, *connection.peer)
        if key not in self._by_peer:
            self._by_peer[key] = connection
        self._engine.receive(data, connection.number, connection.peer, self._clock())
        self._settle()

    def lost(self, connection: Connection) -> None:
        """A connection is gone, or could not be made."""
        if self._connections.pop(connection.number, None) is None:
            return
        key = (connection.kind, *connection.peer)
        if self._by_peer.get(key) is connection:
            del self._by_peer[key]
        if connection.announced:
            self._agent.close_transport(connection.number, self._clock())
            self._wake()

    def _new_connection(self, kind: str, peer: HostPort) -> Connection:
        made = WebSocketConnection if kind in ("ws", "wss") else Connection
        connection = made(self, kind, self._number(), self._limits, self._clock)
        connection.peer = peer
        self._connections[connection.number] = connection
        return connection

    def _sweep(self) -> None:
        self._sweeper = self._loop.call_later(min(_SWEEP, self._limits.idle / 2), self._sweep)
        self._certificates.reload_if_changed()
        now = self._clock()
        for connection in list(self._connections.values()):
            silent = now - connection.heard_at
            if silent > self._limits.idle:
                connection.close()
            elif (connection.ours or connection.kind in ("ws", "wss")) and silent > self._limits.ask:
                if connection.asked_at > connection.heard_at:
                    connection.abort()
                else:
                    connection.ask_for_life()

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> "asyncio.Task[None]":
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
