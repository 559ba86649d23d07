"""The only file that knows sockets: UDP in batches, TCP, name look-ups, and one deadline for all timers."""

import asyncio
import functools
import socket
from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from gateways._native import SipEngine, UdpSocket
from gateways.sip.connections import Connection, ConnectionLimits
from gateways.sip.resolver import Resolver
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.server_location import Hop, Sought
from softswitch.kernel.address import HostPort
from softswitch.kernel.clock import Clock

log = structlog.get_logger(__name__)

_GRAIN = 0.005
"""Seconds by which a timer may be late: what falls due close together is then done in one go."""
_SWEEP = 30.0
"""Seconds between looks for idle connections; less where they may be idle for less."""
_LOOKUPS = 256
"""Names looked up at a time."""


class Listener(Struct, frozen=True):
    """An address to listen on."""

    kind: str
    """`udp` or `tcp`."""
    address: HostPort
    """Port 0: the kernel chooses."""
    advertised: str | None = None
    """The host that peers reach us by, where it is not the address: behind NAT, or on `0.0.0.0`."""


class _Udp:
    """One UDP socket."""

    __slots__ = ("flush", "full", "number", "socket", "v6")

    def __init__(self, number: int, bound: UdpSocket, engine: SipEngine) -> None:
        self.number = number
        self.socket = bound
        self.v6 = ":" in bound.address[0]
        self.full = False
        self.flush = functools.partial(bound.flush, engine, number)


class SipEndpoint:
    """Moves bytes between sockets and the engine, and tells the user agent when to look. It decides nothing."""

    def __init__(
        self,
        engine: SipEngine,
        clock: Clock,
        listeners: Sequence[Listener],
        limits: ConnectionLimits,
        resolver: Resolver,
    ) -> None:
        self._engine = engine
        self._clock = clock.monotonic
        self._listeners = listeners
        self._limits = limits
        self._resolver = resolver
        self._numbers = 0
        self._udp: list[_Udp] = []
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, Connection] = {}
        self._by_peer: dict[tuple[str, int], Connection] = {}
        self._advertised: dict[str, HostPort] = {}
        """Where peers reach us over a stream kind."""
        self._closing: list[Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at = 0.0
        self._sweep: asyncio.TimerHandle | None = None
        self._woken = False
        self._settling = False
        self.bound: list[tuple[str, HostPort]] = []
        """What is listened on: kind and address."""

    async def start(self, agent: UserAgent) -> None:
        """Open all sockets. Raises OSError naming the address when one cannot be bound; then none stays open."""
        self._agent = agent
        self._loop = asyncio.get_running_loop()
        try:
            for listener in self._listeners:
                if listener.kind == "udp":
                    self._open_udp(listener)
                else:
                    await self._open_tcp(listener)
        except OSError as error:
            await self.stop()
            raise OSError(error.errno, f"cannot listen on {listener.kind} {listener.address}: {error}") from error
        self._close_idle()
        self.wake()

    async def stop(self) -> None:
        """Write what waits, and close everything."""
        if self._udp:
            self._settle()
        for handle in (self._timer, self._sweep):
            if handle is not None:
                handle.cancel()
        self._timer = self._sweep = None
        for udp in self._udp:
            self._loop.remove_reader(udp.socket.fileno())
            self._loop.remove_writer(udp.socket.fileno())
            udp.socket.close()
        self._udp.clear()
        for server in self._servers:
            server.close()
        self._servers.clear()
        for connection in list(self._connections.values()):
            connection.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.bound.clear()

    def wake(self) -> None:
        """A command was given from outside: settle soon."""
        if not self._settling and not self._woken:
            self._woken = True
            self._loop.call_soon(self._wake_up)

    def longest_wait(self) -> float:
        """Seconds that a datagram has waited to be read at most, since this was last asked."""
        return max((udp.socket.take_longest_wait() for udp in self._udp), default=0.0)

    # Network, for the user agent ------------------------------------------------------------------------

    def transport_to(self, hop: Hop) -> int | None:
        """See `context.Network`."""
        kind, host, port, _ = hop
        if kind == "udp":
            v6 = ":" in host
            for udp in self._udp:
                if udp.v6 == v6:
                    return udp.number
            return None
        if kind not in self._advertised:
            return None
        connection = self._by_peer.get((host, port))
        if connection is None or connection.closed:
            if len(self._connections) >= self._limits.connections:
                return None
            connection = self._connect(kind, HostPort(host, port))
        return connection.number

    def resolve(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        """See `context.Network`."""
        if len(self._tasks) >= _LOOKUPS:
            self._loop.call_soon(self._resolved, found, ())
        else:
            self._spawn(self._look_up(sought, found))

    def close(self, transport: int) -> None:
        """Close a connection once what was just decided has been written (RFC 3261 section 18.3)."""
        connection = self._connections.get(transport)
        if connection is not None:
            self._closing.append(connection)

    # UDP ------------------------------------------------------------------------------------------------

    def _open_udp(self, listener: Listener) -> None:
        bound = UdpSocket(listener.address.host, listener.address.port)
        self._numbers += 1
        udp = _Udp(self._numbers, bound, self._engine)
        address = HostPort(*bound.address)
        self._udp.append(udp)
        self.bound.append(("udp", address))
        self._agent.open_transport(udp.number, "udp", _advertised(listener, address))
        self._loop.add_reader(bound.fileno(), self._readable, udp)

    def _readable(self, udp: _Udp) -> None:
        udp.socket.receive(self._engine, udp.number, self._clock())
        self._settle()

    def _writable(self, udp: _Udp) -> None:
        if udp.flush() == 0:
            udp.full = False
            self._loop.remove_writer(udp.socket.fileno())

    def _flush(self) -> None:
        for udp in self._udp:
            if udp.flush() and not udp.full:
                udp.full = True
                self._loop.add_writer(udp.socket.fileno(), self._writable, udp)

    # TCP ------------------------------------------------------------------------------------------------

    async def _open_tcp(self, listener: Listener) -> None:
        host, port = listener.address
        server = await self._loop.create_server(self._accept, host, port, backlog=512)
        self._servers.append(server)
        address = HostPort(*server.sockets[0].getsockname()[:2])
        self.bound.append(("tcp", address))
        self._advertised.setdefault("tcp", _advertised(listener, address))

    def _accept(self) -> Connection:
        connection = self._new_connection()
        if len(self._connections) > self._limits.connections:
            connection.closed = True  # aborted as soon as it is made
        else:
            self._agent.open_transport(connection.number, "tcp", self._advertised["tcp"])
        return connection

    def _new_connection(self) -> Connection:
        self._numbers += 1
        connection = Connection(self, self._numbers, self._limits, self._clock)
        self._connections[connection.number] = connection
        return connection

    def _connect(self, kind: str, peer: HostPort) -> Connection:
        connection = self._new_connection()
        connection.peer = peer
        self._by_peer[peer] = connection
        self._agent.open_transport(connection.number, kind, self._advertised[kind])
        self._spawn(self._make_connection(connection))
        return connection

    async def _make_connection(self, connection: Connection) -> None:
        host, port = connection.peer
        try:
            async with asyncio.timeout(self._limits.connect):
                await self._loop.create_connection(lambda: connection, host, port)
        except OSError:  # TimeoutError is one
            connection.closed = True
            self.lost(connection)

    def came(self, connection: Connection, data: bytes) -> None:
        """Bytes from a connection."""
        if connection.peer not in self._by_peer:
            self._by_peer[connection.peer] = connection
        self._engine.receive(data, connection.number, connection.peer, self._clock())
        self._settle()

    def lost(self, connection: Connection) -> None:
        """A connection is gone, or could not be made."""
        if self._connections.pop(connection.number, None) is None:
            return
        if self._by_peer.get(connection.peer) is connection:
            del self._by_peer[connection.peer]
        self._agent.close_transport(connection.number, self._clock())
        self.wake()

    def _close_idle(self) -> None:
        self._sweep = self._loop.call_later(min(_SWEEP, self._limits.idle / 2), self._close_idle)
        silent_since = self._clock() - self._limits.idle
        for connection in list(self._connections.values()):
            if connection.heard_at < silent_since:
                connection.close()

    # Names ----------------------------------------------------------------------------------------------

    async def _look_up(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        kinds = {"udp", *self._advertised} if self._udp else set(self._advertised)
        families = {"6" if ":" in address.host else "4" for _, address in self.bound}
        self._resolved(found, await self._resolver.hops(sought, kinds, families))

    def _resolved(self, found: Callable[[Sequence[Hop]], None], hops: Sequence[Hop]) -> None:
        found(hops)
        self.wake()

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The user agent's turn ------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        self._woken = False
        self._settle()

    def _settle(self) -> None:
        """Let all that has come about take effect, write it, and set the timer."""
        self._settling = True
        try:
            transmits = self._agent.settle(self._clock(), self._flush)
        finally:
            self._settling = False
        for transmit in transmits:
            connection = self._connections.get(transmit.transport)
            if connection is not None:
                connection.write(transmit.data)
        if self._closing:
            for connection in self._closing:
                connection.close()
            self._closing.clear()
        deadline = self._agent.deadline()
        # A timer that goes off too early costs one empty look; setting a new one for every datagram costs more.
        if deadline is not None and (self._timer is None or deadline < self._armed_at - _GRAIN):
            if self._timer is not None:
                self._timer.cancel()
            self._armed_at = max(deadline, self._clock()) + _GRAIN
            self._timer = self._loop.call_at(self._armed_at, self._due)

    def _due(self) -> None:
        self._timer = None
        self._agent.timeout(self._clock())
        self._settle()


def _advertised(listener: Listener, bound: HostPort) -> HostPort:
    """Where peers reach a socket."""
    if listener.advertised is not None:
        return HostPort(listener.advertised, bound.port)
    if bound.host in ("0.0.0.0", "::"):
        return HostPort(_own_address(bound.host), bound.port)
    return bound


def _own_address(wildcard: str) -> str:
    """The address that packets to the world outside leave from; nothing is sent to find it out."""
    v6 = ":" in wildcard
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Documentation addresses (RFC 5737, RFC 3849): routed like any other.
            probe.connect(("2001:db8::1" if v6 else "192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if v6 else "127.0.0.1"
