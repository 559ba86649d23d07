"""Overload as phones see it: new work waits or is turned away, and what has begun goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateways.sip.defence import DefenceSettings, Pressure
from gateways.sip.endpoint import Listener
from gateways.sip.gateway import SipGateway, SipSettings
from softswitch.app import SystemClock
from softswitch.kernel.address import HostPort
from tests.support.ua_story import Accounts, Switch


class Load:
    """What the gateway is told of the rest of the switch."""

    def __init__(self) -> None:
        self.log = 0.0

    def __call__(self) -> Pressure:
        return Pressure(log=self.log)


@pytest.fixture
def load() -> Load:
    return Load()


@pytest.fixture
async def gateway(load: Load) -> AsyncIterator[SipGateway]:
    settings = SipSettings(
        listeners=(Listener("udp", HostPort("127.0.0.1", 0)),), defence=DefenceSettings(emergency=("112",))
    )
    accounts = Accounts()
    gateway = SipGateway(
        settings,
        gatekeeper=accounts,
        location=accounts,
        watched=accounts,
        messages=accounts,
        clock=SystemClock(),
        pressure=load,
    )
    gateway.listen(Switch())
    await gateway.start()
    yield gateway
    await gateway.stop()


class Peer:
    """A UDP socket that asks and listens."""

    def __init__(self, server: HostPort) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(server)
        self.number = 0

    def send(self, method: str, user: str = "1002") -> None:
        self.number += 1
        host, port = self.socket.getsockname()
        self.socket.send(
            f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\n"
            f'Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{self.number};rport;oc;oc-algo="loss"\r\n'
            f"From: <sip:1001@127.0.0.1>;tag={self.number}\r\nTo: <sip:{user}@127.0.0.1>\r\n"
            f"Call-ID: {self.number}@{port}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:1001@{host}:{port}>\r\nContent-Length: 0\r\n\r\n".encode()
        )

    async def hears(self) -> str:
        async with asyncio.timeout(10):
            return (await asyncio.get_running_loop().sock_recv(self.socket, 65536)).decode()


async def test_when_the_log_is_nearly_full_new_work_gets_503_and_is_let_in_again_after(
    gateway: SipGateway, load: Load
) -> None:
    peer = Peer(gateway.bound[0][1])
    try:
        peer.send("OPTIONS")
        assert (await peer.hears()).startswith("SIP/2.0 200")
        load.log = 1.0
        while gateway.gauges()["overload"] < 100:  # noqa: ASYNC110 - a gauge tells nobody when it changes
            await asyncio.sleep(0.02)
        peer.send("OPTIONS")
        answer = await peer.hears()
        assert answer.startswith("SIP/2.0 503")
        assert "Retry-After:" in answer
        assert ';oc=100;oc-algo="loss";oc-validity=500;oc-seq=' in answer
        peer.send("INVITE", "112")
        assert (await peer.hears()).startswith("SIP/2.0 401")  # looked at, whatever the load
        load.log = 0.0
        while gateway.gauges()["overload"] > 0:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        peer.send("OPTIONS")
        assert (await peer.hears()).startswith("SIP/2.0 200")
    finally:
        peer.socket.close()


async def test_a_full_socket_does_not_keep_timers_waiting_until_it_is_empty(gateway: SipGateway) -> None:
    peer = Peer(gateway.bound[0][1])
    try:
        received = gateway.gauges()["engine_received"]
        for _ in range(500):
            peer.send("OPTIONS")
        # All of them wait in the socket now. At each turn of the loop some are read, and others get their turn.
        seen = []
        while not seen or seen[-1] < 500:
            await asyncio.sleep(0)
            seen.append(gateway.gauges()["engine_received"] - received)
        assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) <= 64
    finally:
        peer.socket.close()
