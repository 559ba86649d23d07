"""Real phones, pjsua2 and baresip, in one conference room: each hears all the others, and not itself."""

import asyncio
import cmath
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest

from softswitch.phone.sound import read_wav
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytest.importorskip("baresip")
from baresip.call import Call

from tests.interop.test_baresip import TONE, baresip_phone

pytestmark = [phones.needed]

TALK = 2.0
LOW, HIGH, HIGHEST = 500, 1200, 1700


def tones(samples: Sequence[int], rate: int) -> set[int]:
    """Which of the phones' tones are in a stretch of sound: each within 20 dB of the loudest."""
    powers = {}
    for frequency in (LOW, TONE, HIGH, HIGHEST):
        turn = 2j * cmath.pi * frequency / rate
        powers[frequency] = abs(sum(sample * cmath.exp(turn * place) for place, sample in enumerate(samples)))
    return {frequency for frequency, power in powers.items() if power > max(powers.values()) / 10}


async def heard_by_baresip(call: Call, seconds: float) -> set[int]:
    """What it hears from now on, the last second of it."""
    pcm = b""
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.02)
        pcm += call.audio.read(65536)
    info = call.audio.info()
    samples = array("h", pcm[: len(pcm) // 2 * 2])[:: info.rx_channels]
    return tones(samples[-info.rx_sample_rate :], info.rx_sample_rate)


def heard_last(phone: Phone, before_end: float) -> set[int]:
    """What a phone has heard in a second that ended so long before it left."""
    samples, rate = read_wav(phone.recording)
    end = len(samples) - round(before_end * rate)
    return tones(samples[end - rate : end], rate)


async def keys(phone: Phone, pressed: str) -> None:
    for key in pressed:
        await phone.do("digit", call=1, digit=key)
        await asyncio.sleep(0.25)


def states(admin: Admin, room: str) -> dict[str, str]:
    return {member["number"]: member["state"] for member in admin.all(f"/conferences/{room}/members")}


async def test_each_hears_all_others_and_not_itself(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1011", tmp_path, tone=LOW)
    bob = Phone(switch, "1012", tmp_path, tone=HIGH)
    async with ready(alice, bob), baresip_phone(switch, "1016", codecs=("opus", "pcma")) as agent:
        for phone in (alice, bob):
            await phone.do("dial", number="3000")
            await phone.state("confirmed")
        call = await agent.dial(f"sip:3000@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        there = {"1011": "in", "1012": "in", "1016": "in"}
        await asyncio.to_thread(admin.eventually, lambda: states(admin, "3000"), lambda now: now == there)
        assert await heard_by_baresip(call, TALK + 2) == {LOW, HIGH}
        await asyncio.to_thread(admin.patch, "/conferences/3000/meeting", recording="on")
        await asyncio.sleep(TALK + 3)
        await asyncio.to_thread(admin.patch, "/conferences/3000/meeting", recording="off")
        await asyncio.to_thread(admin.patch, "/conferences/3000/members/2", muted=True)
        assert await heard_by_baresip(call, TALK) == {LOW}
        for phone in (alice, bob):
            await phone.leave()
        await asyncio.to_thread(
            admin.eventually, lambda: states(admin, "3000"), lambda now: list(now.values()) == ["left", "left", "in"]
        )
        await call.hangup()

    (recording,) = admin.all("/conferences/3000/recordings")
    samples, rate = read_wav(switch.log.parent / "data" / "conferences" / "3000" / recording["name"])
    assert tones(samples[-round(1.5 * rate) : -round(0.5 * rate)], rate) == {LOW, TONE, HIGH}
    # Before one was muted, and after that.
    assert heard_last(alice, TALK + 1) == {HIGH, TONE}
    assert heard_last(alice, 0.3) == {TONE}
    assert heard_last(bob, 0.3) == {LOW, TONE}
    assert {cdr["from"] for cdr in admin.cdrs("3000", 3)} == {"1011", "1012", "1016"}
    admin.nothing_live()


async def test_a_room_with_pin_calls_whoever_answers_is_busy_or_absent(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    host = Phone(switch, "1011", tmp_path, tone=LOW)
    answers = Phone(switch, "1012", tmp_path, tone=HIGH, answer=200)
    busy = Phone(switch, "1013", tmp_path, tone=HIGHEST, answer=486)
    async with ready(host, answers, busy):
        await host.do("dial", number="3001")
        await host.state("confirmed")
        await asyncio.sleep(0.5)
        await keys(host, "4321#")
        await asyncio.to_thread(admin.eventually, lambda: states(admin, "3001"), lambda now: now == {"1011": "in"})
        wanted = [{"number": "1012"}, {"number": "1013"}, {"number": "1020"}]
        await asyncio.to_thread(admin.post, "/conferences/3001/members", members=wanted, attempts=1)
        outcome = {"1011": "in", "1012": "in", "1013": "unreached", "1020": "unreached"}
        await asyncio.to_thread(admin.eventually, lambda: states(admin, "3001"), lambda now: now == outcome)
        await asyncio.sleep(TALK + 1)
        await keys(host, "#3")
        await answers.state("disconnected")
        await host.state("disconnected")
        roster = {member["number"]: member for member in admin.all("/conferences/3001/members")}
        for phone in (host, answers):
            await phone.leave()

    assert roster == {}, "the meeting is over"
    samples, rate = read_wav(answers.recording)
    assert tones(samples[round(1.5 * rate) : round(2.5 * rate)], rate) == {LOW}
    called = {number: admin.cdr(number)["disposition"] for number in ("1012", "1013", "1020")}
    assert called == {"1012": "answered", "1013": "busy", "1020": "failed"}
