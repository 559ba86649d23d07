"""A phone in fifty lines of sockets: it registers, from whichever loopback address and under whichever name."""

import re
import socket
from types import TracebackType

from gateways.sip.ua.digest_client import authorization, challenge_of


class BarePhone:
    """One UDP socket on loopback."""

    def __init__(self, server: tuple[str, int], host: str = "127.0.0.1", *, timeout: float = 5.0) -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(timeout)
        self.address = self._socket.getsockname()
        self._count = 0

    def __enter__(self) -> "BarePhone":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def register(self, user: str, password: str) -> int | None:
        """REGISTER, answering one challenge: the last status; None when nothing answers."""
        status, challenge = self.ask("REGISTER", user)
        if status != 401 or challenge is None:
            return status
        return self.ask("REGISTER", user, authorization=self.prove(user, password, challenge))[0]

    def prove(self, user: str, password: str, challenge: str, method: str = "REGISTER") -> str:
        """The Authorization that answers a challenge."""
        uri = f"sip:{self._server[0]}:{self._server[1]}"
        read = challenge_of(challenge)
        assert read is not None, challenge
        return authorization(read, username=user, password=password, method=method, uri=uri, cnonce="0a4f113b")

    def ask(
        self, method: str, user: str, *, authorization: str | None = None, agent: str = "Bare"
    ) -> tuple[int | None, str | None]:
        """One request and its answer: the status and the first challenge in it."""
        self._count += 1
        (host, port), server = self.address, f"{self._server[0]}:{self._server[1]}"
        lines = [
            f"{method} sip:{server} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{port}-{self._count};rport",
            f"From: <sip:{user}@{server}>;tag={port}",
            f"To: <sip:{user}@{server}>",
            f"Call-ID: {user}-{port}@{host}",
            f"CSeq: {self._count} {method}",
            "Max-Forwards: 70",
            f"Contact: <sip:{user}@{host}:{port}>",
            f"User-Agent: {agent}",
            *([f"Authorization: {authorization}"] if authorization is not None else []),
            "Content-Length: 0",
        ]
        self.send("\r\n".join([*lines, "", ""]).encode())
        return self.hear()

    def send(self, data: bytes) -> None:
        self._socket.sendto(data, self._server)

    def hear(self) -> tuple[int | None, str | None]:
        """The next answer."""
        try:
            text = self._socket.recv(65_536).decode()
        except TimeoutError:
            return None, None
        challenge = re.search(r"^WWW-Authenticate: (.*?)\r$", text, re.MULTILINE)
        return int(text.split(" ", 2)[1]), challenge[1] if challenge else None
