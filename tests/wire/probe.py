"""A sender of raw bytes over UDP, and what comes back: as plain as can be, and nothing of the switch's own parser.

Each probe has a loopback address of its own (any of 127.0.0.0/8 reaches 127.0.0.1), so that an answer to the port of a
Via finds it whatever else runs on the machine, and late answers to one message never meet the next.
"""

import random
import re
import socket
from types import TracebackType
from typing import NamedTuple

ANSWER_LIMIT = 10.0
"""Seconds in which an answer must come; reached only where the switch is silent and should not be."""

_TOP_VIA = re.compile(rb"^(?:via|v)[ \t]*:[^,;\r\n]*?:[ \t]*(\d{1,5})[ \t]*(?:[;,\r]|$)", re.IGNORECASE | re.MULTILINE)
_CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:\s*(.*?)\s*$", re.IGNORECASE | re.MULTILINE)


class Answer(NamedTuple):
    status: int
    call_id: bytes
    raw: bytes

    @classmethod
    def read(cls, raw: bytes) -> "Answer":
        match = re.match(rb"SIP/2\.0 ([1-6]\d\d) ", raw)
        assert match is not None, f"no response: {raw[:200]!r}"
        call_id = _CALL_ID.search(raw)
        return cls(int(match[1]), call_id[1] if call_id else b"", raw)


def via_port(message: bytes) -> int:
    """Where the sender of a message listens, by its first Via."""
    match = _TOP_VIA.search(message)
    return int(match[1]) if match else 5060


def options(call_id: str, host: str, port: int, target: str, transport: str = "UDP") -> bytes:
    """A request that a living switch answers with 200."""
    return (
        f"OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/{transport} {host}:{port};branch=z9hG4bK-{call_id};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:liveness@{host}>;tag=1\r\nTo: <sip:{target}>\r\nCall-ID: {call_id}\r\n"
        "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


class Probe:
    """One UDP socket at a loopback address of its own."""

    def __init__(self, switch: tuple[str, int], port: int = 5060) -> None:
        self._switch = switch
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(ANSWER_LIMIT)
        self.port = port
        self.host = self._bind()
        self._count = 0

    def _bind(self) -> str:
        for _ in range(50):
            host = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            try:
                self._socket.bind((host, self.port))
            except OSError:
                continue
            return host
        raise OSError(f"no loopback address has port {self.port} free")

    @property
    def target(self) -> str:
        return f"{self._switch[0]}:{self._switch[1]}"

    def send(self, message: bytes) -> None:
        self._socket.sendto(message, self._switch)

    def receive(self) -> Answer:
        """The next answer; TimeoutError when there is none."""
        return Answer.read(self._socket.recv(65536))

    def final(self) -> Answer:
        """The next answer that is not provisional."""
        while True:
            answer = self.receive()
            if answer.status >= 200:
                return answer

    def liveness(self) -> list[Answer]:
        """Ask for a sign of life, and give what else came before it."""
        self._count += 1
        call_id = f"alive-{self._count}-{self.host}"
        self.send(options(call_id, self.host, self.port, self.target))
        before: list[Answer] = []
        while True:
            answer = self.receive()
            if answer.call_id == call_id.encode():
                assert answer.status == 200, answer.raw.decode(errors="replace")
                return before
            before.append(answer)

    def __enter__(self) -> "Probe":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
