"""Virtual time for tests: `softswitch.engine.virtual_time`, seeded: the same seed gives the same run to the last
packet."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from softswitch.engine import virtual_time
from softswitch.engine.virtual_time import Deadlock

T = TypeVar("T")

EPOCH_MS = 1_790_000_000_000
"""What a virtual wall clock shows at the loop's time 0."""

__all__ = ["EPOCH_MS", "Deadlock", "VirtualClock", "VirtualTimeLoop", "run", "unhandled"]


class VirtualTimeLoop(virtual_time.VirtualTimeLoop):
    """Chance is drawn from `random` only."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.random = random.Random(seed)


class VirtualClock:
    """A `softswitch.kernel.clock.Clock` on a virtual loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def wall_ms(self) -> int:
        return EPOCH_MS + round(self._loop.time() * 1000)


def run(main: Callable[[VirtualTimeLoop], Coroutine[Any, Any, T]], *, seed: int = 0) -> T:
    """Run `main(loop)` to its end on a fresh virtual loop, and fail for errors that no task awaited."""
    loop = VirtualTimeLoop(seed)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(main(loop))
    if loop.unhandled:
        raise unhandled(loop.unhandled[0])
    return result


def unhandled(context: dict[str, Any]) -> BaseException:
    """The error that asyncio would have logged."""
    error = context.get("exception")
    return error if isinstance(error, BaseException) else RuntimeError(str(context))
