"""Waking phones through a webhook."""

import asyncio
import json

from gateways.push.gateway import PushSettings, PushWebhook
from softswitch.kernel.address import Party
from softswitch.kernel.binding import PushTarget


async def test_the_webhook_is_told_whom_to_wake_and_who_calls() -> None:
    heard: asyncio.Future[tuple[bytes, bytes]] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()
        heard.set_result((head, body))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    webhook = PushWebhook(PushSettings(url=f"http://127.0.0.1:{port}/wake", token="secret"))
    webhook.wake(PushTarget("fcm", "token-1", "app"), "1001", Party("1002"), "message")
    async with asyncio.timeout(5):
        head, body = await heard
    await webhook.stop()
    server.close()
    assert head.startswith(b"POST /wake HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in head
    assert json.loads(body) == {
        "provider": "fcm",
        "prid": "token-1",
        "param": "app",
        "account": "1001",
        "from": "1002",
        "for": "message",
    }


async def test_a_webhook_that_is_not_there_costs_the_call_nothing() -> None:
    webhook = PushWebhook(PushSettings(url="http://127.0.0.1:1/wake", patience=1.0))
    webhook.wake(PushTarget("fcm", "token-1"), "1001", Party("1002"), "call")
    await asyncio.gather(*webhook._tasks)
    await webhook.stop()
