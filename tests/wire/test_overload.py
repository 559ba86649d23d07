"""Overload as phones see it: new work waits or is turned away, and what has begun goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateways.sip.defence import DefenceSettings, Pressure
from gateways.sip.gateway import SipGateway, SipSettings
from gateways.sip.listener import Listener
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

    def send(self, method: str, user: str = "1002", to_tag: str = "") -> None:
        self.number += 1
        host, port = self.socket.getsockname()
        self.socket.send(
            f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\n"
            f'Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{self.number};rport;oc;oc-algo="loss"\r\n'
            f"From: <sip:1001@127.0.0.1>;tag={self.number}\r\nTo: <sip:{user}@127.0.0.1>{to_tag}\r\n"
            f"Call-ID: {self.number}@{port}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:1001@{host}:{port}>\r\nContent-Length: 0\r\n\r\n".encode()
        )

    async def hears(self, method: str = "") -> str:
        """The next message, or the next answer to a method."""
        async with asyncio.timeout(10):
            while True:
                text = (await asyncio.get_running_loop().sock_recv(self.socket, 65536)).decode()
                if f" {method}\r\n" in text or not method:
                    return text


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
        assert (await peer.hears("OPTIONS")).startswith("SIP/2.0 200")
    finally:
        peer.socket.close()


async def test_however_many_are_new_others_have_their_turn_and_what_has_begun_is_answered_first(
    gateway: SipGateway,
) -> None:
    peer = Peer(gateway.bound[0][1])
    try:
        admitted = gateway.gauges()["engine_admitted"]
        for _ in range(150):
            peer.send("OPTIONS")
        peer.send("BYE", to_tag=";tag=nobody")
        # All of them are in the socket now, and are read at once; then some are answered at each turn of the loop, and
        # others get their turn.
        seen: list[int] = []
        async with asyncio.timeout(10):
            while not seen or seen[-1] < 150:
                await asyncio.sleep(0)
                seen.append(gateway.gauges()["engine_admitted"] - admitted)
        turns = [after - before for before, after in zip([0, *seen], seen, strict=False)]
        assert max(turns) <= 64
        assert len([turn for turn in turns if turn]) >= 3
        answers = [await peer.hears() for _ in range(151)]
        begun = next(number for number, answer in enumerate(answers) if "BYE" in answer)
        assert answers[begun].startswith("SIP/2.0 481")
        assert begun < 2, "it overtakes what came before it"
    finally:
        peer.socket.close()
