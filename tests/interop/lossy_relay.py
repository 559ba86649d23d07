"""A bad line between phones and the switch: all their media pass here, both ways, and some packets do not.

The switch is told that phones reach its media at `HOST` (`media.advertised`), where this listens on the same port
numbers and hands on to the switch's own address, as a NAT would.
"""

import asyncio
import functools
import random
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.server import Server

HOST = "127.0.0.2"
SWITCH = "127.0.0.1"
Address = tuple[str, int]


ENVIRONMENT: Mapping[str, str] = {
    "SOFTSWITCH_MEDIA_LISTEN": SWITCH,
    "SOFTSWITCH_MEDIA_ADVERTISED": HOST,
    "SOFTSWITCH_MEDIA_FIRST_PORT": "0",
    "SOFTSWITCH_MEDIA_LEGS": "20",
}
"""Of a switch whose media pass here."""


class LossyRelay:
    """`async with LossyRelay(switch) as line`. It passes everything until `loss` is set."""

    def __init__(self, switch: Server, *, seed: int = 1) -> None:
        self._ports = udp_ports(switch.process.pid)
        self._random = random.Random(seed)
        self.loss = 0.0
        """The part of packets that is lost, each way."""
        self.lost: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        """`up` to the switch and `down` from it, while there is loss."""
        self._open: list[asyncio.DatagramTransport] = []

    async def __aenter__(self) -> Self:
        for port in self._ports:
            await self.open(functools.partial(_Outside, self, port), local=(HOST, port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in self._open:
            transport.close()

    async def open(
        self, protocol: Callable[[], asyncio.DatagramProtocol], local: Address, remote: Address | None = None
    ) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            protocol, local_addr=local, remote_addr=remote
        )
        self._open.append(transport)

    def passes(self, way: str) -> bool:
        """Whether the next packet gets through."""
        if not self.loss:
            return True
        lost = self._random.random() < self.loss
        (self.lost if lost else self.passed)[way] += 1
        return not lost


class _Outside(asyncio.DatagramProtocol):
    """One port that phones send to. Each phone has a socket of its own towards the switch."""

    def __init__(self, relay: LossyRelay, port: int) -> None:
        self._relay = relay
        self._port = port
        self._inner: dict[Address, asyncio.DatagramTransport | None] = {}
        self._opening: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, phone: Address) -> None:
        if phone not in self._inner:
            self._inner[phone] = None
            inside = functools.partial(_Inside, self._relay, self, phone)
            opening = asyncio.create_task(self._relay.open(inside, (HOST, 0), (SWITCH, self._port)))
            self._opening.add(opening)
        inner = self._inner[phone]
        if inner is not None and self._relay.passes("up"):
            inner.sendto(data)

    def reaches(self, phone: Address, inner: asyncio.DatagramTransport) -> None:
        self._inner[phone] = inner


class _Inside(asyncio.DatagramProtocol):
    """What one phone is to the switch."""

    def __init__(self, relay: LossyRelay, outside: _Outside, phone: Address) -> None:
        self._relay = relay
        self._outside = outside
        self._phone = phone

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._outside.reaches(self._phone, transport)

    def datagram_received(self, data: bytes, _: Address) -> None:
        if self._relay.passes("down"):
            self._outside.transport.sendto(data, self._phone)


def udp_ports(pid: int) -> list[int]:
    """Those that a process listens on at the switch's own address."""
    links = (link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir())
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    here = socket.inet_aton(SWITCH)[::-1].hex().upper()
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return [int(row[1][9:], 16) for row in rows if row[9] in inodes and row[1].startswith(here)]
