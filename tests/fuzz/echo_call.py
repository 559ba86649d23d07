"""A call to the echo (9196), made of plain bytes: the proof that a switch under fire still carries calls."""

import re
import socket
import struct
from types import TracebackType

from tests.wire.probe import ANSWER_LIMIT, Answer

_TO = re.compile(rb"^(?:to|t)[ \t]*:\s*(.*?)\s*$", re.IGNORECASE | re.MULTILINE)
_CONTACT = re.compile(rb"^(?:contact|m)[ \t]*:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)


class EchoCall:
    """An established call from 127.0.0.1; `say` sends a packet and waits for its echo; leaving the block hangs up."""

    def __init__(self, switch: tuple[str, int], name: str) -> None:
        self._switch, self._name = switch, name
        self._sip, self._rtp = _socket(), _socket()
        self._port = self._sip.getsockname()[1]
        self._sequence = 0
        self._to = self._target = b""
        self.media: tuple[str, int] = ("127.0.0.1", 0)
        """Where the switch receives this call's RTP; RTCP at the port after it."""

    def __enter__(self) -> "EchoCall":
        target = f"sip:9196@{self._switch[0]}:{self._switch[1]}".encode()
        self._to, self._target = b"<" + target + b">", target
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._rtp.getsockname()[1]} RTP/AVP 0\r\n"
        ).encode()
        self._send(b"INVITE", 1, sdp)
        answer = self._final()
        assert answer.status == 200, answer.raw.decode(errors="replace")
        to, contact, audio = _TO.search(answer.raw), _CONTACT.search(answer.raw), _AUDIO.search(answer.raw)
        assert to is not None and contact is not None and audio is not None, answer.raw
        self._to, self._target = to[1], contact[1]
        self.media = ("127.0.0.1", int(audio[1]))
        self._send(b"ACK", 1)
        return self

    def say(self) -> None:
        """Send sound until some of it comes back: the first packets teach the switch where we are."""
        self._rtp.settimeout(0.02)
        for _ in range(int(ANSWER_LIMIT / 0.02)):
            self._sequence += 1
            header = struct.pack("!BBHII", 0x80, 0, self._sequence, self._sequence * 160, 0x5EED)
            sound = bytes([self._sequence & 0xFF]) * 160
            self._rtp.sendto(header + sound, self.media)
            try:
                echoed = self._rtp.recv(2048)
            except TimeoutError:
                continue
            if len(echoed) == 172:
                return
        raise AssertionError("no echo was heard")

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._send(b"BYE", 2)
                answer = self._final()
                while b" BYE" not in answer.raw:  # a retransmitted 200 to the INVITE
                    answer = self._final()
                assert answer.status == 200, answer.raw.decode(errors="replace")
        finally:
            self._sip.close()
            self._rtp.close()

    def _send(self, method: bytes, number: int, body: bytes = b"") -> None:
        lines = [
            method + b" " + self._target + b" SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK-{self._name}-{method.decode()};rport".encode(),
            b"Max-Forwards: 70",
            f"From: <sip:fuzz@127.0.0.1>;tag={self._name}".encode(),
            b"To: " + self._to,
            f"Call-ID: {self._name}@127.0.0.1".encode(),
            f"CSeq: {number} ".encode() + method,
            f"Contact: <sip:fuzz@127.0.0.1:{self._port}>".encode(),
            *([b"Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}".encode(),
        ]
        self._sip.sendto(b"\r\n".join(lines) + b"\r\n\r\n" + body, self._switch)

    def _final(self) -> Answer:
        while True:
            answer = Answer.read(self._sip.recv(65536))
            if answer.status >= 200:
                return answer


def _socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.settimeout(ANSWER_LIMIT)
    return opened
