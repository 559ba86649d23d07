"""Moves bytes between sockets and the engine: UDP in batches, connections, look-ups, one deadline for all timers."""

import asyncio
import functools
from collections.abc import Callable, Sequence

from gateways._native import SipEngine, UdpSocket
from gateways.sip.connections import ConnectionLimits
from gateways.sip.listener import Listener
from gateways.sip.resolver import Resolver
from gateways.sip.streams import CONNECTING, Streams
from gateways.sip.tls import Certificates
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.server_location import Hop, Sought
from softswitch.kernel.address import HostPort
from softswitch.kernel.clock import Clock

_GRAIN = 0.005
"""Seconds by which a timer may be late: what falls due close together is then done in one go."""
_TURN = 64
"""Events that are handled at a time. Between two turns sockets are read again, so that what belongs to calls that are
up overtakes the new ones, and other tasks run."""
_LOOKUPS = 256
"""Names looked up at a time."""


class _Udp:
    """One UDP socket."""

    __slots__ = ("address", "flush", "full", "listener", "number", "socket", "v6")

    def __init__(self, number: int, listener: Listener, bound: UdpSocket, engine: SipEngine) -> None:
        self.number = number
        self.listener = listener
        self.socket = bound
        self.address = HostPort(*bound.address)
        self.v6 = ":" in self.address.host
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
        certificates: Certificates,
    ) -> None:
        self._engine = engine
        self._clock = clock.monotonic
        self._listeners = listeners
        self._resolver = resolver
        self._numbers = 0
        self._udp: list[_Udp] = []
        self._streams = Streams(
            engine, clock.monotonic, limits, certificates, self._next_number, self._settle, self.wake
        )
        self._closing: list[int] = []
        self._lookups: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at = 0.0
        self._woken = False
        self._settling = False
        self.bound: list[tuple[str, HostPort]] = []
        """What is listened on: kind and address."""

    async def start(self, agent: UserAgent) -> None:
        """Open all sockets. Raises OSError naming the address when one cannot be bound; then none stays open."""
        self._agent = agent
        self._loop = asyncio.get_running_loop()
        self._streams.start(agent)
        try:
            for listener in self._listeners:
                self.listen(listener)
        except OSError:
            await self.stop()
            raise
        self.wake()

    async def stop(self) -> None:
        """Write what waits, and close everything."""
        if self._udp:
            self._settle()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for udp in self._udp:
            self._close_socket(udp)
        self._udp.clear()
        await self._streams.stop()
        for task in list(self._lookups):
            task.cancel()
        await asyncio.gather(*self._lookups, return_exceptions=True)
        self.bound.clear()

    def listen(self, listener: Listener) -> HostPort:
        """Listen at one more address; gives it with its port. Raises OSError naming the address."""
        try:
            address = self._open_udp(listener) if listener.kind == "udp" else self._streams.listen(listener)
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {listener.kind} {listener.address}: {error.strerror or error}"
            ) from error
        self.bound.append((listener.kind, address))
        return address

    def stop_listening(self, kind: str, address: HostPort) -> None:
        """Listen there no more. Connections that were made to it stay; calls over a UDP socket go on over another."""
        for udp in self._udp:
            if kind == "udp" and udp.address == address:
                udp.flush()
                self._close_socket(udp)
                self._udp.remove(udp)
                self._agent.close_transport(udp.number, self._clock())
                self.wake()
                break
        else:
            self._streams.stop_listening(kind, address)
        self.bound.remove((kind, address))

    def wake(self) -> None:
        """A command was given from outside: settle soon."""
        if not self._settling and not self._woken:
            self._woken = True
            self._loop.call_soon(self._wake_up)

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    # Network, for the user agent ------------------------------------------------------------------------

    def transport_to(self, hop: Hop) -> int | None:
        """See `context.Network`."""
        if hop.kind != "udp":
            return self._streams.to(hop)
        v6 = ":" in hop.host
        for udp in self._udp:
            if udp.v6 == v6:
                return udp.number
        return None

    def resolve(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        """See `context.Network`."""
        if len(self._lookups) >= _LOOKUPS:
            self._loop.call_soon(self._resolved, found, ())
            return
        task = self._loop.create_task(self._look_up(sought, found))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    def close(self, transport: int) -> None:
        """Close a connection once what was just decided has been written (RFC 3261 section 18.3)."""
        self._closing.append(transport)

    async def _look_up(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        kinds = {"udp", *CONNECTING} if self._udp else set(CONNECTING)
        families = {"6" if ":" in address.host else "4" for _, address in self.bound}
        self._resolved(found, await self._resolver.hops(sought, kinds, families))

    def _resolved(self, found: Callable[[Sequence[Hop]], None], hops: Sequence[Hop]) -> None:
        found(hops)
        self.wake()

    # UDP ------------------------------------------------------------------------------------------------

    def _open_udp(self, listener: Listener) -> HostPort:
        bound = UdpSocket(listener.address.host, listener.address.port)
        udp = _Udp(self._next_number(), listener, bound, self._engine)
        self._udp.append(udp)
        inside = listener.inside_address(udp.address) if listener.inside else None
        self._agent.open_transport(udp.number, "udp", listener.outside_address(udp.address), inside=inside)
        self._loop.add_reader(bound.fileno(), self._readable, udp)
        return udp.address

    def _close_socket(self, udp: _Udp) -> None:
        self._loop.remove_reader(udp.socket.fileno())
        self._loop.remove_writer(udp.socket.fileno())
        udp.socket.close()

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

    # The user agent's turn ------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        self._woken = False
        if self._agent.unsettled:
            for udp in self._udp:
                udp.socket.receive(self._engine, udp.number, self._clock())
        self._settle()

    def _settle(self) -> None:
        """Let all that has come about take effect, write it, and set the timer."""
        self._settling = True
        try:
            transmits = self._agent.settle(self._clock(), self._flush, _TURN)
        finally:
            self._settling = False
        for transmit in transmits:
            self._streams.write(transmit.transport, transmit.data)
        if self._agent.unsettled:
            self.wake()
        if self._closing:
            for number in self._closing:
                self._streams.close(number)
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
