"""A TCP peer that sends what and when it likes, and cuts the answers out of the stream by Content-Length."""

import re
import socket
import ssl
from types import TracebackType

from tests.wire.probe import ANSWER_LIMIT, Answer

_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)", re.IGNORECASE | re.MULTILINE)


class StreamPeer:
    """One connection to the switch."""

    def __init__(self, switch: tuple[str, int]) -> None:
        self._socket = socket.create_connection(switch, timeout=ANSWER_LIMIT)
        # Each send is a segment of its own, so that the pieces arrive as pieces.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        host, port = self._socket.getsockname()[:2]
        self.host, self.port = (f"[{host}]" if ":" in host else host), port
        self.target = f"[{switch[0]}]:{switch[1]}" if ":" in switch[0] else f"{switch[0]}:{switch[1]}"

    def options(self, call_id: str, *, headers: str = "", body: bytes = b"", length: str | None = None) -> bytes:
        """A request that a living switch answers with 200; `headers` are further lines, each ended by CRLF."""
        content_length = f"Content-Length: {len(body)}\r\n" if length is None else length
        return (
            f"OPTIONS sip:{self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/TCP {self.host}:{self.port};branch=z9hG4bK-{call_id};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:peer@{self.host}>;tag=1\r\nTo: <sip:{self.target}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n{headers}{content_length}\r\n"
        ).encode() + body

    def encrypt(self, context: ssl.SSLContext, name: str) -> None:
        """Go on over TLS, with a server that must prove its name."""
        self._socket = context.wrap_socket(self._socket, server_hostname=name)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def finish_sending(self) -> None:
        """Close our half."""
        self._socket.shutdown(socket.SHUT_WR)

    def receive(self, count: int) -> bytes:
        """So many bytes as they come, before any message is cut."""
        while len(self._buffer) < count:
            self._fill()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def answer(self) -> Answer:
        """The next response. ConnectionError when the switch closes instead."""
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        match = _LENGTH.search(head)
        assert match is not None, f"a response over a stream without Content-Length: {head!r}"
        length = int(match[1])
        while len(rest) < length:
            self._fill()
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        self._buffer = rest[length:]
        return Answer.read(head + b"\r\n\r\n" + rest[:length])

    def ask(self, call_id: str) -> None:
        """A sign of life on this connection."""
        self.send(self.options(call_id))
        answer = self.answer()
        assert (answer.status, answer.call_id) == (200, call_id.encode())

    def closed_by_switch(self) -> bytes:
        """Wait until the switch closes; gives what it still said. TimeoutError when it does not."""
        said, self._buffer = self._buffer, b""
        while True:
            try:
                piece = self._socket.recv(65536)
            except ConnectionResetError:
                return said
            if not piece:
                return said
            said += piece

    def _fill(self) -> None:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError(f"closed by the switch after {self._buffer!r}")
        self._buffer += piece

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "StreamPeer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
