"""The media doctor on real sockets: callers with faults are named by their fault, and a hundred well ones by none.

All calls go to the echo at once; each caller is a number of its own, so that its record is found.
"""

import asyncio
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from tests.support.server import Server, running
from tests.wire.rtp_party import Party

TALK = 2.6
"""Seconds: long enough that silence is a fault."""
HEALTHY = 100


@dataclass(frozen=True)
class Caller:
    """How one caller behaves."""

    number: str
    says: str = "127.0.0.1"
    """The address in its description."""
    speaks_from: str = "127.0.0.1"
    protocol: str = "RTP/AVP"
    codecs: str = "8 101"
    payload_type: int | None = 8
    """None: it says nothing."""
    starts_after: float = 0.0
    loses_every: int = 0
    """Every so many packets get lost on the way."""


FAULTS = {
    "private_address": Caller("private", says="192.168.77.1", payload_type=None),
    "no_rtp": Caller("mute", payload_type=None),
    "other_address": Caller("moved", speaks_from="127.0.0.2"),
    "refused_payload": Caller("odd", payload_type=18),
    "srtp_against_rtp": Caller("secure", protocol="RTP/SAVP"),
    "no_common_codec": Caller("foreign", codecs="18"),
    "late_rtp": Caller("late", starts_after=3.2),
    "loss": Caller("lossy", loses_every=5),
}


class Phone(asyncio.DatagramProtocol):
    """SIP of one caller."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.host, self.port = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, address: object) -> None:
        self.heard.put_nowait(data.decode())

    def say(self, method: str, caller: Caller, cseq: int, *, to: str = "", body: str = "") -> None:
        server = f"{self._server[0]}:{self._server[1]}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._transport.sendto(
            f"{method} sip:9196@{server} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK-{self.port}-{cseq}-{method};rport\r\n"
            f"From: <sip:{caller.number}@{self.host}>;tag={self.port}\r\n"
            f"To: {to or f'<sip:9196@{server}>'}\r\n"
            f"Call-ID: {caller.number}@{self.port}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{caller.number}@{self.host}:{self.port}>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
            self._server,
        )

    async def answer(self) -> str:
        """The next final response."""
        async with asyncio.timeout(30):
            while True:
                text = await self.heard.get()
                if text.startswith("SIP/2.0") and not text.startswith("SIP/2.0 1"):
                    return text


async def call(server: tuple[str, int], caller: Caller) -> None:
    """One call, from its INVITE to its end."""
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(
        lambda: Phone(server), local_addr=("127.0.0.1", 0), family=socket.AF_INET
    )
    with Party(caller.speaks_from) as party:
        try:
            phone.say("INVITE", caller, 1, body=_sdp(caller, party.address[1]))
            answer = await phone.answer()
            to = re.search(r"^To: (.*)\r$", answer, re.MULTILINE)
            assert to is not None
            phone.say("ACK", caller, 1, to=to[1])
            if answer.startswith("SIP/2.0 200"):
                ours = re.search(r"^m=audio (\d+)", answer, re.MULTILINE)
                assert ours is not None, answer
                await _talk(party, ("127.0.0.1", int(ours[1])), caller)
                phone.say("BYE", caller, 2, to=to[1])
                assert (await phone.answer()).startswith("SIP/2.0 200")
        finally:
            transport.close()


def _sdp(caller: Caller, port: int) -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {caller.says}\r\ns=-\r\nc=IN IP4 {caller.says}\r\nt=0 0\r\n"
        f"m=audio {port} {caller.protocol} {caller.codecs}\r\na=rtpmap:101 telephone-event/8000\r\n"
    )


async def _talk(party: Party, to: tuple[str, int], caller: Caller) -> None:
    await asyncio.sleep(caller.starts_after)
    # Sixty milliseconds in a packet: a third of the packets, and as much sound.
    for number in range(1, int(TALK / 0.06) + 20):
        await asyncio.sleep(0.06)
        if caller.payload_type is None:
            continue
        if caller.loses_every and number % caller.loses_every == 0:
            party._sequence += 1
            continue
        party.send(to, b"\xd5" * 480, payload_type=caller.payload_type)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """The record of each caller's call."""
    few = {"SOFTSWITCH_MEDIA_LEGS": "200"}
    with running(tmp_path_factory.mktemp("doctor"), environment=few) as server:
        healthy = [Caller(f"well{number}") for number in range(HEALTHY)]

        async def all_at_once() -> None:
            await asyncio.gather(*(call(server.sip, caller) for caller in (*FAULTS.values(), *healthy)))

        asyncio.run(all_at_once())
        found = _records(server)
        assert len(found) == len(FAULTS) + HEALTHY
        yield found


def _records(server: Server) -> dict[str, dict[str, Any]]:
    # A record is there before the call's last answer is a second old; asking for a trace waits for the disk.
    first = server.get("/api/v1/cdrs?limit=1000")["items"]
    for _ in range(100):
        if len(first) >= len(FAULTS) + HEALTHY:
            break
        first = server.get("/api/v1/cdrs?limit=1000")["items"]
    for record in first:
        # A hundred callers in one busy process do not keep time: that jitter is real, and no fault of the switch's.
        record["trouble"] = [one for one in record["trouble"] if one["kind"] != "jitter"]
    return {record["from"]: record for record in first}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_named_with_its_leg(records: dict[str, dict[str, Any]], kind: str) -> None:
    trouble = records[FAULTS[kind].number]["trouble"]
    assert [one["kind"] for one in trouble] == [kind]
    assert trouble[0]["sentence"].startswith("leg 1 (guest/127.0.0.1): ")


def test_on_a_hundred_healthy_calls_nothing_is_invented(records: dict[str, dict[str, Any]]) -> None:
    troubled = {number: record["trouble"] for number, record in records.items() if record["trouble"]}
    assert not [number for number in troubled if number.startswith("well")], troubled
