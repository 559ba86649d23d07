"""Callers and a gateway behind the trunk, each with a fault of its own or with none, in SIP and RTP on real sockets."""

import asyncio
import base64
import re
import socket
import struct
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self, cast

from tests.wire.rtp_party import Party, Rtp
from tests.wire.srtp_party import Srtp

TALK = 2.6
"""Seconds: long enough that silence is a fault."""
PACKET = 0.06
"""Sixty milliseconds in a packet: a third of the packets, and as much sound."""

A_LAW_SILENCE = b"\xd5" * 480
A_LAW_BUZZ = b"\x15\x95" * 240


@dataclass(frozen=True)
class Caller:
    """How one caller behaves."""

    number: str
    to: str = "9196"
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
    delays_every_second: float = 0.0
    """Seconds by which every second packet is late."""
    talks: float = TALK + 1.2
    """Seconds. One whose packets are counted needs more of them."""
    acknowledges: bool = True
    holds: bool = False
    """Whether it puts the other party on hold, and leaves it there."""
    presses_by_info: bool = False
    host: str = "127.0.0.1"
    """Where its SIP comes from."""
    wrong_key: bool = False
    """Whether it offers SRTP, and sends under another key than it said."""
    whispers: bool = False
    """Whether all it says is silence."""
    reports_loss: bool = False
    """Whether it reports that nothing of what it is sent comes."""


class Sip(asyncio.DatagramProtocol):
    """A socket that says and hears SIP."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    @classmethod
    async def open(cls, *arguments: object, host: str = "127.0.0.1") -> Self:
        loop = asyncio.get_running_loop()
        _, made = await loop.create_datagram_endpoint(
            lambda: cls(*arguments), local_addr=(host, 0), family=socket.AF_INET
        )
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.host, self.port = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.heard.put_nowait(data.decode())

    def answer_to(self, request: str, address: tuple[str, int], status: str, body: str = "", tag: str = "") -> None:
        """Answer a request that came."""
        copied = "".join(
            line + "\r\n" for line in request.split("\r\n") if re.match("(Via|From|To|Call-ID|CSeq):", line)
        )
        if tag and "tag=" not in value(request, "To"):
            copied = re.sub(r"(?m)^(To: [^\r\n]*)", rf"\1;tag={tag}", copied)
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.transport.sendto(
            f"SIP/2.0 {status}\r\n{copied}Contact: <sip:{self.host}:{self.port}>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
            address,
        )


class Phone(Sip):
    """SIP of one caller."""

    def __init__(self, server: tuple[str, int], caller: Caller) -> None:
        super().__init__()
        self._server = server
        self._caller = caller
        self.hung_up = asyncio.Event()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0"):
            self.heard.put_nowait(text)
        elif text.startswith("ACK"):
            return
        else:
            self.answer_to(text, address, "200 OK")
            if text.startswith("BYE"):
                self.hung_up.set()

    def say(self, method: str, cseq: int, *, to: str = "", body: str = "", kind: str = "application/sdp") -> None:
        caller = self._caller
        server = f"{self._server[0]}:{self._server[1]}"
        described = f"Content-Type: {kind}\r\n" if body else ""
        # A port may have been another caller's, whose transactions are remembered.
        branch = f"z9hG4bK-{caller.number}-{self.port}-{cseq}-{method}"
        self.transport.sendto(
            f"{method} sip:{caller.to}@{server} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport\r\n"
            f"From: <sip:{caller.number}@{self.host}>;tag={self.port}\r\n"
            f"To: {to or f'<sip:{caller.to}@{server}>'}\r\n"
            f"Call-ID: {caller.number}@{self.port}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{caller.number}@{self.host}:{self.port}>\r\n{described}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
            self._server,
        )

    async def answer(self, cseq: str = "") -> str:
        """The next final response, or that to one request."""
        async with asyncio.timeout(40):
            while True:
                text = await self.heard.get()
                if not text.startswith("SIP/2.0 1") and value(text, "CSeq").startswith(cseq):
                    return text


async def call(server: tuple[str, int], caller: Caller) -> None:
    """One call, from its INVITE to its end."""
    phone = await Phone.open(server, caller, host=caller.host)
    with Party(caller.speaks_from) as party:
        try:
            phone.say("INVITE", 1, body=_sdp(caller, party.address[1]))
            answer = await phone.answer()
            to = value(answer, "To")
            if not answer.startswith("SIP/2.0 200"):
                phone.say("ACK", 1, to=to)
                return
            speaking = asyncio.create_task(_talk(party, ("127.0.0.1", port_in(answer)), caller))
            if not caller.acknowledges:
                async with asyncio.timeout(40):
                    await phone.hung_up.wait()
                speaking.cancel()
                return
            phone.say("ACK", 1, to=to)
            if caller.presses_by_info:
                phone.say("INFO", 2, to=to, body="Signal=5\r\nDuration=160\r\n", kind="application/dtmf-relay")
                assert (await phone.answer("2 INFO")).startswith("SIP/2.0 200")
            if caller.holds:
                phone.say("INVITE", 3, to=to, body=_sdp(caller, party.address[1], 2) + "a=sendonly\r\n")
                await phone.answer("3 INVITE")
                phone.say("ACK", 3, to=to)
            await asyncio.wait((speaking, asyncio.create_task(phone.hung_up.wait())), return_when="FIRST_COMPLETED")
            speaking.cancel()
            if not phone.hung_up.is_set():
                phone.say("BYE", 4, to=to)
                assert (await phone.answer("4 BYE")).startswith("SIP/2.0 200")
        finally:
            phone.transport.close()


async def _talk(party: Party, to: tuple[str, int], caller: Caller) -> None:
    """Until it has talked long enough, or is stopped. A packet's timestamp is the moment its sound was made, as a
    phone's is: a busy machine makes no jitter that is not there."""
    clock = asyncio.get_running_loop().time
    await asyncio.sleep(caller.starts_after)
    began = clock()
    number = 0
    while clock() - began < caller.talks:
        number += 1
        await asyncio.sleep(PACKET)
        timestamp = int((clock() - began) * 8000)
        if caller.delays_every_second and number % 2:
            await asyncio.sleep(caller.delays_every_second)
        if caller.payload_type is None or (caller.loses_every and number % caller.loses_every == 0):
            continue
        sound = A_LAW_SILENCE if caller.whispers else A_LAW_BUZZ
        packet = Rtp(caller.payload_type, number, timestamp, party.ssrc, sound).print()
        party.socket.sendto(Srtp(bytes(range(30, 60))).protect(packet) if caller.wrong_key else packet, to)
        if caller.reports_loss:
            party.socket.sendto(all_lost(party.ssrc), (to[0], to[1] + 1))


def all_lost(ssrc: int) -> bytes:
    """A receiver report (RFC 3550 section 6.4.2) of one source, of which nothing came lately."""
    return struct.pack("!BBHII", 0x81, 201, 7, ssrc, 1) + struct.pack("!IIIII", 255 << 24 | 50, 50, 0, 0, 0)


class Gateway(Sip):
    """The far end of the trunk: takes every call, and does what the number stands for."""

    KNOWS_NO_CALL, HANGS_UP, HEARS_NO_KEYS = "80481", "80016", "80101"

    def __init__(self) -> None:
        super().__init__()
        self._tasks: set[asyncio.Task[None]] = set()
        self._talks: dict[str, asyncio.Task[None]] = {}

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0"):
            return
        call_id = value(text, "Call-ID")
        again = "tag=" in value(text, "To")
        if text.startswith("INVITE") and not again and call_id not in self._talks:
            self._begin(self._takes(text, address, call_id), call_id)
        elif text.startswith("INVITE") and again:
            if self._number(call_id) == self.KNOWS_NO_CALL:
                self.answer_to(text, address, "481 Call/Transaction Does Not Exist")
            else:
                port = self._talks[call_id].get_name().partition(" ")[2]
                body = _described(int(port), "8", 2) + "a=recvonly\r\n"
                self.answer_to(text, address, "200 OK", body)
                if self._number(call_id) == self.HANGS_UP:
                    self._begin(self._hangs_up(text, address), "")
        elif not text.startswith(("INVITE", "ACK")):
            self.answer_to(text, address, "200 OK")
            if text.startswith("BYE") and call_id in self._talks:
                self._talks[call_id].cancel()

    def _number(self, call_id: str) -> str:
        return self._talks[call_id].get_name().partition(" ")[0]

    def _begin(self, life: Coroutine[Any, Any, None], call_id: str) -> None:
        task = asyncio.ensure_future(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if call_id:
            self._talks[call_id] = task

    async def _takes(self, invite: str, address: tuple[str, int], call_id: str) -> None:
        number = invite.partition("sip:")[2].partition("@")[0]
        with Party() as party:
            codecs = "8" if number == self.HEARS_NO_KEYS else "8 101"
            asyncio.current_task().set_name(f"{number} {party.address[1]}")  # type: ignore[union-attr]
            self.answer_to(invite, address, "200 OK", _described(party.address[1], codecs), tag=call_id[-8:])
            await _talk(party, ("127.0.0.1", port_in(invite)), Caller(number, talks=60.0))

    async def _hangs_up(self, invite: str, address: tuple[str, int]) -> None:
        await asyncio.sleep(TALK)
        contact = value(invite, "Contact").partition("<")[2].partition(">")[0]
        self.transport.sendto(
            f"BYE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK-{id(invite)};rport\r\n"
            f"From: {value(invite, 'To')}\r\nTo: {value(invite, 'From')}\r\nCall-ID: {value(invite, 'Call-ID')}\r\n"
            "CSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode(),
            address,
        )

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.transport.close()


def value(message: str, name: str) -> str:
    """The first value of a header."""
    found = re.search(rf"^{name}: (.*)\r$", message, re.MULTILINE)
    assert found is not None, (name, message)
    return found[1]


def port_in(message: str) -> int:
    """Where a message's description wants sound."""
    found = re.search(r"^m=audio (\d+)", message, re.MULTILINE)
    assert found is not None, message
    return int(found[1])


def _sdp(caller: Caller, port: int, version: int = 1) -> str:
    said = _described(port, caller.codecs, version, caller.says, caller.protocol)
    key = base64.b64encode(bytes(range(30))).decode()
    return said + (f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n" if caller.wrong_key else "")


def _described(port: int, codecs: str, version: int = 1, host: str = "127.0.0.1", protocol: str = "RTP/AVP") -> str:
    events = "a=rtpmap:101 telephone-event/8000\r\n" if "101" in codecs else ""
    return (
        f"v=0\r\no=- 1 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} {protocol} {codecs}\r\n{events}"
    )
