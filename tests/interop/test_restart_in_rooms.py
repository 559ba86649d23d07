"""A switch whose media engine is a process of its own is killed in the middle of a meeting, which goes on as it was."""

import asyncio
from pathlib import Path
from typing import Any

from tests.bench.soak_restart import RestartSoak
from tests.bench.talkers import Talkers
from tests.interop.conftest import Admin
from tests.interop.test_restart_in_queues import eventually
from tests.support.phone_calls import PhoneCall
from tests.support.real_network import RealNetwork

ROOM = "/conferences/3000"


class RoomRestart(RestartSoak):
    """Three are in a room, and the switch dies."""

    async def meet_through_it(self) -> None:
        self._network = RealNetwork(asyncio.get_running_loop())
        with Talkers() as self._talkers:
            self._server = await self._start()
            admin = Admin(self._server)
            try:
                await self._furnish()
                await self._meet(admin)
                await self._goes_on(admin)
                await self._is_over(admin)
            finally:
                admin.close()
                self._network.close()
                self._server.stop()

    async def _meet(self, admin: Admin) -> None:
        self.calls: list[PhoneCall] = []
        for number, account in enumerate(("1001", "1002", "1003"), 1):
            call = self._phones[account].call("3000")
            self.calls.append(call)
            await call.until("up")
            self._talkers.talk(call.local_rtp, call.theirs.address)
            await eventually(lambda: admin.all(f"{ROOM}/members"), lambda members, n=number: len(members) == n)  # type: ignore[misc]
        for member, change in ((2, {"muted": True}), (3, {"hand": True, "name": "Zhang Wei"})):
            await asyncio.to_thread(admin.patch, f"{ROOM}/members/{member}", **change)
        await asyncio.to_thread(admin.patch, f"{ROOM}/meeting", mode="lecture", locked=True, recording="on")
        await asyncio.sleep(0.5)  # the log has it: it is 50 ms behind at the most

    async def _goes_on(self, admin: Admin) -> None:
        before = await self._seen(admin)
        self._server.process.kill()
        self._server.process.wait()
        self._server = await self._start()
        await eventually(
            lambda: admin.all(f"{ROOM}/members"),
            lambda members: members and not any(each["away"] for each in members),
        )
        assert await self._seen(admin) == before
        assert [call.state for call in self.calls] == ["up"] * 3
        await asyncio.sleep(1)
        heard = self._talkers.heard()
        assert all(heard[call.local_rtp].silent_ms < 1000 for call in self.calls), "the room is heard by all"

    async def _seen(self, admin: Admin) -> Any:
        """What a client sees of the meeting, but for who spoke last."""
        room = await asyncio.to_thread(admin.get, ROOM)
        members = await asyncio.to_thread(admin.all, f"{ROOM}/members")
        still = [{name: value for name, value in each.items() if name != "speaking"} for each in members]
        return {**room["meeting"], "speaker": None}, still

    async def _is_over(self, admin: Admin) -> None:
        for call in self.calls:
            call.hang_up()
        files = await eventually(lambda: admin.all(f"{ROOM}/recordings"), lambda found: len(found) == 2)
        assert [each["name"].partition("-")[2] for each in files] == ["1.wav", "2.wav"]
        assert all(each["bytes"] > 8000 for each in files), "half a second at the least of 16 kHz"
        assert (await asyncio.to_thread(admin.get, ROOM))["meeting"] is None


def test_a_meeting_goes_on_as_it_was_when_the_switch_is_killed(tmp_path: Path) -> None:
    asyncio.run(RoomRestart(tmp_path, calls=6, seed=1, timed=False).meet_through_it())
