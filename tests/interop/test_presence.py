"""Independent phones (pjsua2) see each other's presence and send each other messages through the switch."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.interop import phones, sipp
from tests.interop.conftest import Admin, CallTo
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]


async def test_two_phones_see_each_other_come_and_be_on_the_phone(switch: Server, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1004", tmp_path, answer=200)
    async with ready(alice):
        await alice.do("watch", number="1004")
        await alice.expect("buddy", within=WITHIN, subscription="active", online=False)
        async with ready(bob):
            await alice.expect("buddy", within=WITHIN, online=True)
            await bob.do("watch", number="1003")
            await bob.expect("buddy", within=WITHIN, number="1003", online=True)
            await alice.do("dial", number="1004")
            await alice.state("confirmed")
            for phone in (alice, bob):
                await phone.expect("buddy", within=WITHIN, online=True, note="On the phone")
            await alice.do("hangup", call=1)
            await bob.state("disconnected")
            await bob.expect("buddy", within=WITHIN, online=True, note="Online")
            await bob.leave()
        await alice.expect("buddy", within=WITHIN, online=False)


async def test_what_a_phone_publishes_another_sees(switch: Server, tmp_path: Path) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1005", tmp_path, publish=True)
    async with ready(alice, bob):
        await alice.do("watch", number="1005")
        await alice.expect("buddy", within=WITHIN, online=True)
        await bob.do("present", activity="away", note="Back at three")
        await alice.expect("buddy", within=WITHIN, activity="away", note="Back at three")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_messages_go_both_ways(switch: Server, tmp_path: Path, transport: str) -> None:
    alice = Phone(switch, "1003", tmp_path, transport=transport)
    bob = Phone(switch, "1006", tmp_path, transport=transport)
    async with ready(alice, bob):
        await alice.do("message", number="1006", text="Lunch? 一起吃饭吗")
        came = await bob.expect("message", within=WITHIN)
        assert (came["text"], came["kind"]) == ("Lunch? 一起吃饭吗", "text/plain")
        assert "1003" in came["from"]
        await alice.expect("message sent", within=WITHIN, status=200)
        await bob.do("message", number="1003", text="Yes")
        assert (await alice.expect("message", within=WITHIN))["text"] == "Yes"


async def test_messages_to_an_absent_phone_come_in_order_when_it_registers(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice, bob = Phone(switch, "1003", tmp_path), Phone(switch, "1007", tmp_path)
    async with ready(alice):
        for text in ("one", "two", "three"):
            await alice.do("message", number="1007", text=text)
            await alice.expect("message sent", within=WITHIN, status=202)
        admin.post("/messages", **{"from": "1003", "to": "1007", "text": "four"})
        assert [one["text"] for one in admin.all("/messages", account="1007", state="waiting")] == [
            "four",
            "three",
            "two",
            "one",
        ]
        async with ready(bob):
            for text in ("one", "two", "three", "four"):
                assert (await bob.expect("message", within=WITHIN))["text"] == text

    done = admin.eventually(
        lambda: admin.all("/messages", account="1007", state="delivered"), lambda found: len(found) == 4
    )
    assert all(one["done_at"] for one in done)


async def test_a_phone_shows_the_counts_of_its_mailbox(switch: Server, admin: Admin, tmp_path: Path) -> None:
    bob = Phone(switch, "1008", tmp_path, mailbox=True)
    async with ready(bob):
        first = await bob.expect("mailbox", within=WITHIN)
        assert "Voice-Message: 0/0 (0/0)" in first["text"]
        admin.put("/accounts/1008/mwi", new=3, old=1)
        told = await bob.expect("mailbox", within=WITHIN)
        assert "Messages-Waiting: yes" in told["text"] and "Voice-Message: 3/1 (0/0)" in told["text"]


@sipp.needed
async def test_a_lamp_that_sipp_watches_follows_a_call_of_two_phones(
    switch: Server, caller: CallTo, tmp_path: Path
) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("SEQUENTIAL\n1009;[authentication username=1009 password=demo-1009]\n")
    lamp = caller("uac_lamp", "-m", "1", "-inf", str(accounts), to="1011")
    alice, bob = Phone(switch, "1010", tmp_path), Phone(switch, "1011", tmp_path)
    async with ready(alice, bob):

        async def told(state: str) -> None:
            async with asyncio.timeout(WITHIN):
                while state not in lamp.messages():  # noqa: ASYNC110 - another process writes that file
                    await asyncio.sleep(0.05)

        await told('state="full"')
        await alice.do("dial", number="1011")
        await bob.rings()
        await told("<state>trying")
        await bob.do("answer", call=1, status=180)
        await told("<state>early")
        await bob.do("answer", call=1)
        await told("<state>confirmed")
        await alice.do("hangup", call=1)
        await asyncio.to_thread(lamp.wait)

    stages = re.findall(r"<state>(\w+)</state>", lamp.messages())
    assert stages == ["trying", "early", "confirmed", "terminated"]
