"""Watches the roster of a room (RFC 4575) by a socket of its own, as a desk phone's screen would."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self
from xml.etree import ElementTree

from tests.interop.phones import WITHIN
from tests.support.server import Server
from tests.support.sip_text import Message, answer_challenge, build

NS = "{urn:ietf:params:xml:ns:conference-info}"


class Shown(NamedTuple):
    """How somebody in a room is shown."""

    status: str
    method: str
    """Of joining, or of not coming."""
    reason: str
    media: tuple[str, ...]


class RosterWatcher(asyncio.DatagramProtocol):
    """`async with RosterWatcher(switch, "1001", "3000") as board`, an account that may watch the room."""

    def __init__(self, server: Server, account: str, room: str) -> None:
        self._server = server
        self._account = account
        self._uri = f"sip:{room}@{server.host}:{server.sip_port}"
        self.users: dict[str, Shown] = {}
        """By number, as told so far."""
        self._answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._turned = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0), self._server.sip)
        self._host, self._port = self._transport.get_extra_info("sockname")
        self._subscribe(1, [])
        assert await asyncio.wait_for(self._answered, WITHIN) == 200
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    async def shows(self, wanted: Callable[[dict[str, Shown]], bool]) -> None:
        """Wait until the board is so."""
        try:
            async with asyncio.timeout(WITHIN):
                while not wanted(self.users):
                    self._turned.clear()
                    await self._turned.wait()
        except TimeoutError:
            raise AssertionError(f"the board shows {self.users}") from None

    def datagram_received(self, data: bytes, _: object) -> None:
        message = Message(data)
        if message.status:
            self._response(message)
        else:
            copied = [(name, value) for name in ("via", "from", "to", "call-id", "cseq") for value in message.all(name)]
            self._transport.sendto(build("SIP/2.0 200 OK", copied))
            self._notified(message.body)

    def _subscribe(self, cseq: int, authorization: list[tuple[str, str]]) -> None:
        here = f"{self._host}:{self._port}"
        headers = [
            ("Via", f"SIP/2.0/UDP {here};branch=z9hG4bK{self._port}{cseq};rport"),
            ("From", f"<sip:{self._account}@{self._server.host}>;tag=board"),
            ("To", f"<{self._uri}>"),
            ("Call-ID", f"board-{self._port}"),
            ("CSeq", f"{cseq} SUBSCRIBE"),
            ("Contact", f"<sip:{self._account}@{here}>"),
            ("Max-Forwards", "70"),
            ("Event", "conference"),
            ("Accept", "application/conference-info+xml"),
            ("Expires", "600"),
        ]
        self._transport.sendto(build(f"SUBSCRIBE {self._uri} SIP/2.0", headers + authorization))

    def _response(self, message: Message) -> None:
        if message.status == 401 and message.cseq == 1:
            challenge, password = message.header("www-authenticate"), f"demo-{self._account}"
            given = answer_challenge(challenge, self._account, password, "SUBSCRIBE", self._uri, "0a4f113b")
            self._subscribe(2, [("Authorization", given)])
        elif message.status >= 200 and not self._answered.done():
            self._answered.set_result(message.status)

    def _notified(self, body: bytes) -> None:
        root = ElementTree.fromstring(body)
        if root.attrib["state"] == "full":
            self.users.clear()
        for user in root.iter(f"{NS}user"):
            number = user.attrib["entity"].partition(":")[2].partition("@")[0]
            if user.attrib["state"] == "deleted":
                self.users.pop(number, None)
                continue
            endpoint = user.find(f"{NS}endpoint")
            assert endpoint is not None
            said = {child.tag.removeprefix(NS): "".join(child.itertext()) for child in endpoint}
            self.users[number] = Shown(
                said["status"],
                said.get("disconnection-method") or said["joining-method"],
                said.get("disconnection-info", ""),
                tuple(media.findtext(f"{NS}type") or "" for media in endpoint.iter(f"{NS}media")),
            )
        self._turned.set()
