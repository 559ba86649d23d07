"""What one TCP peer may take of the switch: the gateway alone, with limits small enough to be met."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from gateways.sip.connections import ConnectionLimits
from gateways.sip.defence import DefenceSettings
from gateways.sip.gateway import SipGateway, SipSettings
from gateways.sip.listener import Listener
from softswitch.kernel.address import HostPort
from tests.support.ua_story import Accounts
from tests.wire.probe import ANSWER_LIMIT, options


class SystemClock:
    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Peer:
    """One asyncio connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
        self.reader, self.writer, self._target = reader, writer, target

    def request(self, call_id: str) -> bytes:
        host, port = self.writer.get_extra_info("sockname")[:2]
        return options(call_id, host, port, self._target, "TCP")

    async def is_served(self, call_id: str = "served") -> bool:
        """Whether a request is answered; false when the connection is closed instead."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(self.request(call_id))
            async with asyncio.timeout(ANSWER_LIMIT):
                return (await self.reader.read(65536)).startswith(b"SIP/2.0 200 ")
        return False

    async def is_closed(self) -> bool:
        """Wait until the gateway closes; TimeoutError when it does not."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(ANSWER_LIMIT):
                return await self.reader.read() == b""
        return True

    def leave(self) -> None:
        self.writer.transport.abort()


class Gateway:
    """A gateway listening on TCP, and peers to it."""

    def __init__(self, limits: ConnectionLimits) -> None:
        settings = SipSettings(
            listeners=(Listener("tcp", HostPort("127.0.0.1", 0)),), limits=limits, defence=DefenceSettings(limits=None)
        )
        accounts = Accounts()
        self._gateway = SipGateway(
            settings, gatekeeper=accounts, location=accounts, watched=accounts, messages=accounts, clock=SystemClock()
        )
        self._peers: list[Peer] = []

    async def peer(self) -> Peer:
        address = self._gateway.bound[0][1]
        peer = Peer(*await asyncio.open_connection(*address), target=f"{address.host}:{address.port}")
        self._peers.append(peer)
        return peer

    async def start(self) -> None:
        await self._gateway.start()

    async def stop(self) -> None:
        for peer in self._peers:
            peer.leave()
        await self._gateway.stop()


@contextlib.asynccontextmanager
async def listening(limits: ConnectionLimits) -> AsyncIterator[Gateway]:
    gateway = Gateway(limits)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


async def test_a_silent_connection_is_closed() -> None:
    async with listening(ConnectionLimits(idle=0.2)) as gateway:
        spoke, never_spoke, halfway = [await gateway.peer() for _ in range(3)]
        assert await spoke.is_served()
        halfway.writer.write(halfway.request("halfway")[:100])
        assert await spoke.is_closed()
        assert await never_spoke.is_closed()
        assert await halfway.is_closed()
        assert await (await gateway.peer()).is_served()


async def test_beyond_the_limit_a_connection_is_closed_and_the_others_live() -> None:
    async with listening(ConnectionLimits(connections=3)) as gateway:
        admitted = [await gateway.peer() for _ in range(3)]
        for peer in admitted:
            assert await peer.is_served()
        for _ in range(5):
            assert await (await gateway.peer()).is_closed()
        for peer in admitted:
            assert await peer.is_served("still-served")
        admitted[0].writer.close()
        await admitted[0].writer.wait_closed()
        async with asyncio.timeout(ANSWER_LIMIT):
            # The gateway hears of the close in its own time.
            while not await (await gateway.peer()).is_served():
                pass


async def test_a_peer_that_does_not_read_is_cut_off() -> None:
    async with listening(ConnectionLimits(write_buffer=1 << 14)) as gateway:
        deaf = await gateway.peer()
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            for number in range(200_000):
                deaf.writer.write(deaf.request(f"unheard-{number}"))
                await deaf.writer.drain()
        assert await (await gateway.peer()).is_served()
