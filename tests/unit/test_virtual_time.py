"""The clock that the simulation stands on."""

import asyncio

import pytest

from softswitch.kernel.clock import Clock
from tests.support.virtual_time import EPOCH_MS, Deadlock, VirtualClock, VirtualTimeLoop, run


def test_an_hour_passes_at_once_and_exactly() -> None:
    async def main(loop: VirtualTimeLoop) -> tuple[float, int]:
        clock: Clock = VirtualClock(loop)
        await asyncio.sleep(3600.125)
        return clock.monotonic(), clock.wall_ms()

    assert run(main) == (3600.125, EPOCH_MS + 3_600_125)


def test_timers_fire_in_order_and_at_their_own_time() -> None:
    fired: list[tuple[float, str]] = []

    async def main(loop: VirtualTimeLoop) -> None:
        def fire(name: str) -> None:
            fired.append((loop.time(), name))

        for when, name in ((0.3, "c"), (0.1, "a"), (0.2, "b")):
            loop.call_later(when, fire, name)
        loop.call_later(0.25, lambda: None).cancel()
        await asyncio.sleep(1)

    run(main)
    assert fired == [(0.1, "a"), (0.2, "b"), (0.3, "c")]


def test_a_time_limit_works_on_it() -> None:
    async def main(loop: VirtualTimeLoop) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(32):
                await loop.create_future()
        return loop.time()

    assert run(main) == 32


def test_a_forgotten_wake_up_is_a_deadlock_and_says_who_waits() -> None:
    async def waits_for_ever(loop: VirtualTimeLoop) -> None:
        await loop.create_future()

    with pytest.raises(Deadlock, match=r"(?s)nothing is ready and no timer is set.*waits_for_ever.*test_virtual_time"):
        run(waits_for_ever)


def test_work_that_calls_itself_for_ever_is_found() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        def again() -> None:
            loop.call_soon(again)

        again()
        await loop.create_future()

    with pytest.raises(Deadlock, match="livelock"):
        run(main)


def test_an_error_in_a_callback_is_not_lost() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(ZeroDivisionError):
        run(main)


def test_threads_are_refused() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        with pytest.raises(RuntimeError, match="no threads"):
            loop.run_in_executor(None, print)

    run(main)


def test_the_same_seed_gives_the_same_chance() -> None:
    async def main(loop: VirtualTimeLoop) -> list[float]:
        return [loop.random.random() for _ in range(3)]

    assert run(main, seed=7) == run(main, seed=7) != run(main, seed=8)
