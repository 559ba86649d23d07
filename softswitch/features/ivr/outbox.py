"""Texts and e-mails that flows send: handed over behind the call, a few times where that may yet succeed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from softswitch.kernel.address import Party
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import SwitchError, Unavailable
from softswitch.kernel.mail import Mail
from softswitch.kernel.messages import TextMessage
from softswitch.ports.messages import Mailer

log = structlog.get_logger(__name__)

MOST_WAITING = 500
"""That are on their way at once; more are not taken."""
PAUSES = (10.0, 60.0, 600.0)
"""Seconds before each further attempt to hand over an e-mail."""


class Texter(Protocol):
    """Sends text messages to accounts."""

    async def send(self, message: TextMessage) -> object:
        """Raises SwitchError when nobody takes it."""
        ...


class Outbox:
    """A `Post`. What it has taken and not handed over is lost with the process: it is told to people, and is no
    record."""

    def __init__(self, clock: Clock, texter: Texter | None, mailer: Mailer | None) -> None:
        """None: nobody sends such here."""
        self._clock = clock
        self._texter = texter
        self._mailer = mailer
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    async def stop(self) -> None:
        """Hand over no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def sms(self, sender: str, to: str, text: str) -> bool:
        """See `needs.Post`."""
        texter = self._texter
        if texter is None:
            return False
        message = TextMessage(Party(sender), to, "text/plain;charset=utf-8", text.encode())
        return self._begin(f"text to {to}", lambda: texter.send(message), ())

    def mail(self, to: str, subject: str, text: str) -> bool:
        """See `needs.Post`."""
        mailer = self._mailer
        if mailer is None or "@" not in to or any(ord(letter) <= 32 or ord(letter) == 127 for letter in to):
            return False
        self._count += 1
        now = self._clock.wall_ms()
        mail = Mail(to=to, subject=subject, text=text, at=now, id=f"flow-{now}-{self._count}")
        return self._begin(f"e-mail to {to}", lambda: mailer.send(mail), PAUSES)

    def _begin(self, what: str, send: Callable[[], Awaitable[object]], pauses: tuple[float, ...]) -> bool:
        if len(self._tasks) >= MOST_WAITING:
            return False
        task = asyncio.get_running_loop().create_task(self._send(what, send, pauses))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _send(self, what: str, send: Callable[[], Awaitable[object]], pauses: tuple[float, ...]) -> None:
        for pause in (*pauses, None):
            try:
                await send()
                return
            except Unavailable as error:
                if pause is None:
                    log.error("what a flow sends was not taken", what=what, error=str(error))
                    return
                log.warning("what a flow sends was not taken yet", what=what, error=str(error), again_in=pause)
            except SwitchError as error:
                log.error("what a flow sends was refused", what=what, error=str(error))
                return
            except Exception:
                log.exception("what a flow sends failed", what=what)
                return
            await asyncio.sleep(pause)
