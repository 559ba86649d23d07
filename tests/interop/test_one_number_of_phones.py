"""One number rings real phones, pjsua2 and baresip, in each of the three ways; who is asked hears it and presses 1."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.interop import phones
from tests.interop.conftest import Admin, CallTo
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytest.importorskip("baresip")
from baresip.call import Call
from baresip.ua import UserAgent

from tests.interop.test_baresip import TONE, baresip_phone, hear

pytestmark = [phones.needed]

TALK = 1.5


class Rung:
    """The calls that come to a baresip."""

    def __init__(self, agent: UserAgent) -> None:
        self._calls: asyncio.Queue[Call] = asyncio.Queue()
        agent.on_incoming(self._calls.put_nowait)

    async def call(self) -> Call:
        async with asyncio.timeout(WITHIN):
            return await self._calls.get()


def rings_for(admin: Admin, number: str, **times: int) -> None:
    """Let a person's devices ring for so many seconds each."""
    known = admin.get(f"/persons/{number}")["devices"]
    admin.patch(
        f"/persons/{number}",
        devices=[device | {"ring_seconds": times.get(device["name"], 15)} for device in known],
    )


def called(cdr: dict[str, Any]) -> list[tuple[str, int]]:
    """Who was rung, in order, and what each leg ended with."""
    return [(leg["number"], leg["cause_code"]) for leg in cdr["legs"] if leg["role"] == "called"]


async def test_all_at_once_and_baresip_answers(switch: Server, admin: Admin, tmp_path: Path) -> None:
    caller, desk, mobile = (
        Phone(switch, account, tmp_path, tone=tone, answer=answer)
        for account, tone, answer in (("1004", 500, 0), ("1001", 440, 180), ("1003", 440, 180))
    )
    async with ready(caller, desk, mobile), baresip_phone(switch, "1002") as agent:
        rung = Rung(agent)
        await caller.do("dial", number="7001")
        call = await rung.call()
        for phone in (desk, mobile):
            await phone.rings()
        await call.answer()
        await caller.state("confirmed")
        for phone in (desk, mobile):
            await phone.state("disconnected")
        heard = await hear(call, TALK)
        await caller.leave()

    assert heard.frequency == pytest.approx(500, abs=3)
    assert caller.heard().frequency == pytest.approx(TONE, abs=3)
    cdr = admin.cdr("7001")
    assert sorted(called(cdr)) == [("1001", 26), ("1002", 16), ("1003", 26)]
    steps = [step for line in trace_steps(admin, cdr["call_id"]) for step in line]
    assert [step["rule"] for step in steps if step["rule"].startswith("person/")] == [
        "person/7001",
        "person/7001.desk",
        "person/7001.soft",
        "person/7001.mobile",
    ]


def trace_steps(admin: Admin, call: str) -> list[list[dict[str, Any]]]:
    """What was decided of a call, as its trace shows it."""
    return [decision["steps"] for decision in admin.get(f"/calls/{call}/trace")["decisions"]]


async def test_one_after_another_until_the_last_answers(switch: Server, admin: Admin, tmp_path: Path) -> None:
    rings_for(admin, "7002", soft=3)
    caller, desk, mobile = (
        Phone(switch, account, tmp_path, tone=tone, answer=answer)
        for account, tone, answer in (("1004", 500, 0), ("1001", 440, 486), ("1003", 620, 200))
    )
    async with ready(caller, desk, mobile), baresip_phone(switch, "1002") as agent:
        rung = Rung(agent)
        await caller.do("dial", number="7002")
        await rung.call()
        await caller.state("confirmed")
        await asyncio.sleep(TALK)
        await caller.leave()
        await mobile.leave()

    assert caller.heard().frequency == pytest.approx(620, abs=3)
    assert mobile.heard().frequency == pytest.approx(500, abs=3)
    assert called(admin.cdr("7002")) == [("1001", 17), ("1002", 19), ("1003", 16)]


async def test_round_and_round_until_somebody_answers(switch: Server, admin: Admin, tmp_path: Path) -> None:
    rings_for(admin, "7003", desk=3, soft=3, mobile=3)
    caller, desk, mobile = (
        Phone(switch, account, tmp_path, tone=tone, answer=answer)
        for account, tone, answer in (("1004", 500, 0), ("1001", 440, 180), ("1003", 440, 180))
    )
    async with ready(caller, desk, mobile), baresip_phone(switch, "1002") as agent:
        rung = Rung(agent)
        await caller.do("dial", number="7003")
        await rung.call()
        again = await rung.call()
        await again.answer()
        await caller.state("confirmed")
        heard = await hear(again, TALK)
        await caller.leave()

    assert heard.frequency == pytest.approx(500, abs=3)
    assert called(admin.cdr("7003")) == [("1001", 19), ("1002", 19), ("1003", 19), ("1001", 19), ("1002", 16)]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_phone_that_must_confirm_hears_the_question_and_then_the_caller(
    switch: Server, admin: Admin, tmp_path: Path, language: str
) -> None:
    number = {"en": "7021", "zh": "7022"}[language]
    device = {"name": "cell", "account": "1018", "confirm": True, "language": language}
    admin.post("/persons", number=number, devices=[device])
    admin.post("/routes", name=f"person-{language}", number=number, destination=f"person/{number}")
    caller, cell = Phone(switch, "1004", tmp_path, tone=500), Phone(switch, "1018", tmp_path, tone=620, answer=200)
    async with ready(caller, cell):
        await caller.do("dial", number=number)
        await cell.state("confirmed")
        await asyncio.sleep(3)
        await cell.do("digit", call=1, digit="1")
        await caller.state("confirmed")
        await asyncio.sleep(TALK)
        await caller.leave()
        await cell.leave()

    assert cell.heard(0.3, 2.5).level_dbfs > -35  # a voice, while the caller was not there yet
    assert cell.heard(3.6).frequency == pytest.approx(500, abs=3)
    assert caller.heard(0.3).frequency == pytest.approx(620, abs=3)
    assert admin.cdr(number)["disposition"] == "answered"


async def test_a_mailbox_outside_does_not_take_the_call(
    switch: Server, admin: Admin, tmp_path: Path, trunk: CallTo
) -> None:
    outside = {"name": "cell", "trunk": "uas", "number": "80023"}
    admin.post("/persons", number="7023", devices=[{"name": "desk", "account": "1019", "ring_seconds": 60}, outside])
    admin.post("/routes", name="person-outside", number="7023", destination="person/7023")
    caller, desk = Phone(switch, "1004", tmp_path, tone=500), Phone(switch, "1019", tmp_path, tone=620, answer=180)
    mailbox = trunk("uas")
    async with ready(caller, desk):
        await caller.do("dial", number="7023")
        await desk.rings()
        await asyncio.sleep(4)  # the mailbox has answered long since
        await desk.do("answer", call=1)
        await caller.state("confirmed")
        await asyncio.sleep(TALK)
        await caller.leave()
        await desk.leave()
    await asyncio.to_thread(mailbox.wait)

    assert caller.heard().frequency == pytest.approx(620, abs=3)
    cdr = admin.cdr("7023")
    outside_leg = next(leg for leg in cdr["legs"] if leg["number"] == "80023")
    assert outside_leg["answered_at"] is not None and outside_leg["cause_code"] == 26
