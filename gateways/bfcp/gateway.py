"""The sockets of floor control: UDP and TCP on one port (RFC 8855, RFC 8856)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import cast

import structlog

from gateways.bfcp.floors import Effect, Floors, Member, Send
from gateways.bfcp.messages import HEADER, length_of
from softswitch.kernel.address import HostPort
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import RemoteProtocolError

SILENT_SECONDS = 30.0
"""How long a connection may say nothing that anybody is known by."""
MOST_CONNECTIONS = 500
MOST_UNKNOWN = 20
"""Connections from one host of which nobody knows yet whose they are."""
MOST_GUESSES = 20
"""Messages from one host that name a conference and no user of it, or one that is another's: after these it is heard no
more in that conference."""
MOST_GUESSERS = 1000
MOST_UNSENT = 64 * 1024
"""Octets that a connection has not taken: it is ended."""

log = structlog.get_logger(__name__)


class _Way:
    """How a user is reached: by UDP to where it last spoke from, or by its connection."""

    def __init__(self, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self.send = send
        self.close = close


class _Room:
    """One conference with its users."""

    def __init__(self, floors: Floors, holds: Callable[[int | None], None]) -> None:
        self.floors = floors
        self.holds = holds
        self.hosts: dict[int, str] = {}
        """Where each user spoke from first; empty: it has not spoken."""
        self.ways: dict[int, _Way] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.guesses: Counter[str] = Counter()
        """By host."""

    def may_speak(self, user: int, host: str) -> bool:
        """Whether a user may speak from a host: from the first one, where that has not tried out who there is."""
        if self.guesses[host] < MOST_GUESSES or self.hosts.get(user) == host:
            if user in self.hosts and not self.hosts[user]:
                self.hosts[user] = host
            if self.hosts.get(user) == host:
                return True
        if host in self.guesses or len(self.guesses) < MOST_GUESSERS:
            self.guesses[host] += 1
        return False


class BfcpGateway:
    """Provides floors to conferences.

    A user is who names its conference and its number, which it has from SIP alone, and comes from the host that it came
    from first.
    """

    def __init__(self, listen: HostPort, clock: Clock, advertised: str = "") -> None:
        """`advertised`: the host that phones are told; empty: that of `listen`."""
        self._listen = listen
        self._advertised = advertised or listen.host
        self._clock = clock
        self._rooms: dict[int, _Room] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._unknown: Counter[str] = Counter()
        """Connections by host of which it is not known yet whose they are."""
        self.refused = 0
        """Messages and connections of strangers."""

    async def start(self) -> None:
        """Open the sockets. Raises OSError."""
        loop = asyncio.get_running_loop()
        host, port = self._listen
        self._tcp = await asyncio.start_server(self._connected, host, port)
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        except OSError:
            await self.stop()
            raise
        self._udp = transport

    async def stop(self) -> None:
        """Close the sockets. Stopping twice does nothing."""
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._tcp is not None:
            self._tcp.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._tcp.wait_closed()
            self._tcp = None
        for conference in list(self._rooms):
            self.close_floor(conference)

    @property
    def address(self) -> HostPort:
        """Where phones reach it."""
        return HostPort(self._advertised, self._listen.port)

    # What conferences ask ---------------------------------------------------------------------------------

    def open_floor(self, conference: int, may_have: Callable[[int], bool], holds: Callable[[int | None], None]) -> None:
        """Make a conference's floor. `conference`: its number on the wire, 32 bits that are not to be guessed;
        `may_have` tells whether a user may have it now, `holds` is told who has it; None: nobody."""
        self._rooms[conference] = _Room(Floors(conference, may_have), holds)

    def add_user(self, conference: int, user: int, name: str = "", uri: str = "") -> None:
        """A user (1 to 65535) may ask for the floor from now on."""
        room = self._rooms[conference]
        room.hosts[user] = ""
        room.floors.add(Member(user, name, uri))

    def remove_user(self, conference: int, user: int) -> None:
        """It may no more, and the floor that it has is free. Removing twice does nothing."""
        room = self._rooms.get(conference)
        if room is not None and room.hosts.pop(user, None) is not None:
            self._carry_out(room, room.floors.remove(user, self._clock.monotonic()))
            way = room.ways.pop(user, None)
            if way is not None:
                way.close()

    def revoke(self, conference: int) -> None:
        """Take the floor from whoever has it."""
        room = self._rooms.get(conference)
        if room is not None:
            self._carry_out(room, room.floors.revoke(self._clock.monotonic()))

    def close_floor(self, conference: int) -> None:
        """The conference is over. Closing twice does nothing."""
        room = self._rooms.pop(conference, None)
        if room is not None:
            if room.timer is not None:
                room.timer.cancel()
            for way in room.ways.values():
                way.close()

    # What users say ---------------------------------------------------------------------------------------

    def datagram(self, data: bytes, source: tuple[str, int]) -> None:
        """A message by UDP."""
        found = self._whose(data, source[0])
        if found is None:
            self.refused += 1
            return
        room, user = found
        udp = self._udp
        assert udp is not None
        self._take(room, user, data, _Way(lambda answer: udp.sendto(answer, source), lambda: None))

    def _whose(self, data: bytes, host: str) -> tuple[_Room, int] | None:
        """The conference and the user that a message names, if it may come from there."""
        if len(data) < HEADER.size:
            return None
        conference, user = int.from_bytes(data[4:8], "big"), int.from_bytes(data[10:12], "big")
        room = self._rooms.get(conference)
        return (room, user) if room is not None and room.may_speak(user, host) else None

    def _take(self, room: _Room, user: int, data: bytes, way: _Way) -> None:
        before = room.ways.get(user)
        room.ways[user] = way
        if before is not None and before.close is not way.close:
            before.close()
        self._carry_out(room, room.floors.receive(user, data, self._clock.monotonic()))

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = (writer.get_extra_info("peername") or ("",))[0]  # None: it has gone already
        if len(self._connections) >= MOST_CONNECTIONS or self._unknown[host] >= MOST_UNKNOWN:
            self.refused += 1
            writer.close()
            return
        self._unknown[host] += 1
        task = asyncio.create_task(self._serve(reader, writer, host))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    def _is_known(self, host: str) -> None:
        """A connection's: whose it is, or that it is over before that."""
        self._unknown[host] -= 1
        if not self._unknown[host]:
            del self._unknown[host]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        """One connection, until it ends or says what cannot be."""
        transport = writer.transport

        def send(data: bytes) -> None:
            if transport.get_write_buffer_size() > MOST_UNSENT:
                transport.abort()
            else:
                writer.write(data)

        way = _Way(send, writer.close)
        mine: tuple[_Room, int] | None = None
        try:
            while True:
                async with asyncio.timeout(SILENT_SECONDS if mine is None else None):
                    header = await reader.readexactly(HEADER.size)
                    message = header + await reader.readexactly(length_of(header) - HEADER.size)
                found = self._whose(message, host)
                if found is None or (mine is not None and found != mine):
                    self.refused += 1
                    return
                if mine is None:
                    self._is_known(host)
                mine = found
                self._take(*found, message, way)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, RemoteProtocolError) as error:
            log.debug("a connection of floor control has ended", host=host, why=str(error))
        finally:
            writer.close()
            if mine is None:
                self._is_known(host)
            elif mine[0].ways.get(mine[1]) is way:
                del mine[0].ways[mine[1]]

    # What comes of it -------------------------------------------------------------------------------------

    def _carry_out(self, room: _Room, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                way = room.ways.get(effect.user)
                if way is not None:
                    way.send(effect.data)
            else:
                room.holds(effect.user)
        if room.timer is not None:
            room.timer.cancel()
        due = room.floors.deadline()
        room.timer = None
        if due is not None:
            wait = max(0.0, due - self._clock.monotonic())
            room.timer = asyncio.get_running_loop().call_later(wait, self._tick, room)

    def _tick(self, room: _Room) -> None:
        self._carry_out(room, room.floors.tick(self._clock.monotonic()))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, gateway: BfcpGateway) -> None:
        self._gateway = gateway

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._gateway.datagram(data, addr)

    def error_received(self, exc: Exception) -> None:
        log.debug("a message of floor control could not be sent", why=str(exc))
