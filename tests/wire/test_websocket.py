"""SIP over WebSocket (RFC 7118) on real sockets, with the client of the `websockets` library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateways.sip.connections import ConnectionLimits
from gateways.sip.gateway import SipGateway, SipSettings
from gateways.sip.listener import Listener
from gateways.sip.tls import TlsSettings
from softswitch.calls.signals import Invitation, Target
from softswitch.kernel.address import HostPort, Party
from tests.support.certificates import Authority
from tests.support.ua_story import LEG, OURS, Accounts, Switch
from tests.wire.test_sip_endpoint import SystemClock, until
from tests.wire.test_tls import trusting

pytestmark = pytest.mark.asyncio
SIP = [Subprotocol("sip")]
Browser = websockets.asyncio.client.ClientConnection


@asynccontextmanager
async def gateway(
    kind: str = "ws", tls: TlsSettings | None = None, **limits: Any
) -> AsyncIterator[tuple[SipGateway, Switch, str]]:
    """A gateway that listens for WebSockets alone, and its URL."""
    accounts, switch = Accounts(), Switch()
    carrier = SipGateway(
        SipSettings(
            listeners=(Listener(kind, HostPort("127.0.0.1", 0)),),
            tls=tls or TlsSettings(),
            limits=ConnectionLimits(**limits),
        ),
        gatekeeper=accounts,
        location=accounts,
        watched=accounts,
        messages=accounts,
        clock=SystemClock(),
    )
    carrier.listen(switch)
    await carrier.start()
    try:
        yield carrier, switch, f"{kind}://{carrier.bound[0][1]}"
    finally:
        await carrier.stop()


def connect(url: str, **more: object) -> websockets.asyncio.client.connect:
    return websockets.asyncio.client.connect(url, **({"subprotocols": SIP} | more))  # type: ignore[arg-type]


def options(number: int, *, length: str = "Content-Length: 0\r\n", via: str = "WS") -> str:
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{via} df7jal23ls0d.invalid;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: o{number}\r\nCSeq: {number} OPTIONS\r\n{length}\r\n"
    )


async def said(browser: Browser) -> str:
    async with asyncio.timeout(5):
        message = await browser.recv()
    assert isinstance(message, str)
    return message


async def test_each_message_is_one_sip_message_each_way() -> None:
    async with gateway() as (_, _, url), connect(url) as browser:
        assert browser.subprotocol == "sip"
        for number in range(3):
            await browser.send(options(number, length=""))  # RFC 7118: the frame has its own length
        answers = [await said(browser) for _ in range(3)]
        assert all(answer.startswith("SIP/2.0 200 ") for answer in answers)
        assert [f"Call-ID: o{n}\r\n" in answer for n, answer in enumerate(answers)] == [True] * 3
        assert "Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK0;received=127.0.0.1" in answers[0]


async def test_a_message_may_come_in_fragments_and_in_binary() -> None:
    async with gateway() as (_, _, url), connect(url) as browser:
        text = options(1).encode()
        await browser.send([text[:10], text[10:50], text[50:]])
        assert (await said(browser)).startswith("SIP/2.0 200 ")


async def test_keep_alives_of_both_kinds_are_answered() -> None:
    async with gateway() as (_, _, url), connect(url) as browser:
        await browser.send("\r\n\r\n")
        assert await said(browser) == "\r\n"
        async with asyncio.timeout(5):
            await (await browser.ping())


async def test_a_silent_browser_is_asked_for_life_and_may_stay() -> None:
    async with gateway(ask=0.01, idle=0.4) as (carrier, _, url), connect(url, ping_interval=None) as browser:
        await browser.send(options(1))
        await said(browser)
        # Twice the time after which it would be idle: its pongs, which the library sends, keep it.
        await asyncio.sleep(0.8)
        await browser.send(options(2))
        assert (await said(browser)).startswith("SIP/2.0 200 ")
        assert carrier.gauges()["transports"] == 1


async def test_secure_websockets_say_wss_in_via_and_ws_in_uris(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = TlsSettings(certificates=(authority.sign("localhost", "127.0.0.1"),))
    async with gateway("wss", tls) as (carrier, _, url), connect(url, ssl=trusting(authority)) as browser:
        await browser.send(options(1, via="WSS"))
        assert "Via: SIP/2.0/WSS df7jal23ls0d.invalid" in await said(browser)
        number = next(iter(carrier._agent._context.transports))  # as a binding would hold it
        target = Target("sip:x@df7jal23ls0d.invalid;transport=ws", "wss", HostPort("127.0.0.1", 9), connection=number)
        carrier.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS))
        invite = await said(browser)
        assert invite.startswith("INVITE sip:x@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\n")
        assert "Via: SIP/2.0/WSS 127.0.0.1:" in invite
        assert ";transport=ws>" in invite.split("Contact: ", 1)[1].split("\r\n", 1)[0]


@pytest.mark.parametrize("offered", [None, [Subprotocol("chat")]])
async def test_who_does_not_speak_sip_is_refused(offered: list[Subprotocol] | None) -> None:
    async with gateway() as (carrier, _, url):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, subprotocols=offered):
                pass
        assert refused.value.response.status_code == 400
        await until(lambda: carrier.gauges()["transports"] == 0)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" * 50, b"OPTIONS sip:a SIP/2.0\r\n" * 9])
async def test_what_is_no_handshake_is_closed(garbage: bytes) -> None:
    async with gateway(connect=0.5) as (_, _, url):
        host, _, port = url.removeprefix("ws://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(garbage)
        async with asyncio.timeout(5):
            said = await reader.read()
        assert said == b"" or said.startswith(b"HTTP/1.1 4")
        writer.close()


async def test_who_never_finishes_the_handshake_is_cut_off() -> None:
    async with gateway(connect=0.2) as (_, _, url):
        host, _, port = url.removeprefix("ws://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("fragments", [[b"x" * 70_000], [b"x" * 1000] * 70, [b""] * 100])
async def test_a_message_that_is_too_long_ends_the_connection(fragments: list[bytes]) -> None:
    async with gateway() as (_, _, url), connect(url) as browser:
        with pytest.raises(ConnectionClosed) as closed:
            await browser.send(fragments)
            await said(browser)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009


async def test_more_connections_than_may_be_are_not_taken() -> None:
    async with gateway(connections=1) as (_, _, url), connect(url) as first:
        with pytest.raises((OSError, EOFError, websockets.exceptions.InvalidMessage)):
            async with connect(url):
                pass
        await first.send(options(1))
        assert (await said(first)).startswith("SIP/2.0 200 ")
