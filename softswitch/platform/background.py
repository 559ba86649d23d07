"""What goes on beside everything else, from a part's start to its stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """One task of a part."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self.uncut = asyncio.Lock()
        """Held over what the task must not be stopped in the middle of, such as a write: a transaction that is cut off
        may hold an SQLite file for as long as the disk takes, and whoever writes next waits for it."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin; the work goes on until `stop`."""
        self._task = asyncio.create_task(work, name=self._name)

    async def stop(self) -> bool:
        """End it, between two pieces that are not to be cut; gives whether it was going on."""
        task, self._task = self._task, None
        if task is None:
            return False
        async with self.uncut:
            task.cancel()
        await asyncio.wait([task])
        return True
