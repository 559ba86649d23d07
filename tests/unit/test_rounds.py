"""Rounds in which what is old is deleted."""

import asyncio

from structlog.testing import capture_logs

from softswitch.platform.database import DatabaseUnavailable
from softswitch.platform.rounds import FIRST_SECONDS, Rounds
from tests.support.virtual_time import VirtualTimeLoop


def test_a_round_that_fails_is_followed_by_the_next() -> None:
    loop = VirtualTimeLoop()
    rounds = 0

    async def sweep() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise DatabaseUnavailable("it is away")
        if rounds == 2:
            raise ValueError("a mistake of ours")
        return 3

    async def story() -> None:
        deleting = Rounds("old things", sweep, 600)
        deleting.start()
        await asyncio.sleep(FIRST_SECONDS - 1)
        assert rounds == 0
        await asyncio.sleep(2 + 2 * 600)
        assert rounds == 3
        await deleting.stop()
        await deleting.stop()
        await asyncio.sleep(6000)
        assert rounds == 3

    with capture_logs() as logs:
        loop.run_until_complete(story())
    loop.close()
    failed = [line["log_level"] for line in logs if line["event"] == "old things could not be deleted"]
    assert failed == ["warning", "error"]
