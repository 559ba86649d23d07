"""A media engine in a process of its own: finds it where it listens, or begins it there."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from gateways._native import MediaEngineLink

log = structlog.get_logger(__name__)

BEGIN_SECONDS = 15.0
"""How long an engine may take until it listens."""
FREE_SECONDS = 5.0
"""How long it may take until the engine knows that its last owner has died."""
MOST_PAUSE_SECONDS = 5.0
"""Between two attempts, while there is none."""
_PAUSE = 0.02


class EngineProcess:
    """`command` begins an engine that listens at `socket`, and ends with its owner; what it says goes into a file.

    An engine begun here lives on when we die: it is in a session of its own, and holds none of our descriptors.
    """

    def __init__(
        self,
        socket: Path,
        command: Sequence[str],
        says: Path,
        *,
        monotonic: Callable[[], float] = time.monotonic,  # noqa: TID251 - the process around a switch has no other clock
    ) -> None:
        self.socket = socket
        self._command = command
        self._says = says
        self._monotonic = monotonic
        self._child: subprocess.Popen[bytes] | None = None

    def reach(self) -> MediaEngineLink:
        """Become the owner of the engine that listens; where none does, begin one. Waits, for some seconds at worst.

        Raises OSError when that cannot be.
        """
        link = self.find()
        return self._begin() if link is None else link

    def find(self) -> MediaEngineLink | None:
        """Become the owner of the engine that listens; None where none does. Raises OSError when it is not to be
        had."""
        until = self._monotonic() + FREE_SECONDS
        while True:
            try:
                return MediaEngineLink(self.socket)
            except (FileNotFoundError, ConnectionRefusedError):
                return None
            except ConnectionAbortedError as error:
                if self._monotonic() > until:
                    raise OSError(f"{self.socket}: {error}") from error
            except OSError as error:
                raise OSError(f"{self.socket}: {error.strerror or error}") from error
            time.sleep(_PAUSE)

    def _begin(self) -> MediaEngineLink:
        self._says.parent.mkdir(parents=True, exist_ok=True)
        with self._says.open("wb") as says:
            child = self._child = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=says, stderr=says, start_new_session=True
            )
        log.info("a media engine is begun", socket=str(self.socket), process=child.pid)
        until = self._monotonic() + BEGIN_SECONDS
        while self._monotonic() < until:
            ended = child.poll() is not None
            link = self.find()
            if link is not None:
                return link
            if ended:
                raise OSError(f"the media engine did not begin: {self._last_line()}")
            time.sleep(_PAUSE)
        raise OSError(f"the media engine does not listen at {self.socket}")

    def wait(self, seconds: float) -> None:
        """Wait for the end of what was begun here."""
        if self._child is not None:
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                log.warning("the media engine has not ended", process=self._child.pid)

    def _last_line(self) -> str:
        lines = self._says.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


async def revive(process: EngineProcess, *, begins: bool) -> MediaEngineLink:
    """Wait until an engine listens again; `begins`: begin it."""
    pause = 0.1
    while True:
        await asyncio.sleep(pause)
        try:
            link = await asyncio.to_thread(process.reach if begins else process.find)
        except OSError as error:
            log.error("there is no media engine", reason=str(error))
            link = None
        if link is not None:
            return link
        pause = min(2 * pause, MOST_PAUSE_SECONDS)
