"""(e) What a call costs when its caller comes by TCP, TLS or WebSocket; the far end is the same SIPp over UDP."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import websockets.asyncio.client
from websockets.typing import Subprotocol

from tests.bench.load import generating
from tests.bench.report import Report
from tests.bench.targets import Target, switch
from tests.support.server import free_sip_port

CONNECTIONS = 20
"""Callers, each on a connection of its own, with one call at a time."""
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[bytes]]


def measure(report: Report, folder: Path, quick: bool) -> None:
    """The same calls by each kind of connection."""
    uas_port = free_sip_port("127.0.0.1")
    with switch(folder / "switch", uas_port) as target, generating("uas", folder, uas_port):
        for kind in ("tcp", "tls", "ws"):
            asyncio.run(_load(target, kind, 1.0))
            before = target.cpu_seconds()
            done, failed, seconds = asyncio.run(_load(target, kind, 3.0 if quick else 10.0))
            cost = round((target.cpu_seconds() - before) / max(done, 1) * 1e6, 1)
            report.line("e", target.name, f"call over {kind}", calls=done, failed=failed, cpu_us=cost)
            rate = f"at {done / seconds:.0f} calls/s, {failed} failed"
            report.result("e", target.name, f"B2BUA call, caller over {kind}: CPU", cost, "µs a call", rate)


async def _load(target: Target, kind: str, seconds: float) -> tuple[int, int, float]:
    started = time.perf_counter()
    outcomes = await asyncio.gather(
        *(_caller(target, kind, f"{kind}{number}", started + seconds) for number in range(CONNECTIONS))
    )
    elapsed = time.perf_counter() - started
    return sum(done for done, _ in outcomes), sum(failed for _, failed in outcomes), elapsed


async def _caller(target: Target, kind: str, name: str, until: float) -> tuple[int, int]:
    if kind == "ws":
        url = f"ws://127.0.0.1:{target.port + 2}"
        async with websockets.asyncio.client.connect(url, subprotocols=[Subprotocol("sip")]) as browser:

            async def send(data: bytes) -> None:
                await browser.send(data.decode())

            async def receive() -> bytes:
                return str(await browser.recv()).encode()

            return await _calls(target, "WS", name, send, receive, until)
    port, context = (target.port + 1, ssl.create_default_context()) if kind == "tls" else (target.port, None)
    if context is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)

    async def write(data: bytes) -> None:
        writer.write(data)

    async def read() -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?im)^content-length: *(\d+)", head)
        return head + await reader.readexactly(int(found[1]) if found else 0)

    try:
        return await _calls(target, kind.upper(), name, write, read, until)
    finally:
        writer.close()


async def _calls(target: Target, via: str, name: str, send: Send, receive: Receive, until: float) -> tuple[int, int]:
    done = failed = number = 0
    while time.perf_counter() < until:
        number += 1
        async with asyncio.timeout(30):
            if await _call(f"{name}-{number}-{until:.0f}", target.port, via, send, receive):
                done += 1
            else:
                failed += 1
    return done, failed


async def _call(call: str, port: int, via: str, send: Send, receive: Receive) -> bool:
    """INVITE, 200, ACK, BYE, 200."""

    def request(method: str, cseq: int, uri: str, to: str, body: str = "") -> bytes:
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{via} 127.0.0.1:9;branch=z9hG4bK{call}{cseq}{method}\r\n"
            f"From: <sip:bench@127.0.0.1>;tag={call}\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:bench@127.0.0.1:9;transport={via.lower()}>\r\nMax-Forwards: 70\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    uri = f"sip:80001@127.0.0.1:{port}"
    await send(request("INVITE", 1, uri, f"<{uri}>", SDP))
    status, head = 100, ""
    while status < 200:
        head = (await receive()).decode()
        status = int(head.split(" ", 2)[1])
    lines = dict(line.split(": ", 1) for line in head.split("\r\n\r\n")[0].split("\r\n")[1:])
    if status != 200:
        await send(request("ACK", 1, uri, lines["To"]))
        return False
    contact = lines["Contact"].strip("<>")
    await send(request("ACK", 1, contact, lines["To"]))
    await send(request("BYE", 2, contact, lines["To"]))
    return (await receive()).startswith(b"SIP/2.0 200 ")
