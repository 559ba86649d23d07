"""An event loop on which time is an argument: it jumps to the next timer instead of sleeping.

An hour of calls takes as long as its work takes. There are no threads and no sockets on it: with either in play the
clock would jump over an answer that was on its way.
"""

import asyncio
from collections.abc import Callable
from typing import Any

STALLED_AFTER = 20_000
"""Turns of the loop without the clock moving, after which something calls itself for ever."""


class Deadlock(RuntimeError):
    """A wake-up was forgotten: nothing is ready, no timer is set, and something waits."""


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """`time()` starts at 0 and moves only when nothing is ready."""

    def __init__(self) -> None:
        self._now = 0.0
        self._turns = 0
        super().__init__()
        self._selector = self
        # asyncio runs what is due before now + resolution; below the last digit of any time we reach, and not 0.
        self._clock_resolution = 1e-9
        # Reporting goes by way of whoever runs this: what no task awaited is an error, not a line in a log.
        self.unhandled: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _loop, context: self.unhandled.append(context))

    def time(self) -> float:
        return self._now

    # What asyncio's loop asks of a selector.

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("deadlock: nothing is ready and no timer is set\n" + "\n".join(self._waiting()))
        if timeout > 0:
            # The timer's own time, not now + timeout: adding a difference back loses a last bit and would spin.
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
            self._turns = 0
            return []
        self._turns += 1
        if self._turns > STALLED_AFTER:
            raise Deadlock(f"livelock: {STALLED_AFTER} turns at {self._now:.3f} s\n" + "\n".join(self._waiting()))
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        """Nobody sleeps here, so nobody need be woken."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        raise RuntimeError("no threads on virtual time: the clock would jump over their answer")

    def _waiting(self) -> list[str]:
        lines = []
        for task in sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
            stack = task.get_stack(limit=1)
            where = f"{stack[0].f_code.co_filename}:{stack[0].f_lineno}" if stack else "not started"
            lines.append(f"  {task.get_name()} {task.get_coro()!r} waits at {where}")
        return lines
