"""The side that drives a phone: starts its process, sends commands, waits for events, survives its crash."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from importlib.util import find_spec
from typing import Any, Self

import msgspec

from softswitch.kernel.errors import SwitchError

INSTALL = 'pip install "softswitch[phone]"'
"""What installs the phone's library; in a checkout `make setup` has done it."""

Event = dict[str, Any]


class PhoneFailed(SwitchError):
    """The phone's process could not start, died, or did not do in time what it was waited for."""


class PhoneSilent(PhoneFailed):
    """The phone lives, but what was waited for did not happen in time."""


def installed() -> bool:
    """Whether the phone's library can be imported."""
    return find_spec("pjsua2") is not None


class PhoneProcess:
    """One phone. `async with PhoneProcess(settings) as phone` starts it and makes it leave properly.

    `settings` are those of `softswitch.phone.configuration.Settings` by name.
    """

    def __init__(self, **settings: object) -> None:
        self.settings = settings
        self.events: list[Event] = []
        """All that happened so far, in order; `at` is the event loop's time."""
        self._awaited: list[Event] = []
        self._arrived = asyncio.Condition()
        self._over = False
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if not installed():
            raise PhoneFailed(f"the scripted phone is not installed; this installs it: {INSTALL}")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "softswitch.phone.worker",
            json.dumps(self.settings),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._reader is not None
        if self._process.returncode is None and not self._over:
            await self.do("leave")
        try:
            async with asyncio.timeout(5):
                await self._reader
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            await self._reader

    @property
    def pid(self) -> int | None:
        """Of its process, once it was started."""
        return self._process.pid if self._process is not None else None

    async def leave(self) -> None:
        """Hang up, un-register and end; what the phone recorded is complete afterwards.

        Raises PhoneFailed when the phone died instead.
        """
        await self.do("leave")
        await self.expect("left", within=5)

    async def do(self, command: str, **arguments: object) -> None:
        """Send a command. One to a phone that is gone does nothing: `expect` tells."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode({"do": command, **arguments}) + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            return

    async def expect(self, event: str, *, within: float, **details: object) -> Event:
        """The next event not yet returned that has this name and these details.

        Raises PhoneFailed, telling what came instead, after `within` seconds or when the phone is gone.
        """
        try:
            async with asyncio.timeout(within), self._arrived:
                while True:
                    for waiting in self._awaited:
                        if waiting["event"] == event and details.items() <= waiting.items():
                            self._awaited.remove(waiting)
                            return waiting
                    if self._over:
                        raise PhoneFailed(f"{self._name}: {self._died()} before {event} {details or ''}")
                    await self._arrived.wait()
        except TimeoutError:
            seen = [{k: v for k, v in e.items() if k not in ("at", "statistics")} for e in self._awaited[-6:]]
            raise PhoneSilent(f"{self._name}: no {event} {details or ''} within {within:g} s; last: {seen}") from None

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        loop = asyncio.get_running_loop()
        async for line in process.stdout:
            event: Event = {**json.loads(line), "at": loop.time()}
            async with self._arrived:
                self.events.append(event)
                self._awaited.append(event)
                self._arrived.notify_all()
        await process.wait()
        async with self._arrived:
            self._over = True
            self._arrived.notify_all()

    @property
    def _name(self) -> str:
        return f"phone {self.settings.get('account', '')}"

    def _died(self) -> str:
        assert self._process is not None
        status = self._process.returncode
        if status is not None and status < 0:
            return f"its process crashed ({signal.Signals(-status).name})"
        return f"its process ended with status {status}"
