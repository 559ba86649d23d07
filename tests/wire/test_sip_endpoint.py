"""The SIP gateway on real sockets: what UDP, TCP and name look-ups do to calls."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from gateways.sip.gateway import SipGateway, SipSettings
from gateways.sip.listener import Listener
from softswitch.calls.signals import Ended, Invitation, Target
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec
from tests.support.ua_story import LEG, OURS, Accounts, Switch

pytestmark = pytest.mark.asyncio
HOSTS = ["127.0.0.1", "::1"]


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - real sockets, real time

    def wall_ms(self) -> int:
        return int(time.time() * 1000)  # noqa: TID251


@asynccontextmanager
async def gateway(host: str = "127.0.0.1") -> AsyncIterator[tuple[SipGateway, Switch]]:
    """A gateway on free ports of one host."""
    accounts, switch = Accounts(), Switch()
    settings = SipSettings(
        listeners=(Listener("udp", HostPort(host, 0)), Listener("tcp", HostPort(host, 0))),
    )
    carrier = SipGateway(
        settings, gatekeeper=accounts, location=accounts, watched=accounts, messages=accounts, clock=SystemClock()
    )
    carrier.listen(switch)
    await carrier.start()
    try:
        yield carrier, switch
    finally:
        await carrier.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that the loop will bring about."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - gauges have no event to wait for
            await asyncio.sleep(0.005)


def address(carrier: SipGateway, kind: str) -> HostPort:
    return next(address for bound, address in carrier.bound if bound == kind)


def options(transport: str, number: int = 1, *, body: str = "") -> bytes:
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:9;branch=z9hG4bK{number};rport\r\n"
        f"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: o{number}\r\nCSeq: {number} OPTIONS\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def dial(carrier: SipGateway, uri: str, leg: LegId = LEG) -> None:
    carrier.dial(leg, Invitation(Target(uri), Party("1001"), Party("1002"), OURS))


async def read_until(reader: asyncio.StreamReader, text: bytes) -> bytes:
    async with asyncio.timeout(5):
        return await reader.readuntil(text)


@pytest.mark.parametrize("host", HOSTS)
async def test_a_request_by_udp_is_answered_where_it_came_from(host: str) -> None:
    async with gateway(host) as (carrier, _):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind((host, 0))
            phone.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendto(phone, options("UDP"), address(carrier, "udp"))
            async with asyncio.timeout(5):
                answer = await loop.sock_recv(phone, 65536)
    assert answer.startswith(b"SIP/2.0 200 OK\r\n")


@pytest.mark.parametrize("host", HOSTS)
async def test_pipelined_requests_by_tcp_are_answered_on_their_connection(host: str) -> None:
    async with gateway(host) as (carrier, _):
        reader, writer = await asyncio.open_connection(*address(carrier, "tcp"))
        writer.write(options("TCP", 1) + options("TCP", 2) + b"\r\n\r\n")
        said = b""
        while said.count(b"\r\n\r\n") < 2:
            async with asyncio.timeout(5):
                said += await reader.read(65536)
        writer.close()
    assert b"CSeq: 1 OPTIONS" in said and b"CSeq: 2 OPTIONS" in said


async def test_a_stream_that_cannot_be_read_on_is_answered_and_closed() -> None:
    async with gateway() as (carrier, _):
        reader, writer = await asyncio.open_connection(*address(carrier, "tcp"))
        writer.write(options("TCP").replace(b"Content-Length: 0", b"Content-Length: -5"))
        async with asyncio.timeout(5):
            said = await reader.read()
        writer.close()
        assert said.startswith(b"SIP/2.0 400")
        await until(lambda: carrier.gauges()["transports"] == 1)


async def test_a_call_to_a_port_where_nobody_listens_ends_at_once() -> None:
    async with gateway() as (carrier, switch):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            dial(carrier, f"sip:1002@127.0.0.1:{nobody.getsockname()[1]};transport=tcp")
            await until(lambda: switch.signals)
    ((leg, ended),) = switch.signals
    assert leg == LEG and isinstance(ended, Ended)
    assert (ended.cause, ended.by_party, ended.status) == (Cause.DESTINATION_OUT_OF_ORDER, False, 503)


async def test_calls_to_one_peer_share_a_connection_and_end_with_it() -> None:
    connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    server = await asyncio.start_server(lambda r, w: connections.append((r, w)), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with gateway() as (carrier, switch):
        for number in range(3):
            dial(carrier, f"sip:100{number}@127.0.0.1:{port};transport=TCP", LegId(f"call.{number}"))
        await until(lambda: connections)
        reader, writer = connections[0]
        for number in range(3):
            head = await read_until(reader, b"\r\n\r\n")
            assert head.startswith(f"INVITE sip:100{number}@".encode())
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0]))
        writer.transport.abort()
        await until(lambda: len(switch.signals) == 3)
        assert all(isinstance(signal, Ended) and signal.status == 503 for _, signal in switch.signals)
        assert len(connections) == 1
        await until(lambda: carrier.gauges()["transports"] == 1)
    server.close()


LONG = structs.replace(OURS, codecs=tuple(Codec(96 + number, "L" * 40) for number in range(25)))


@pytest.mark.parametrize("has_tcp", [True, False])
async def test_what_is_too_long_for_udp_goes_over_tcp_where_the_peer_has_it(has_tcp: bool) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.setblocking(False)
        peer = HostPort(*phone.getsockname())
        server = await asyncio.start_server(hear, *peer) if has_tcp else None
        async with gateway() as (carrier, switch):
            target = Target("sip:1002@127.0.0.1", address=peer, tcp_if_large=True)
            carrier.dial(LEG, Invitation(target, Party("1001"), Party("1002"), LONG))
            if has_tcp:
                await until(lambda: heard)
                assert b"Via: SIP/2.0/TCP " in heard[0]
            else:
                async with asyncio.timeout(5):
                    invite = await asyncio.get_running_loop().sock_recv(phone, 65536)
                assert len(invite) > 1300
                assert b"Via: SIP/2.0/UDP " in invite
                assert not switch.signals
        if server is not None:
            server.close()


async def test_a_host_given_by_name_is_looked_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.setblocking(False)
        async with gateway() as (carrier, switch):
            dial(carrier, f"sip:1002@localhost:{phone.getsockname()[1]}")
            async with asyncio.timeout(5):
                said = await asyncio.get_running_loop().sock_recv(phone, 65536)
            assert said.startswith(b"INVITE sip:1002@localhost:")
            dial(carrier, "sip:1002@no-such-name.invalid", LegId("call.9"))
            await until(lambda: switch.signals)
    ((leg, ended),) = switch.signals
    assert leg == "call.9" and isinstance(ended, Ended) and ended.cause is Cause.NO_ROUTE_TO_DESTINATION


async def test_an_address_in_use_is_named_and_nothing_stays_open() -> None:
    async with gateway() as (carrier, _):
        taken = address(carrier, "udp")
        accounts = Accounts()
        settings = SipSettings(listeners=(Listener("tcp", HostPort("127.0.0.1", 0)), Listener("udp", taken)))
        other = SipGateway(
            settings, gatekeeper=accounts, location=accounts, watched=accounts, messages=accounts, clock=SystemClock()
        )
        with pytest.raises(OSError, match=f"cannot listen on udp {taken}"):
            await other.start()
        assert other.bound == []


async def test_a_stun_keep_alive_is_answered_with_the_address_that_it_came_from() -> None:
    cookie, number = bytes.fromhex("2112a442"), bytes(range(12))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.setblocking(False)
        ours = phone.getsockname()[1]
        async with gateway() as (carrier, _):
            phone.sendto(b"\x00\x01\x00\x00" + cookie + number, address(carrier, "udp"))
            async with asyncio.timeout(5):
                said = await asyncio.get_running_loop().sock_recv(phone, 65536)
    assert said[:20] == b"\x01\x01\x00\x0c" + cookie + number
    assert said[20:26] == b"\x00\x20\x00\x08\x00\x01"  # XOR-MAPPED-ADDRESS, IPv4 (RFC 8489 section 14.2)
    assert bytes(a ^ b for a, b in zip(said[28:32], cookie, strict=True)) == bytes((127, 0, 0, 1))
    assert int.from_bytes(said[26:28], "big") ^ 0x2112 == ours
