"""What is old is deleted in rounds, for as long as the switch runs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from softswitch.platform.background import Background
from softswitch.platform.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

FIRST_SECONDS = 60.0
"""After the start: then others have begun."""


class Rounds:
    """Sweeps again and again; a round that fails is told, and the next one tries again."""

    def __init__(self, what: str, sweep: Callable[[], Awaitable[int]], seconds: float) -> None:
        """`what` is deleted, in words such as `old recordings`; `sweep` gives how many they were, and may raise
        DatabaseUnavailable and OSError. `seconds` lie between two rounds."""
        self._what = what
        self._sweep = sweep
        self._seconds = seconds
        self._background = Background(f"{what} are deleted")

    def start(self) -> None:
        """Begin, a minute from now."""
        self._background.start(self._go_round())

    @property
    def uncut(self) -> asyncio.Lock:
        """See `Background`: for a sweep to hold while it writes."""
        return self._background.uncut

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        await self._background.stop()

    async def _go_round(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                if gone := await self._sweep():
                    log.info(f"{self._what} were deleted", count=gone)
            except (DatabaseUnavailable, OSError) as error:
                log.warning(f"{self._what} could not be deleted", error=str(error))
            except Exception:
                log.exception(f"{self._what} could not be deleted")
            await asyncio.sleep(self._seconds)
