"""What goes on beside the rest is stopped between two pieces of work, never in the middle of one."""

import asyncio

from softswitch.platform.background import Background


async def test_a_piece_of_work_that_has_begun_is_not_cut_off_and_no_other_begins() -> None:
    background = Background("writes")
    began, may_end = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def write_on() -> None:
        while True:
            async with background.uncut:
                began.set()
                await may_end.wait()
                done.append("written")

    background.start(write_on())
    await began.wait()
    stopping = asyncio.create_task(background.stop())
    await asyncio.sleep(0)
    assert not stopping.done() and not done
    may_end.set()
    assert await stopping
    assert done == ["written"]


async def test_work_that_waits_is_stopped_at_once_and_twice_is_nothing() -> None:
    background = Background("waits")

    async def wait() -> None:
        await asyncio.Event().wait()

    background.start(wait())
    await asyncio.sleep(0)
    assert await background.stop()
    assert not await background.stop()
