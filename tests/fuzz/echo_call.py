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
    """An established call from 127.0.0.1; `say` sends a packet and waits for its echo; leaving the block hangs up.

    `offer` is the session description to call with, where it is not to be a right one; `status` tells what came of it.
    """

    def __init__(self, switch: tuple[str, int], name: str, offer: bytes | None = None) -> None:
        self._switch, self._name, self._offer = switch, name, offer
        self.status = 0
        self._sip, self._rtp = _socket(), _socket()
        self._sip.connect(switch)  # what strays here from elsewhere is not for this call
        self._port = self._sip.getsockname()[1]
        self._sequence = 0
        self._to = self._target = b""
        self.media: tuple[str, int] = ("127.0.0.1", 0)
        """Where the switch receives this call's RTP; RTCP at the port after it."""

    def __enter__(self) -> "EchoCall":
        target = f"sip:9196@{self._switch[0]}:{self._switch[1]}".encode()
        self._to, self._target = b"<" + target + b">", target
        self._send(b"INVITE", 1, b"INVITE", self._own_offer() if self._offer is None else self._offer)
        answer = self._final()
        self.status = answer.status
        to = _TO.search(answer.raw)
        assert to is not None, answer.raw
        self._to = to[1]
        if answer.status != 200:
            assert self._offer is not None and answer.status < 500, answer.raw.decode(errors="replace")
            # RFC 3261 section 17.1.1.3: within the transaction, so with its branch.
            self._send(b"ACK", 1, b"INVITE")
            return self
        contact, audio = _CONTACT.search(answer.raw), _AUDIO.search(answer.raw)
        assert contact is not None and audio is not None, answer.raw
        self._target = contact[1]
        self.media = ("127.0.0.1", int(audio[1]))
        self._send(b"ACK", 1, b"ACK")
        return self

    def _own_offer(self) -> bytes:
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._rtp.getsockname()[1]} RTP/AVP 0\r\n"
        ).encode()

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

    def is_hung_up_on(self) -> None:
        """Wait for the switch's BYE and answer it."""
        while not (bye := self._sip.recv(65536)).startswith(b"BYE "):
            pass
        copied = [
            line for line in bye.split(b"\r\n") if line.startswith((b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:"))
        ]
        self._sip.sendto(b"\r\n".join([b"SIP/2.0 200 OK", *copied, b"Content-Length: 0"]) + b"\r\n\r\n", self._switch)
        self.status = 0

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.status == 200:
                self._send(b"BYE", 2, b"BYE")
                answer = self._final()
                while b" BYE" not in answer.raw:  # a retransmitted 200 to the INVITE
                    answer = self._final()
                assert answer.status == 200, answer.raw.decode(errors="replace")
        finally:
            self._sip.close()
            self._rtp.close()

    def _send(self, method: bytes, number: int, branch: bytes, body: bytes = b"") -> None:
        lines = [
            method + b" " + self._target + b" SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK-{self._name}-{branch.decode()};rport".encode(),
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
