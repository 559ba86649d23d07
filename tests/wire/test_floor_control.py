"""Floor control on real sockets: two users of a conference, by UDP and by TCP, and strangers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateways.bfcp.floors import FLOOR
from gateways.bfcp.gateway import MOST_GUESSES, MOST_UNKNOWN, BfcpGateway
from gateways.bfcp.messages import (
    RELIABLE,
    UNRELIABLE,
    Attribute,
    Kind,
    Message,
    Primitive,
    length_of,
    number,
    parse,
)
from softswitch.app import SystemClock
from softswitch.kernel.address import HostPort
from tests.support.server import free_sip_port

ROOM = 0x5EED5EED


class Floor:
    """A gateway with one conference, and who had its floor in turn."""

    def __init__(self) -> None:
        self.gateway = BfcpGateway(HostPort("127.0.0.1", free_sip_port("127.0.0.1")), SystemClock())
        self.held: asyncio.Queue[int | None] = asyncio.Queue()

    async def holder(self) -> int | None:
        async with asyncio.timeout(20):
            return await self.held.get()


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    floor = Floor()
    await floor.gateway.start()
    floor.gateway.open_floor(ROOM, lambda user: True, floor.held.put_nowait)
    for user in (1, 2):
        floor.gateway.add_user(ROOM, user, f"user {user}", f"sip:{user}@example.com")
    yield floor
    await floor.gateway.stop()


def says(primitive: Primitive, user: int, version: int, *attributes: Attribute, room: int = ROOM) -> bytes:
    message = Message(
        primitive=primitive, conference=room, transaction=7, user=user, attributes=attributes, version=version
    )
    return message.print()


def _address(floor: Floor) -> tuple[str, int]:
    return floor.gateway.address.host, floor.gateway.address.port


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[Message] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(parse(data))

    async def hear(self) -> Message:
        async with asyncio.timeout(20):
            return await self.heard.get()


async def hear(reader: asyncio.StreamReader) -> Message:
    async with asyncio.timeout(20):
        header = await reader.readexactly(12)
        return parse(header + await reader.readexactly(length_of(header) - 12))


async def test_the_floor_goes_from_a_user_by_udp_to_one_by_tcp_and_is_free_when_that_has_left(floor: Floor) -> None:
    loop, address = asyncio.get_running_loop(), _address(floor)
    transport, first = await loop.create_datagram_endpoint(Datagrams, remote_addr=address)
    reader, writer = await asyncio.open_connection(*address)
    try:
        transport.sendto(says(Primitive.FLOOR_REQUEST, 1, UNRELIABLE, number(Kind.FLOOR_ID, FLOOR)))
        assert (await first.hear()).primitive == Primitive.FLOOR_REQUEST_STATUS
        assert await floor.holder() == 1
        # In two pieces, as TCP may deliver it.
        asked = says(Primitive.FLOOR_REQUEST, 2, RELIABLE, number(Kind.FLOOR_ID, FLOOR))
        writer.write(asked[:5])
        await writer.drain()
        writer.write(asked[5:])
        assert (await hear(reader)).primitive == Primitive.FLOOR_REQUEST_STATUS
        assert await floor.holder() == 2
        revoked, again = await first.hear(), await first.hear()
        assert revoked.transaction == again.transaction != 0, "what is not acknowledged is told again"
        floor.gateway.remove_user(ROOM, 2)
        assert await floor.holder() is None
        while (told := await reader.read(4096)) != b"":
            assert parse(told).transaction == 0
    finally:
        transport.close()
        writer.close()


@pytest.mark.parametrize(
    "said",
    [
        says(Primitive.HELLO, 9, RELIABLE),
        says(Primitive.HELLO, 1, RELIABLE, room=ROOM + 1),
        b"\x20\x0b\xff\xff" + bytes(8),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["user", "conference", "length", "http"],
)
async def test_a_stranger_is_told_nothing(floor: Floor, said: bytes) -> None:
    reader, writer = await asyncio.open_connection(*_address(floor))
    writer.write(said)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()
    assert floor.held.empty()


async def test_a_user_comes_only_from_where_it_came_first(floor: Floor) -> None:
    loop, address = asyncio.get_running_loop(), _address(floor)
    foreign, heard = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.2", 0), remote_addr=address)
    known, answered = await loop.create_datagram_endpoint(Datagrams, remote_addr=address)
    known.sendto(says(Primitive.HELLO, 1, UNRELIABLE))
    assert (await answered.hear()).primitive == Primitive.HELLO_ACK
    foreign.sendto(says(Primitive.FLOOR_REQUEST, 1, UNRELIABLE, number(Kind.FLOOR_ID, FLOOR)))
    known.sendto(says(Primitive.GOODBYE, 1, UNRELIABLE))
    assert (await answered.hear()).primitive == Primitive.GOODBYE_ACK
    assert heard.heard.empty() and floor.gateway.refused == 1
    foreign.close()
    known.close()


async def test_who_tries_out_numbers_of_users_is_heard_no_more(floor: Floor) -> None:
    loop, address = asyncio.get_running_loop(), _address(floor)
    foreign, heard = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.2", 0), remote_addr=address)
    known, answered = await loop.create_datagram_endpoint(Datagrams, remote_addr=address)
    known.sendto(says(Primitive.HELLO, 1, UNRELIABLE))
    assert (await answered.hear()).primitive == Primitive.HELLO_ACK
    for user in range(100, 100 + MOST_GUESSES):
        foreign.sendto(says(Primitive.HELLO, user, UNRELIABLE))
    foreign.sendto(says(Primitive.FLOOR_REQUEST, 2, UNRELIABLE, number(Kind.FLOOR_ID, FLOOR)))
    # The number that it has found in the end is another's still.
    known.sendto(says(Primitive.HELLO, 2, UNRELIABLE))
    assert (await answered.hear()).primitive == Primitive.HELLO_ACK
    assert heard.heard.empty() and floor.held.empty() and floor.gateway.refused == MOST_GUESSES + 1
    foreign.close()
    known.close()


async def test_one_host_that_says_nothing_leaves_room_for_others(floor: Floor) -> None:
    address = _address(floor)
    silent = [await asyncio.open_connection(*address, local_addr=("127.0.0.2", 0)) for _ in range(MOST_UNKNOWN)]
    refused, writer = await asyncio.open_connection(*address, local_addr=("127.0.0.2", 0))
    async with asyncio.timeout(20):
        assert await refused.read() == b""
    writer.close()
    reader, other = await asyncio.open_connection(*address)
    other.write(says(Primitive.HELLO, 1, RELIABLE))
    assert (await hear(reader)).primitive == Primitive.HELLO_ACK
    other.close()
    for _, writer in silent:
        writer.close()
    # And these have left no trace.
    async with asyncio.timeout(20):
        while True:
            reader, again = await asyncio.open_connection(*address, local_addr=("127.0.0.2", 0))
            again.write(says(Primitive.HELLO, 2, RELIABLE))
            try:
                assert (await hear(reader)).primitive == Primitive.HELLO_ACK
                break
            except asyncio.IncompleteReadError:
                again.close()
    again.close()
