"""The whole switch as a process of its own on loopback, for tests that speak to it from outside.

`Server.start(folder)` finds free ports, starts `softswitch serve --demo`, and comes back when it answers
`GET /health`. The `switch` fixture of `tests/conftest.py` shares one among the tests of a file.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_LIMIT = 60.0
"""Seconds until it must answer; generous, because the machine may be busy with other tests."""
STOP_LIMIT = 20.0
FEW_LEGS = {**os.environ, "SOFTSWITCH_MEDIA_LEGS": "40"}
"""The environment of a switch whose test makes few calls: it starts sooner, and takes few ports."""
LOG_TAIL = 6000
"""Characters of the log that a failing test shows."""


class StartFailed(Exception):
    """It ended, or did not answer in time; the message holds the end of its log."""


@dataclass
class Server:
    """A running demo switch. End it by `stop`, which ends this process and no other."""

    process: "subprocess.Popen[bytes]"
    host: str
    sip_port: int
    """Of UDP and TCP alike."""
    http_port: int
    log: Path

    @classmethod
    def start(
        cls,
        folder: Path,
        *options: str,
        host: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "softswitch"),
    ) -> "Server":
        """Start with its data and its log in `folder`; `options` follow `serve --demo`."""
        folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(5):
            server = cls._spawn(folder, attempt, options, host, {**os.environ, **(environment or {})}, command)
            try:
                server._await_health()
            except StartFailed as failed:
                server.stop()
                # Between finding a port and binding it, another test may have taken it.
                if "in use" not in str(failed) or attempt == 4:
                    raise
            else:
                return server
        raise AssertionError("unreachable")

    @classmethod
    def _spawn(
        cls,
        folder: Path,
        attempt: int,
        options: Sequence[str],
        host: str,
        environment: Mapping[str, str],
        command: Sequence[str],
    ) -> "Server":
        sip_port, http_port = free_sip_port(host), free_tcp_port("127.0.0.1")
        log = folder / f"switch-{attempt}.log"
        listen = f"[{host}]:{sip_port}" if ":" in host else f"{host}:{sip_port}"
        words = [*command, "serve", "--demo", "--sip", listen, "--http", f"127.0.0.1:{http_port}"]
        words += ["--data-dir", str(folder / "data"), *options]
        with log.open("wb") as output:
            process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, env=environment)
        return cls(process, host, sip_port, http_port, log)

    def _await_health(self) -> None:
        give_up = time.perf_counter() + START_LIMIT
        while time.perf_counter() < give_up:
            if self.process.poll() is not None:
                raise StartFailed(f"the switch ended with status {self.process.returncode}:\n{self.log_tail()}")
            with contextlib.suppress(OSError, urllib.error.URLError):
                if self.get("/health") == {"status": "ok"}:
                    return
            time.sleep(0.05)
        raise StartFailed(f"the switch did not answer GET /health in {START_LIMIT} s:\n{self.log_tail()}")

    @property
    def sip(self) -> tuple[str, int]:
        return (self.host, self.sip_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def get(self, path: str, *, token: str | None = "demo-admin") -> Any:
        """GET over HTTP: what JSON says, or the text of what is no JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            body = response.read().decode()
            return json.loads(body) if "json" in response.headers.get("Content-Type", "") else body

    def metrics(self) -> dict[str, float]:
        """`GET /metrics`, each sample by its name with labels as written."""
        samples = (line.rpartition(" ") for line in self.get("/metrics").splitlines() if line and line[0] != "#")
        return {name: float(value) for name, _, value in samples}

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def cpu_seconds(self) -> float:
        """User and system time since its start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_TAIL:]

    def stop(self) -> int:
        """SIGTERM, and SIGKILL where that does not end it in time; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


@contextlib.contextmanager
def running(folder: Path, *options: str, **more: Any) -> Iterator[Server]:
    """A switch for the length of a `with` block; takes what `Server.start` takes."""
    server = Server.start(folder, *options, **more)
    try:
        yield server
    finally:
        server.stop()


def free_tcp_port(host: str) -> int:
    """A port that is free for TCP. Each call gives another one."""
    return _free_port(host, (socket.SOCK_STREAM,))


def free_sip_port(host: str) -> int:
    """A port that is free for UDP and TCP alike, and so are the two above it, for TLS and WebSocket."""
    return _free_port(host, (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def _free_port(host: str, kinds: Sequence[socket.SocketKind]) -> int:
    # Below the range from which the kernel gives ports to clients: one that is free there a moment ago may be anybody's
    # by the time it is bound.
    for port in _PORTS:
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for kind in kinds:
                for each in (port, port + 1, port + 2):
                    probes.enter_context(socket.socket(_family(host), kind)).bind((host, each))
            return port
    raise OSError("no port is free")


def _ports() -> Iterator[int]:
    """Every fourth port, from a place of this process's own, round and round, ten times at the most."""
    first, count = 10_000, 2_450
    start = random.randrange(count)
    for step in range(10 * count):
        yield first + 4 * ((start + step) % count)


_PORTS = _ports()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
