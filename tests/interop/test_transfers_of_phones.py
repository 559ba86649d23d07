"""Independent phones (pjsua2) transfer calls; who hears whom afterwards is told by frequency, at both ends."""

import asyncio
from pathlib import Path

import pytest

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]

TALK = 2.0
"""Seconds of talk: enough for a frequency."""


async def test_after_a_blind_transfer_the_two_others_hear_each_other(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1014", tmp_path, tone=500)
    bob = Phone(switch, "1015", tmp_path, tone=800, answer=200)
    carol = Phone(switch, "1016", tmp_path, tone=1200, answer=200)
    async with ready(alice, bob, carol):
        await alice.do("dial", number="1015")
        await alice.state("confirmed")
        await bob.state("confirmed")
        await asyncio.sleep(TALK)
        await bob.do("transfer", call=1, number="1016")
        await bob.expect("transfer", within=WITHIN, status=200, final=True)
        await bob.state("disconnected")
        await carol.state("confirmed")
        await asyncio.sleep(2 * TALK)
        await alice.do("hangup", call=1)
        await carol.state("disconnected")
        for phone in (alice, bob, carol):
            await phone.leave()

    end = alice.heard().seconds
    assert alice.heard(0.3, TALK - 0.3).frequency == pytest.approx(800, abs=3)
    assert alice.heard(end - TALK, end - 0.3).frequency == pytest.approx(1200, abs=3)
    end = carol.heard().seconds
    assert carol.heard(end - TALK, end - 0.3).frequency == pytest.approx(500, abs=3)
    cdr = admin.cdr("1015")
    assert cdr["disposition"] == "answered" and cdr["destination"] == "account/1016"
    assert [(each["kind"], each["target"], each["outcome"]) for each in cdr["transfers"]] == [
        ("blind", "1016", "completed")
    ]
    numbers = {leg["leg"]: leg["number"] for leg in cdr["legs"]}
    assert [(numbers[talk["a"]], numbers[talk["b"]]) for talk in cdr["talks"]] == [("1014", "1015"), ("1014", "1016")]


async def test_after_an_attended_transfer_the_two_others_hear_each_other(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1014", tmp_path, tone=500)
    bob = Phone(switch, "1019", tmp_path, tone=800, answer=200)
    carol = Phone(switch, "1017", tmp_path, tone=1200, answer=200)
    async with ready(alice, bob, carol):
        await alice.do("dial", number="1019")
        await alice.state("confirmed")
        await bob.state("confirmed")
        await asyncio.sleep(0.5)
        await bob.do("hold", call=1)
        await bob.expect("media", within=WITHIN, status="holding")
        await bob.do("dial", number="1017")
        await bob.state("confirmed", call=2)
        await asyncio.sleep(TALK)
        await bob.do("transfer_to", call=1, other=2)
        await bob.expect("transfer", within=WITHIN, status=200, final=True)
        await bob.state("disconnected")
        await bob.state("disconnected")
        await asyncio.sleep(2 * TALK)
        await carol.do("hangup", call=1)
        await alice.state("disconnected")
        for phone in (alice, bob, carol):
            await phone.leave()

    end = alice.heard().seconds
    assert alice.heard(end - TALK, end - 0.3).frequency == pytest.approx(1200, abs=3)
    end = carol.heard().seconds
    assert carol.heard(0.3, TALK - 0.3).frequency == pytest.approx(800, abs=3)
    assert carol.heard(end - TALK, end - 0.3).frequency == pytest.approx(500, abs=3)
    first, second = admin.cdr("1019"), admin.cdr("1017")
    assert first["disposition"] == second["disposition"] == "answered"
    moved = [leg for leg in (*first["legs"], *second["legs"]) if leg["moved_to"]]
    assert [leg["number"] for leg in moved] == ["1014"] and moved[0]["moved_to"] == second["call_id"]


async def test_a_transfer_to_a_busy_phone_gives_the_party_back(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1014", tmp_path, tone=500)
    bob = Phone(switch, "1020", tmp_path, tone=800, answer=200)
    carol = Phone(switch, "1018", tmp_path, answer=486)
    async with ready(alice, bob, carol):
        await alice.do("dial", number="1020")
        await alice.state("confirmed")
        await bob.state("confirmed")
        await bob.do("transfer", call=1, number="1018")
        await bob.expect("transfer", within=WITHIN, status=486, final=True)
        await asyncio.sleep(2 * TALK)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        for phone in (alice, bob):
            await phone.leave()

    for phone, tone in ((alice, 800), (bob, 500)):
        end = phone.heard().seconds
        assert phone.heard(end - TALK, end - 0.3).frequency == pytest.approx(tone, abs=3)
    cdr = admin.cdr("1020")
    assert [each["outcome"] for each in cdr["transfers"]] == ["failed"] and len(cdr["talks"]) == 2
