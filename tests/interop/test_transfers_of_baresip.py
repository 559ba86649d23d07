"""baresip transfers: by REFER, and by the keys of the switch's own codes. Who hears whom is told by frequency."""

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from softswitch.phone.sound import read_wav
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytest.importorskip("baresip")
from tests.interop.test_baresip import TONE, baresip_phone, hear

pytestmark = [phones.needed]

TALK = 2.0
"""Seconds of talk: enough for a frequency."""
MUSIC = 262
"""The root of the music on hold."""


def both_heard(alice: Phone, carol: Phone) -> None:
    """At the end the two that were brought together heard each other."""
    for phone, tone in ((alice, 1200), (carol, 500)):
        end = phone.heard().seconds
        assert phone.heard(end - TALK, end - 0.3).frequency == pytest.approx(tone, abs=3)


async def test_baresip_transfers_blindly(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1005", tmp_path, tone=500, answer=200)
    carol = Phone(switch, "1006", tmp_path, tone=1200, answer=200)
    async with ready(alice, carol), baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:1005@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        assert (await hear(call, TALK)).frequency == pytest.approx(500, abs=3)
        await call.transfer(f"sip:1006@{switch.host}:{switch.sip_port}", timeout=WITHIN)
        await carol.state("confirmed")
        await asyncio.sleep(2 * TALK)
        await alice.do("hangup", call=1)
        await carol.state("disconnected")
        for phone in (alice, carol):
            await phone.leave()

    assert alice.heard(0.3, TALK - 0.3).frequency == pytest.approx(TONE, abs=3)
    both_heard(alice, carol)
    (transfer,) = admin.cdr("1005", "1016")["transfers"]
    assert (transfer["kind"], transfer["target"], transfer["outcome"]) == ("blind", "1006", "completed")


async def test_baresip_asks_first_and_transfers(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1007", tmp_path, tone=500, answer=200)
    carol = Phone(switch, "1008", tmp_path, tone=1200, answer=200)
    async with ready(alice, carol), baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:1007@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        await asyncio.sleep(1)
        await call.hold()
        asked = await agent.dial(f"sip:1008@{switch.host}:{switch.sip_port}")
        await asked.wait_established(WITHIN)
        await asyncio.sleep(TALK)
        await call.attended_transfer(asked, timeout=WITHIN)
        await asyncio.sleep(2 * TALK)
        await carol.do("hangup", call=1)
        await alice.state("disconnected")
        for phone in (alice, carol):
            await phone.leave()

    both_heard(alice, carol)
    (transfer,) = admin.cdr("1007", "1016")["transfers"]
    assert (transfer["kind"], transfer["outcome"]) == ("attended", "completed")


async def test_keys_of_baresip_transfer_blindly(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1009", tmp_path, tone=500, answer=200)
    carol = Phone(switch, "1010", tmp_path, tone=1200, answer=200)
    async with ready(alice, carol), baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:1009@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        await asyncio.sleep(1)
        await call.send_dtmf("##")
        await asyncio.sleep(TALK)
        await call.send_dtmf("1010#")
        await carol.state("confirmed")
        await asyncio.sleep(2 * TALK)
        await alice.do("hangup", call=1)
        await carol.state("disconnected")
        for phone in (alice, carol):
            await phone.leave()

    both_heard(alice, carol)
    assert alice.heard(2.0, 3.0).frequency == pytest.approx(MUSIC, abs=3)
    (transfer,) = admin.cdr("1009", "1016")["transfers"]
    assert (transfer["kind"], transfer["target"], transfer["outcome"]) == ("blind", "1010", "completed")


async def test_keys_of_baresip_ask_first_go_back_and_transfer(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1011", tmp_path, tone=500, answer=200)
    carol = Phone(switch, "1012", tmp_path, tone=1200, answer=200)
    async with ready(alice, carol), baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:1011@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        await asyncio.sleep(1)
        await call.send_dtmf("*21012#")
        await carol.state("confirmed")
        await asyncio.sleep(1)
        assert (await hear(call, TALK)).frequency == pytest.approx(1200, abs=3)
        await call.send_dtmf("*2")
        await carol.state("disconnected")
        await asyncio.sleep(1)
        assert (await hear(call, TALK)).frequency == pytest.approx(500, abs=3)
        await call.send_dtmf("*21012#")
        await carol.state("confirmed")
        await asyncio.sleep(1)
        await call.hangup()
        await asyncio.sleep(2 * TALK)
        await carol.do("hangup", call=2)
        await alice.state("disconnected")
        for phone in (alice, carol):
            await phone.leave()

    both_heard(alice, carol)
    (transfer,) = admin.cdr("1011", "1016")["transfers"]
    assert (transfer["kind"], transfer["outcome"]) == ("attended", "completed")


def tones(samples: Sequence[int], rate: int) -> set[int]:
    """Which of the phones' tones are in a stretch of sound (Goertzel): each within 20 dB of the loudest."""

    def power(frequency: int) -> float:
        turn = 2 * math.cos(2 * math.pi * frequency / rate)
        before = last = 0.0
        for sample in samples:
            before, last = last, sample + turn * last - before
        return before * before + last * last - turn * before * last

    powers = {frequency: power(frequency) for frequency in (500, TONE, 1200, 1700)}
    return {frequency for frequency, each in powers.items() if each > max(powers.values()) / 100}


async def test_keys_of_baresip_bring_three_together(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1013", tmp_path, tone=500, answer=200)
    carol = Phone(switch, "1014", tmp_path, tone=1200, answer=200)
    async with ready(alice, carol), baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:1013@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        await asyncio.sleep(1)
        await call.send_dtmf("*21014#")
        await carol.state("confirmed")
        await asyncio.sleep(1)
        await call.send_dtmf("*3")
        await asyncio.sleep(2 * TALK)
        await call.hangup()
        await asyncio.sleep(2 * TALK)
        await carol.do("hangup", call=1)
        await alice.state("disconnected")
        for phone in (alice, carol):
            await phone.leave()

    both_heard(alice, carol)
    for phone, others in ((alice, {TONE, 1200}), (carol, {TONE, 500})):
        samples, rate = read_wav(phone.recording)
        # Counted back from the end: two talks of two, and the end of the one of three before them.
        end = len(samples) - round((2 * TALK + 1.0) * rate)
        assert tones(samples[end - round(TALK / 2 * rate) : end], rate) == others
    cdrs = admin.cdrs("1014", 1)
    mixed = [cdr for cdr in cdrs if cdr["mixes"]]
    assert [sorted(leg["number"] for leg in cdr["legs"]) for cdr in mixed] == [["1013", "1014", "1016"]]
