"""A simulated datagram network on virtual time: hosts by address, each direction with its own seeded bad luck.

Every packet is logged; `ladder()` prints what a failing test needs to see.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple

from gateways._native import Netem
from softswitch.kernel.address import HostPort

Receive = Callable[[bytes, HostPort], None]


class Conditions(NamedTuple):
    """How bad the network is: probabilities 0..1 and seconds, as `Netem` takes them."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0


class Packet(NamedTuple):
    """One datagram on its way, and when its copies arrive (none: it was lost)."""

    sent_at: float
    source: HostPort
    destination: HostPort
    data: bytes
    arrivals: tuple[float, ...]

    @property
    def title(self) -> str:
        """The start line, CSeq and Call-ID: what a ladder shows."""
        head = self.data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace").split("\r\n")
        values = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = " +sdp" if b"\r\n\r\nv=0" in self.data else ""
        return (
            f"{head[0].removesuffix(' SIP/2.0')}{body} [{values.get('cseq', '?')}, {values.get('call-id', '?')[:12]}]"
        )

    def starts(self, *words: str) -> bool:
        """Whether the start line begins with one of these: `INVITE`, `SIP/2.0 200` ..."""
        return self.data.startswith(tuple(word.encode() for word in words))


class Network:
    """Who is attached hears what is sent to its address; what is sent to nobody is lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, conditions: Conditions | None = None, *, seed: int = 0) -> None:
        self._loop = loop
        self._conditions = conditions or Conditions()
        self._seed = seed
        self._hosts: dict[HostPort, Receive] = {}
        self._paths: dict[tuple[HostPort, HostPort], Netem] = {}
        self.packets: deque[Packet] = deque(maxlen=100_000)
        self.meddle: Callable[[Packet], float | None] | None = None
        """For stories: seconds of extra delay for a packet, None to lose it."""
        self.in_flight = 0

    def attach(self, address: HostPort, receive: Receive) -> None:
        assert address not in self._hosts, f"{address} is taken"
        self._hosts[address] = receive

    def detach(self, address: HostPort) -> None:
        """Pull the plug: what is under way to this address is lost too."""
        self._hosts.pop(address, None)

    def send(self, data: bytes, source: HostPort, destination: HostPort) -> None:
        now = self._loop.time()
        path = self._paths.get((source, destination))
        if path is None:
            path = self._paths[source, destination] = self._path(source, destination)
        arrivals = path.send(now)
        packet = Packet(now, source, destination, data, tuple(arrivals))
        if self.meddle is not None:
            extra = self.meddle(packet)
            packet = packet._replace(arrivals=() if extra is None else tuple(at + extra for at in arrivals))
        self.packets.append(packet)
        for at in packet.arrivals:
            self.in_flight += 1
            self._loop.call_at(at, self._deliver, data, source, destination)

    def _path(self, source: HostPort, destination: HostPort) -> Netem:
        # A path's luck depends on its ends and the seed, not on the order in which paths were first used.
        return Netem(
            self._seed * 1_000_003 + zlib.crc32(f"{source}>{destination}".encode()), **self._conditions._asdict()
        )

    def _deliver(self, data: bytes, source: HostPort, destination: HostPort) -> None:
        self.in_flight -= 1
        receive = self._hosts.get(destination)
        if receive is not None:
            receive(data, source)

    def ladder(self, containing: Collection[str] = (), limit: int = 400) -> str:
        """The last packets that contain one of some texts (Call-IDs, say), or any packet; one a line."""
        wanted = [text.encode() for text in containing]
        chosen = [packet for packet in self.packets if not wanted or any(text in packet.data for text in wanted)]
        return "\n".join(
            f"{packet.sent_at:9.3f}  {packet.source!s:>18} → {packet.destination!s:<18} {packet.title}  "
            + (" ".join(f"+{at - packet.sent_at:.3f}" for at in packet.arrivals) or "LOST")
            for packet in chosen[-limit:]
        )
