"""Independent phones (pjsua2) call through the switch; what they hear is told by its frequency."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from softswitch.phone.process import PhoneFailed
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]

MUSIC_HZ = 261.6
"""The root of the chord that sounds all through the music on hold."""
TALK = 1.5
"""Seconds of talk: enough for a frequency."""


async def test_a_registered_phone_is_listed_and_a_leaving_one_is_not(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    async with ready(Phone(switch, "1001", tmp_path)):
        listed = [one for one in admin.all("/registrations") if "1001" in one["aor"]]
        assert len(listed) == 1
        assert listed[0]["user_agent"] == "softswitch-call"
        assert 0 < listed[0]["expires"] <= 300

    admin.eventually(
        lambda: [one for one in admin.all("/registrations") if "1001" in one["aor"]], lambda left: not left
    )


async def test_a_wrong_password_is_told(switch: Server, tmp_path: Path) -> None:
    async with Phone(switch, "1002", tmp_path, password="wrong") as phone:
        refused = await phone.expect("registration", within=WITHIN)

    assert (refused["status"], refused["expires"]) == (401, 0)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_the_echo_brings_the_own_tone_back(switch: Server, admin: Admin, tmp_path: Path, transport: str) -> None:
    async with ready(Phone(switch, "1001", tmp_path, tone=620, transport=transport)) as (phone,):
        await phone.do("dial", number="9196")
        await phone.state("confirmed")
        await asyncio.sleep(TALK)
        await phone.do("hangup", call=1)
        ended = await phone.state("disconnected")
        await phone.leave()

    assert phone.heard().frequency == pytest.approx(620, abs=3)
    assert ended["statistics"]["received"] > 40
    admin.nothing_live()


async def test_the_tone_of_1004_hz_is_heard(switch: Server, tmp_path: Path) -> None:
    async with ready(Phone(switch, "1001", tmp_path)) as (phone,):
        await phone.do("dial", number="9197")
        await phone.state("confirmed")
        await asyncio.sleep(TALK)
        await phone.leave()

    assert phone.heard().frequency == pytest.approx(1004, abs=3)


async def test_the_clock_speaks_and_hangs_up(switch: Server, admin: Admin, tmp_path: Path) -> None:
    async with ready(Phone(switch, "1002", tmp_path)) as (phone,):
        await phone.do("dial", number="9198")
        await phone.state("confirmed")
        ended = await phone.state("disconnected")
        await phone.leave()

    heard = phone.heard()
    assert heard.level_dbfs > -35
    assert heard.audible_seconds > 2
    # "The time is ... You are calling from one zero zero two": several seconds of it.
    assert ended["statistics"]["received"] > 200
    assert admin.cdr("9198")["disposition"] == "answered"


async def test_two_phones_hear_each_other_and_the_caller_hangs_up(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path, tone=500), Phone(switch, "1004", tmp_path, tone=800)
    async with ready(alice, bob):
        await alice.do("dial", number="1004")
        incoming = await bob.rings()
        assert "1003" in incoming["from"]
        await bob.do("answer", call=1, status=180)
        await alice.state("early", status=180)
        await bob.do("answer", call=1)
        await alice.state("confirmed")
        await bob.state("confirmed")
        await asyncio.sleep(TALK)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        await alice.leave()
        await bob.leave()

    assert alice.heard().frequency == pytest.approx(800, abs=3)
    assert bob.heard().frequency == pytest.approx(500, abs=3)
    cdr = admin.cdr("1004")
    assert (cdr["from"], cdr["disposition"], cdr["destination"]) == ("1003", "answered", "account/1004")
    assert cdr["billable_ms"] >= TALK * 1000 - 200
    assert all(leg["media"]["received"] > 40 and leg["media"]["lost"] == 0 for leg in cdr["legs"])


async def test_the_called_phone_hangs_up(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1005", tmp_path, answer=200)
    async with ready(alice, bob):
        await alice.do("dial", number="1005")
        await alice.state("confirmed")
        await bob.do("hangup", call=1)
        await alice.state("disconnected")

    cdr = admin.cdr("1005")
    assert cdr["disposition"] == "answered"
    assert [leg["by_party"] for leg in cdr["legs"]] == [False, True]


async def test_a_held_party_hears_music_until_it_is_resumed(switch: Server, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path, tone=500), Phone(switch, "1006", tmp_path, tone=800, answer=200)
    async with ready(alice, bob):
        await alice.do("dial", number="1006")
        await alice.state("confirmed")
        await bob.expect("media", within=WITHIN, status="active")
        await asyncio.sleep(TALK)
        await alice.do("hold", call=1)
        await alice.expect("media", within=WITHIN, status="holding")
        await bob.expect("media", within=WITHIN, status="held")
        await asyncio.sleep(2 * TALK)
        await alice.do("resume", call=1)
        await bob.expect("media", within=WITHIN, status="active")
        await asyncio.sleep(2 * TALK)
        await alice.leave()
        await bob.state("disconnected")
        await bob.leave()

    whole = bob.heard()
    assert bob.heard(0.3, TALK - 0.3).frequency == pytest.approx(500, abs=3)
    assert bob.heard(TALK + 1, TALK + 2).frequency == pytest.approx(MUSIC_HZ, abs=3)
    assert bob.heard(whole.seconds - TALK).frequency == pytest.approx(500, abs=3)


async def test_every_phone_of_an_account_rings_and_the_others_stop(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1003", tmp_path)
    desk, mobile = Phone(switch, "1007", tmp_path), Phone(switch, "1007", tmp_path / "mobile")
    async with ready(alice, desk, mobile):
        await alice.do("dial", number="1007")
        for phone in (desk, mobile):
            await phone.rings()
            await phone.do("answer", call=1, status=180)
        await alice.state("early")
        await mobile.do("answer", call=1)
        await alice.state("confirmed")
        stopped = await desk.state("disconnected")
        await alice.do("hangup", call=1)
        await mobile.state("disconnected")

    assert stopped["status"] in (200, 487)
    cdr = admin.cdr("1007")
    assert cdr["disposition"] == "answered"
    called = [leg for leg in cdr["legs"] if leg["role"] == "called"]
    assert sorted(leg["cause_code"] for leg in called) == [16, 26]


async def test_a_busy_phone_says_so(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1008", tmp_path, answer=486)
    async with ready(alice, bob):
        await alice.do("dial", number="1008")
        refused = await alice.state("disconnected")

    assert refused["status"] == 486
    assert admin.cdr("1008", caller="1003")["disposition"] == "busy"


async def test_a_caller_who_gives_up_stops_the_ringing_phone(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1009", tmp_path, answer=180)
    async with ready(alice, bob):
        await alice.do("dial", number="1009")
        await bob.rings()
        await alice.state("early")
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        await alice.state("disconnected", status=487)

    assert admin.cdr("1009")["disposition"] == "cancelled"


async def test_an_account_without_a_phone_is_absent(switch: Server, admin: Admin, tmp_path: Path) -> None:
    async with ready(Phone(switch, "1003", tmp_path)) as (alice,):
        await alice.do("dial", number="1010")
        refused = await alice.state("disconnected")

    assert refused["status"] == 480
    assert admin.cdr("1010")["cause_code"] == 20


async def test_a_number_that_leads_nowhere_is_not_found(switch: Server, tmp_path: Path) -> None:
    async with ready(Phone(switch, "1003", tmp_path)) as (alice,):
        await alice.do("dial", number="4999")
        refused = await alice.state("disconnected")

    assert refused["status"] == 404


async def test_keys_pressed_reach_the_other_phone(switch: Server, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1011", tmp_path, answer=200)
    async with ready(alice, bob):
        await alice.do("dial", number="1011")
        await alice.state("confirmed")
        await bob.state("confirmed")
        await asyncio.sleep(0.5)
        for key in "19#":
            await alice.do("digit", call=1, digit=key)
            assert (await bob.expect("digit", within=WITHIN))["digit"] == key


async def test_an_administrator_ends_a_live_call(switch: Server, admin: Admin, tmp_path: Path) -> None:
    async with ready(Phone(switch, "1012", tmp_path)) as (phone,):
        await phone.do("dial", number="9196")
        await phone.state("confirmed")
        (live,) = admin.eventually(lambda: admin.all("/calls"), lambda calls: len(calls) == 1)
        admin.delete(f"/calls/{live['call_id']}")
        await phone.state("disconnected")


async def test_a_phone_whose_process_dies_is_said_to_have_crashed(switch: Server, tmp_path: Path) -> None:
    async with ready(Phone(switch, "1013", tmp_path)) as (phone,):
        assert phone.pid is not None
        os.kill(phone.pid, signal.SIGSEGV)
        with pytest.raises(PhoneFailed, match="crashed \\(SIGSEGV\\)"):
            await phone.state("confirmed")


async def test_phones_that_insist_on_reliable_ringing_and_session_timers_have_them(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1007", tmp_path, tone=500, strict=True)
    bob = Phone(switch, "1008", tmp_path, tone=800, strict=True)
    async with ready(alice, bob):
        await alice.do("dial", number="1008")
        await bob.rings()
        await bob.do("answer", call=1, status=180)
        await alice.state("early", status=180)
        await bob.do("answer", call=1)
        await alice.state("confirmed")
        await bob.state("confirmed")
        await asyncio.sleep(TALK)
        await alice.do("update", call=1)
        await asyncio.sleep(TALK)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        await alice.leave()
        await bob.leave()

    assert alice.heard().frequency == pytest.approx(800, abs=3)
    assert bob.heard().frequency == pytest.approx(500, abs=3)
    cdr = admin.cdr("1008", caller="1007")
    assert cdr["disposition"] == "answered" and cdr["billable_ms"] >= 2 * TALK * 1000 - 400
    lines = [f"{line['direction']} {line['what']}" for line in admin.get(f"/calls/{cdr['call_id']}/trace")["ladder"]]
    assert "in PRACK" in lines and "out PRACK" in lines and "in UPDATE" in lines
