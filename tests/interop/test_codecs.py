"""Phones that have no codec in common hear each other through the switch; those that have one, unconverted."""

import asyncio
from pathlib import Path

import pytest

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]

TALK = 1.5


async def talk(alice: Phone, bob: Phone) -> None:
    """Alice calls Bob, and they hear each other for a while."""
    async with ready(alice, bob):
        await alice.do("dial", number=bob.settings["account"])
        await alice.state("confirmed")
        await asyncio.sleep(TALK)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        await alice.leave()
        await bob.leave()


@pytest.mark.parametrize(
    ("caller", "called", "number"), [("G722", "PCMA", "1009"), ("PCMU", "G722", "1013"), ("PCMU", "PCMA", "1014")]
)
async def test_phones_without_a_codec_in_common_hear_each_other(
    switch: Server, admin: Admin, tmp_path: Path, caller: str, called: str, number: str
) -> None:
    # The called account's rule tells it of a codec that the caller did not offer.
    admin.patch(f"/accounts/{number}", codecs=[caller, called])
    alice = Phone(switch, "1008", tmp_path, tone=500, codecs=[caller])
    bob = Phone(switch, number, tmp_path, tone=800, codecs=[called], answer=200)
    await talk(alice, bob)

    assert alice.heard().frequency == pytest.approx(800, abs=3)
    assert bob.heard().frequency == pytest.approx(500, abs=3)
    cdr = admin.cdr(number)
    assert cdr["transcoded"] is True
    assert [leg["codec"] for leg in cdr["legs"]] == [caller, called]
    ladder = admin.get(f"/calls/{cdr['call_id']}/trace")["ladder"]
    assert f"sound is converted between {caller} and {called}" in [line["what"] for line in ladder]


async def test_phones_with_a_codec_in_common_use_it(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1008", tmp_path, tone=500, codecs=["G722", "PCMA"])
    bob = Phone(switch, "1010", tmp_path, tone=800, codecs=["PCMA"], answer=200)
    await talk(alice, bob)

    assert alice.heard().frequency == pytest.approx(800, abs=3)
    assert bob.heard().frequency == pytest.approx(500, abs=3)
    cdr = admin.cdr("1010")
    assert cdr["transcoded"] is False
    assert [leg["codec"] for leg in cdr["legs"]] == ["PCMA", "PCMA"]


async def test_baresip_speaks_opus_with_a_phone_that_does_not(switch: Server, admin: Admin, tmp_path: Path) -> None:
    pytest.importorskip("baresip")
    from tests.interop.test_baresip import TONE, baresip_phone, hear

    bob = Phone(switch, "1012", tmp_path, tone=500, codecs=["PCMA"], answer=200)
    async with ready(bob), baresip_phone(switch, "1011", codecs=("opus/48000/2",)) as agent:
        call = await agent.dial(f"sip:1012@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await call.hangup()
        await bob.state("disconnected")
        await bob.leave()

    assert heard.frequency == pytest.approx(500, abs=3)
    assert bob.heard().frequency == pytest.approx(TONE, abs=3)
    cdr = admin.cdr("1012")
    assert [leg["codec"] for leg in cdr["legs"]] == ["OPUS", "PCMA"]
    assert cdr["transcoded"] is True


async def test_the_switch_itself_speaks_what_a_phone_without_g711_does(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    async with ready(Phone(switch, "1016", tmp_path, codecs=["G722"])) as (phone,):
        await phone.do("dial", number="9197")
        await phone.state("confirmed")
        await asyncio.sleep(TALK)
        await phone.leave()

    assert phone.heard().frequency == pytest.approx(1004, abs=3)


async def test_opus_that_goes_to_the_echo_comes_back(switch: Server, admin: Admin) -> None:
    pytest.importorskip("baresip")
    from tests.interop.test_baresip import TONE, baresip_phone, hear

    async with baresip_phone(switch, "1018", codecs=("opus/48000/2",)) as agent:
        call = await agent.dial(f"sip:9196@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await call.hangup()

    assert heard.frequency == pytest.approx(TONE, abs=3)
