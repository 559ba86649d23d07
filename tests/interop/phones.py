"""pjsua2 phones for a test: each a process, with its own tone to send and its own recording of what it hears."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from softswitch.phone.process import Event, PhoneProcess, installed
from softswitch.phone.sound import Heard, listen, read_wav
from tests.support.server import Server

needed = pytest.mark.skipif(not installed(), reason='the phone is not installed: pip install "softswitch[phone]"')

WITHIN = 15.0
"""Seconds to wait for what happens at once on an idle machine."""


class Phone(PhoneProcess):
    """A phone of a test. `tone` is what it sends, in Hz."""

    def __init__(self, server: Server, account: str, folder: Path, *, tone: float = 440.0, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.recording = folder / f"{account}-{len(list(folder.iterdir()))}.wav"
        settings = {"password": f"demo-{account}", **settings}
        port = server.sip_port + 1 if settings.get("transport") == "tls" else server.sip_port
        super().__init__(
            account=account,
            server=f"{server.host}:{port}",
            bind=server.host,
            folder=str(folder),
            record=str(self.recording),
            tone=tone,
            **settings,
        )

    async def registered(self) -> None:
        await self.expect("registration", within=WITHIN, status=200)

    async def state(self, state: str, **details: object) -> Event:
        return await self.expect("state", within=WITHIN, state=state, **details)

    async def rings(self) -> Event:
        """Until someone calls it."""
        return await self.expect("incoming", within=WITHIN)

    def heard(self, start: float = 0.0, end: float | None = None) -> Heard:
        """What it heard from `start` to `end`, seconds of its recording, once it has left."""
        samples, rate = read_wav(self.recording)
        return listen(samples[round(start * rate) : None if end is None else round(end * rate)], rate)


@contextlib.asynccontextmanager
async def ready(*phones: Phone) -> AsyncIterator[Sequence[Phone]]:
    """Phones for the length of an `async with` block, registered."""
    async with contextlib.AsyncExitStack() as stack:
        for phone in phones:
            await stack.enter_async_context(phone)
        for phone in phones:
            await phone.registered()
        yield phones
