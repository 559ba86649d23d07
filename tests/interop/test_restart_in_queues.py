"""A switch whose media engine is a process of its own is killed while callers wait in a queue: they wait on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.soak_restart import RestartSoak
from tests.interop.conftest import Admin
from tests.support.real_network import RealNetwork

WITHIN = 30.0


class QueueRestart(RestartSoak):
    """Two wait, nobody is ready, and the switch dies."""

    async def wait_through_it(self) -> dict[str, Any]:
        """Gives the report of the queue after both were served."""
        self._network = RealNetwork(asyncio.get_running_loop())
        self._server = await self._start()
        admin = Admin(self._server)
        try:
            await self._furnish()
            await self._wait(admin)
            return await self._are_served(admin)
        finally:
            admin.close()
            self._network.close()
            self._server.stop()

    async def _wait(self, admin: Admin) -> None:
        await asyncio.to_thread(admin.post, "/agents/erin/sign-on", ready=False)
        await asyncio.to_thread(admin.post, "/agents/erin/not-ready", reason="tea")
        self.callers = [self._phones[account].call("6001") for account in ("1001", "1002")]
        for caller in self.callers:
            await caller.until("up")
        before = await eventually(lambda: admin.all("/queues/sales/callers"), lambda waiting: len(waiting) == 2)
        await asyncio.sleep(0.5)  # the log has them: it is 50 ms behind at the most
        self._server.process.kill()
        self._server.process.wait()
        self._server = await self._start()
        after = await eventually(lambda: admin.all("/queues/sales/callers"), lambda waiting: len(waiting) == 2)
        assert after == before, "who waited, since when, and in which order"
        assert (await eventually(lambda: admin.get("/agents/erin")))["reason"] == "tea"
        assert [caller.state for caller in self.callers] == ["up", "up"]

    async def _are_served(self, admin: Admin) -> dict[str, Any]:
        await asyncio.to_thread(admin.post, "/agents/erin/ready")
        served = set()
        for _ in self.callers:
            erin = await eventually(lambda: admin.get("/agents/erin"), lambda agent: agent["state"] == "connected")
            served.add(erin["call_id"])
            self.callers[len(served) - 1].hang_up()
            await eventually(lambda: admin.get("/agents/erin"), lambda agent: agent["state"] == "wrap_up")
            await asyncio.to_thread(admin.post, "/agents/erin/wrap-up")
        assert len(served) == 2
        await eventually(lambda: admin.all("/calls"), lambda calls: not calls)
        since = "2020-01-01T00:00:00Z"
        report = await asyncio.to_thread(admin.get, "/reports/queues", since=since, interval="month", queue="sales")
        (row,) = report["items"]
        return dict(row)


async def eventually(ask: Callable[[], Any], holds: Callable[[Any], bool] = bool) -> Any:
    """What is answered once it holds; meanwhile the phones do what phones do."""
    async with asyncio.timeout(WITHIN):
        while not holds(answer := await asyncio.to_thread(ask)):  # noqa: ASYNC110 - over HTTP there is nothing to await
            await asyncio.sleep(0.05)
    return answer


def test_those_who_wait_keep_their_place_and_are_served_when_the_switch_is_killed(tmp_path: Path) -> None:
    row = asyncio.run(QueueRestart(tmp_path, calls=6, seed=1, timed=False).wait_through_it())
    assert (row["offered"], row["answered"], row["waiting"], row["conversations"]) == (2, 2, 0, 2)
