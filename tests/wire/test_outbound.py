"""Web services that flows ask, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from softswitch.features.ivr import runtime
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.simulator import Prompts, SimulatedCaller
from softswitch.features.ivr.source import from_yaml
from softswitch.kernel.errors import Invalid, NotPermitted
from softswitch.platform.outbound import MOST_BYTES, Outbound


class Service:
    """A web service that answers by the path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.server: asyncio.Server
        self.failures = 0

    @property
    def at(self) -> str:
        host, port = self.server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append((first, headers, body))
            await self.answer(first.split(" ")[1], writer)
            await writer.drain()
        finally:
            writer.close()

    async def answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        status, body, more = "200 OK", b'{"account": {"balance": 12.50}}', ""
        match path.split("?")[0]:
            case "/slow":
                await asyncio.sleep(5)
            case "/away":
                status, more = "302 Found", "Location: http://127.0.0.1:1/secret\r\n"
            case "/endless":
                body = b"x" * (MOST_BYTES + 1)
            case "/sometimes" if self.failures:
                self.failures -= 1
                status = "503 Service Unavailable"
            case "/no":
                status = "404 Not Found"
            case "/words":
                body = b"hello"
        writer.write(
            f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    service.server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    yield service
    service.server.close()
    await service.server.wait_closed()


@pytest.fixture
async def outbound(service: Service) -> AsyncIterator[Outbound]:
    outbound = Outbound([service.at])
    yield outbound
    await outbound.close()


async def test_a_service_that_is_allowed_is_asked(service: Service, outbound: Outbound) -> None:
    answer = await outbound.ask("POST", f"http://{service.at}/x", {"X-Key": "k"}, b"{}", 5)
    assert answer.status == 200 and json.loads(answer.body) == {"account": {"balance": 12.5}}
    first, headers, body = service.asked[0]
    assert first == "POST /x HTTP/1.1" and body == b"{}"
    assert (headers["x-key"], headers["content-type"], headers["accept"]) == ("k", *["application/json"] * 2)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://{at}@127.0.0.1:1/",
        "http://user:password@{at}/",
        "http://127.0.0.1:1#@{at}/",
        "http://127.0.0.1:1\\@{at}/",
        "ftp://{at}/",
        "file:///etc/passwd",
        "//{at}/",
        "http:///x",
    ],
)
async def test_nothing_else_is_asked(service: Service, outbound: Outbound, url: str) -> None:
    with pytest.raises((NotPermitted, Invalid)):
        await outbound.ask("GET", url.replace("{at}", service.at), {}, None, 5)
    assert service.asked == []


async def test_redirects_are_not_followed(service: Service, outbound: Outbound) -> None:
    assert (await outbound.ask("GET", f"http://{service.at}/away", {}, None, 5)).status == 302
    assert len(service.asked) == 1


async def test_an_answer_that_is_late_or_endless_is_none(service: Service, outbound: Outbound) -> None:
    with pytest.raises(TimeoutError, match=r"nothing within 0\.2 s"):
        await outbound.ask("GET", f"http://{service.at}/slow", {}, None, 0.2)
    with pytest.raises(ConnectionError, match="it answers more than"):
        await outbound.ask("GET", f"http://{service.at}/endless", {}, None, 5)
    with pytest.raises(ConnectionError):
        await outbound.ask("GET", f"http://{service.at}/x", {"X": "a\r\nY: b"}, None, 5)


async def test_a_host_may_be_allowed_with_any_port() -> None:
    outbound = Outbound(["127.0.0.1", "crm.example.com:443"])
    assert outbound.allows("127.0.0.1:80") and outbound.allows("CRM.example.com:443")
    assert not outbound.allows("crm.example.com:444") and not outbound.allows("evil.crm.example.com:443")


FLOW = """
flow: x
variables: {{owes: number}}
nodes:
  ask:
    do: http
    url: "http://{at}{path}"
    into: {{owes: account.balance}}
    seconds: 1
    retries: 2
    next: yes
    otherwise: no
  yes: {{do: say, what: {{money: owes, currency: CNY}}, next: end}}
  no: {{do: hang_up}}
  end: {{do: hang_up}}
"""


@pytest.mark.parametrize(
    ("path", "failures", "asked", "result"),
    [
        ("/x", 0, 1, "yes"),
        ("/sometimes", 2, 3, "yes"),
        ("/sometimes", 3, 3, "no"),
        ("/no", 0, 1, "no"),
        ("/words", 0, 1, "no"),
    ],
)
async def test_a_flow_asks_again_when_a_service_fails(
    service: Service, outbound: Outbound, path: str, failures: int, asked: int, result: str
) -> None:
    service.failures = failures
    flow = from_yaml(FLOW.format(at=service.at, path=path), "x", 1)
    prompts = Prompts(lambda language, name: name, lambda name: name, lambda name: 0.01)
    caller = SimulatedCaller(prompts, 0, "1001", "5000", "en")
    facts: list[object] = []
    await runtime.run(caller, "x", {"x": flow}, Parts(web=outbound), facts.append)
    (ended,) = facts
    assert result in [step.node for step in ended.steps]  # type: ignore[attr-defined]
    assert len(service.asked) == asked
    if result == "yes":
        assert "number/12" in caller.lines[0].text
