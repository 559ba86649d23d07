"""Independent phones as agents of a queue: pjsua2 signs on by its keys and holds, baresip is rung where it sits."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.interop.test_baresip import TONE, baresip_phone, hear
from tests.support.server import Server

pytestmark = [phones.needed]

TALK = 2.0


def doing(admin: Admin, agent: str, *states: str) -> str:
    """What an agent does, once it is one of these."""
    found: Any = admin.eventually(lambda: admin.get(f"/agents/{agent}")["state"], lambda state: state in states)
    return str(found)


async def test_an_agent_signs_on_by_its_phone_talks_holds_and_wraps_up(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    before = admin.get("/queues/sales")["account"]
    caller, seat = Phone(switch, "1019", tmp_path, tone=500), Phone(switch, "1014", tmp_path, tone=800, answer=200)
    async with ready(caller, seat):
        await caller.do("dial", number="6001")
        await caller.state("confirmed")
        await asyncio.sleep(TALK)
        await seat.do("dial", number="*40")
        await seat.state("disconnected", call=1)
        await seat.state("confirmed", call=2)
        assert doing(admin, "dave", "connected") == "connected"
        await asyncio.sleep(TALK)
        await seat.do("hold", call=2)
        assert doing(admin, "dave", "hold") == "hold"
        await seat.do("resume", call=2)
        assert doing(admin, "dave", "connected") == "connected"
        await asyncio.sleep(TALK)
        await caller.leave()
        await seat.state("disconnected", call=2)
        assert doing(admin, "dave", "wrap_up") == "wrap_up"
        await seat.do("dial", number="*44")
        await seat.state("disconnected", call=3)
        assert doing(admin, "dave", "available") == "available"
        await seat.do("dial", number="*41")
        await seat.state("disconnected", call=4)
        assert doing(admin, "dave", "logged_out") == "logged_out"
        await seat.leave()

    end = caller.heard().seconds
    assert caller.heard(end - TALK, end - 0.3).frequency == pytest.approx(800, abs=3)
    assert caller.heard(0.3, TALK - 0.3).audible_seconds > 1, "it heard music before"
    after = admin.get("/queues/sales")["account"]
    gone = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert gone == {"offered": 1, "answered": 1}
    assert admin.cdr("6001")["disposition"] == "answered"


async def test_baresip_takes_a_caller_of_a_queue(switch: Server, admin: Admin, tmp_path: Path) -> None:
    caller = Phone(switch, "1018", tmp_path, tone=500)
    async with ready(caller), baresip_phone(switch, "1015") as agent:
        incoming: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        agent.on_incoming(incoming.set_result)
        admin.post("/agents/erin/sign-on")
        await caller.do("dial", number="6002")
        call = await asyncio.wait_for(incoming, WITHIN)
        await call.answer()
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await caller.leave()
        admin.post("/agents/erin/sign-off")

    assert heard.frequency == pytest.approx(500, abs=3)
    end = caller.heard().seconds
    assert caller.heard(end - 1.5, end - 0.3).frequency == pytest.approx(TONE, abs=3)
