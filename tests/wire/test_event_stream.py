import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from softswitch.engine.bus import Bus
from softswitch.events import AccountUnregistered, AgentReserved, CallTraced, SwitchStarted, TraceLine
from softswitch.features.callcontrol.feature import build
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.auth import Authenticator, Identity, Role
from softswitch.platform.database import Database
from softswitch.platform.http import build_app
from softswitch.platform.http_server import HttpServer
from softswitch.platform.telemetry import Telemetry
from tests.support.admin_plane import StandingClock

GONE = AccountUnregistered(at=2, aor="1001", contact="sip:1001@127.0.0.1", reason="expired")


@asynccontextmanager
async def served(folder: Path, bus: Bus) -> AsyncIterator[str]:
    """The events of a bus over HTTP on loopback: gives the WebSocket's URL."""
    database = Database(f"sqlite:///{folder / 'switch.db'}")
    await database.migrate()
    feature = build(None, None, None, bus)  # type: ignore[arg-type]  # events ask nothing of them
    assert feature.router is not None
    app = build_app(
        [feature.router],
        database=database,
        authenticator=Authenticator(database, StandingClock(), fixed=[("secret", Identity("a test", Role.VIEWER))]),
        telemetry=Telemetry(),
    )
    server = HttpServer(app, HostPort("127.0.0.1", 0))
    await server.start()
    try:
        yield f"ws://{server.address}/api/v1/events"
    finally:
        await server.stop()
        await database.close()


async def facts(connection: ClientConnection, count: int) -> list[str]:
    return [json.loads(await asyncio.wait_for(connection.recv(), 10))["fact"] for _ in range(count)]


async def test_clients_hear_the_facts_they_ask_for_by_header_or_query_token(tmp_path: Path) -> None:
    bus = Bus()
    async with served(tmp_path, bus) as url:
        header = {"Authorization": "Bearer secret"}
        async with (
            connect(url, additional_headers=header) as everything,
            connect(f"{url}?types=AccountUnregistered&token=secret") as some,
        ):
            bus.publish(SwitchStarted(at=1, version="1"))
            bus.publish(GONE)
            assert await facts(everything, 2) == ["SwitchStarted", "AccountUnregistered"]
            assert await facts(some, 1) == ["AccountUnregistered"]


async def test_the_facts_of_a_queue_come_with_their_names_as_on_the_bus(tmp_path: Path) -> None:
    bus = Bus()
    async with served(tmp_path, bus) as url, connect(f"{url}?queue=sales,support&agent=anna&token=secret") as screen:
        for queue, agent in (("sales", "ben"), ("billing", "anna"), ("support", "anna")):
            bus.publish(AgentReserved(at=1, queue=queue, stay=1, of_call="x-1", agent=agent, attempt=1, steps=()))
        heard = json.loads(await asyncio.wait_for(screen.recv(), 10))
        assert (heard["fact"], heard["queue"], heard["agent"]) == ("AgentReserved", "support", "anna")


@pytest.mark.parametrize(("query", "status"), [("?token=wrong", 401), ("?token=secret&types=Nonsense", 422)])
async def test_who_may_not_hear_or_asks_for_nonsense_is_told_before_the_handshake(
    tmp_path: Path, query: str, status: int
) -> None:
    async with served(tmp_path, Bus()) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url + query)
        assert refused.value.response.status_code == status
        assert b'"title"' in (refused.value.response.body or b"")


async def test_a_browser_says_its_token_in_its_first_message(tmp_path: Path) -> None:
    bus = Bus()
    async with served(tmp_path, bus) as url, connect(f"{url}?types=AccountUnregistered") as browser:
        bus.publish(GONE)  # nobody hears before it is known who listens
        await browser.send('{"token": "secret"}')
        while not (heard := await quiet(browser)):
            bus.publish(SwitchStarted(at=1, version="1"))
            bus.publish(GONE)
        assert heard == "AccountUnregistered"


@pytest.mark.parametrize(
    ("message", "query", "code"),
    [
        ('{"token": "wrong"}', "", 4401),
        ("secret", "", 4401),
        (b"\xff\xfe", "", 4401),
        ('{"token": "' + "x" * 5000 + '"}', "", 4401),
        ('{"token": "secret"}', "?types=Nonsense", 4422),
    ],
)
async def test_a_first_message_that_is_no_token_closes(
    tmp_path: Path, message: str | bytes, query: str, code: int
) -> None:
    async with served(tmp_path, Bus()) as url, connect(url + query) as browser:
        await browser.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(browser.recv(), 10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
        assert closed.value.rcvd.reason


async def quiet(connection: ClientConnection) -> str:
    """The next fact's name; empty: none has come for a moment."""
    try:
        return str(json.loads(await asyncio.wait_for(connection.recv(), 0.05))["fact"])
    except TimeoutError:
        return ""


async def deaf_client(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that says its handshake and from then on reads nothing."""
    host, port = url.removeprefix("ws://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(
        b"GET /api/v1/events?token=secret HTTP/1.1\r\nHost: switch\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " in await reader.readuntil(b"\r\n")
    return reader, writer


async def test_a_client_that_does_not_read_is_closed_and_the_others_hear_on(tmp_path: Path) -> None:
    bus = Bus()
    lines = tuple(TraceLine(0, LegId("x-1.1"), "in", "x" * 100) for _ in range(100))
    large = CallTraced(at=1, call=CallId("x-1"), lines=lines)
    async with served(tmp_path, bus) as url, connect(f"{url}?token=secret&types=SwitchStarted") as quick:
        reader, writer = await deaf_client(url)
        rounds = 30
        for _ in range(rounds):
            # Once the kernel's buffers are full, its queue on our side fills until it is given up.
            for _ in range(100):
                bus.publish(large)
            bus.publish(SwitchStarted(at=1, version="1"))
            assert await facts(quick, 1) == ["SwitchStarted"]
        received = b""
        while b"too slow: the facts waiting" not in received[-200:]:
            received += await asyncio.wait_for(reader.read(1_000_000), 20)
        assert received.count(b'"CallTraced"') < 100 * rounds
        writer.close()
