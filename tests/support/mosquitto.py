"""A real MQTT broker (Debian's package mosquitto) on a port of its own, and who listens to it."""

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt
import msgspec
import pytest

from tests.support.server import free_tcp_port

PROGRAM = shutil.which("mosquitto") or next(iter(map(str, Path("/usr/sbin").glob("mosquitto"))), None)
needed = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed (Debian's package mosquitto)")
LIMIT = 30.0
"""Seconds until it must answer, or something must be heard; generous, because the machine may be busy."""


class Broker:
    """One that is started, killed and started again on the same port; what it keeps, it forgets with its end."""

    def __init__(self, folder: Path, *, certificate: Path | None = None, password: str = "") -> None:
        """`password`: of the user `switch`, without which nobody gets in."""
        self.port = free_tcp_port("127.0.0.1")
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None
        self._file = folder / f"mosquitto-{self.port}.conf"
        self.log = folder / f"mosquitto-{self.port}.log"
        lines = [f"listener {self.port} 127.0.0.1", "user root", "persistence false", "log_type all"]
        if certificate is not None:
            lines += [f"certfile {certificate}", f"keyfile {certificate}"]
        if password:
            users = folder / f"users-{self.port}"
            users.write_text(f"switch:{password}\n")
            subprocess.run(["mosquitto_passwd", "-U", str(users)], check=True)
            lines += [f"password_file {users}", "allow_anonymous false"]
        else:
            lines.append("allow_anonymous true")
        self._file.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Comes back when it listens."""
        assert PROGRAM is not None
        with self.log.open("ab") as output:
            self._process = subprocess.Popen([PROGRAM, "-c", str(self._file)], stdout=output, stderr=output)
        until = time.monotonic() + LIMIT  # noqa: TID251
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < until, self.log.read_text()  # noqa: TID251
                time.sleep(0.02)

    def freeze(self) -> None:
        """It is there and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """At once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Heard(NamedTuple):
    """A message that came."""

    topic: str
    payload: Any
    kept: bool
    """Whether it is from before we listened."""


class Ear:
    """Hears some topics, in their order."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._more = asyncio.Event()

    def take(self, message: aiomqtt.Message) -> None:
        assert isinstance(message.payload, bytes)
        payload = msgspec.json.decode(message.payload)
        self.heard.append(Heard(message.topic.value, payload, message.retain))
        self._more.set()

    async def until(self, wanted: Callable[[list[Heard]], bool]) -> list[Heard]:
        """All that was heard, once it is as `wanted`."""
        try:
            async with asyncio.timeout(LIMIT):
                while not wanted(self.heard):
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            pytest.fail(f"only this was heard: {self.heard[-30:]}")
        return self.heard

    async def topic(self, topic: str, payload: object = ...) -> Heard:
        """The first message of a topic, or the first that says `payload`."""

        def fits(each: Heard) -> bool:
            return each.topic == topic and payload in (..., each.payload)

        return next(filter(fits, await self.until(lambda heard: any(map(fits, heard)))))


@asynccontextmanager
async def listening(port: int, *filters: str, **options: Any) -> AsyncIterator[Ear]:
    """Somebody who hears what the broker is told."""
    ear = Ear()
    async with aiomqtt.Client("127.0.0.1", port, timeout=LIMIT, **options) as client:
        for each in filters or ("#",):
            await client.subscribe(each, qos=1)

        async def hear() -> None:
            async for message in client.messages:
                ear.take(message)

        task = asyncio.create_task(hear())
        try:
            yield ear
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def mute_server(answers: bytes = b"") -> AsyncIterator[tuple[int, list[bytes]]]:
    """One that takes connections, says `answers` to the first words of each, and then nothing ever. Gives its port, and
    how each connection began."""
    began: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.append(await reader.read(1000))
        writer.write(answers)
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], began
    finally:
        server.close()
