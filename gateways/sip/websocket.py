"""SIP over WebSocket (RFC 7118): the framing is the `websockets` library's, each message of it one SIP message."""

import logging
from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("sip")
LONGEST_MESSAGE = 65_536
"""Bytes, as over UDP."""
_MOST_FRAGMENTS = 64

_LOG = logging.getLogger("softswitch.websocket")
_LOG.setLevel(logging.WARNING)  # the library tells of every connection


class WebSocket:
    """The server's end of one WebSocket, without a connection: bytes in, SIP messages and bytes out."""

    def __init__(self) -> None:
        # Extensions are not offered: compressed, a message of one frame could unfold into a gigabyte.
        self._protocol = ServerProtocol(select_subprotocol=_select, max_size=LONGEST_MESSAGE, logger=_LOG)
        self._fragments: list[bytes] = []
        self._size = 0

    @property
    def open(self) -> bool:
        """Whether the handshake is done and nobody has begun to close."""
        return self._protocol.state is State.OPEN

    @property
    def over(self) -> bool:
        """Whether the connection is to be closed once what waits has been written."""
        return self._protocol.state is State.CLOSED or self._protocol.close_expected()

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes; gives the SIP messages that they complete."""
        self._protocol.receive_data(data)
        messages = []
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._shake_hands(event)
            elif isinstance(event, Frame):
                message = self._frame(event)
                if message is not None:
                    messages.append(message)
        return messages

    def send(self, message: bytes) -> None:
        """Frame a SIP message: as text where it is (RFC 7118 section 5), else as binary."""
        if self._protocol.state is not State.OPEN:
            return
        try:
            message.decode()
        except UnicodeDecodeError:
            self._protocol.send_binary(message)
        else:
            self._protocol.send_text(message)

    def ping(self) -> None:
        """Ask for a sign of life (RFC 6455 section 5.5.2)."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")

    def close(self) -> None:
        """Say goodbye: the server goes away."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.GOING_AWAY)

    def to_send(self) -> bytes:
        """The bytes to be written now."""
        return b"".join(self._protocol.data_to_send())

    def _shake_hands(self, request: Request) -> None:
        response = self._protocol.accept(request)
        self._protocol.send_response(response)

    def _frame(self, frame: Frame) -> bytes | None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._fragments, self._size = [], 0
        elif frame.opcode is not Opcode.CONT:
            return None  # ping, pong and close are answered by the library
        self._fragments.append(bytes(frame.data))
        self._size += len(frame.data)
        if len(self._fragments) > _MOST_FRAGMENTS or self._size > LONGEST_MESSAGE:
            self._protocol.fail(CloseCode.MESSAGE_TOO_BIG)
            return None
        if not frame.fin:
            return None
        message, self._fragments = b"".join(self._fragments), []
        return message


def _select(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol:
    """RFC 7118 section 4.1: the client "MUST include the value sip in the list"."""
    if SUBPROTOCOL not in offered:
        raise NegotiationError("the subprotocol is sip")
    return SUBPROTOCOL
