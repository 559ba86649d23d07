"""A customer, an agent and a supervisor (pjsua2), each with a tone of its own: what each of them hears is in its own
phone's recording."""

import asyncio
import cmath
from collections.abc import Sequence
from pathlib import Path

from softswitch.phone.sound import read_wav
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]

TALK = 2.0
"""Seconds of each part."""
CUSTOMER, AGENT, BOSS = 500, 800, 1100
"""Hz: a window of 100 ms holds whole periods of each."""
WINDOW = 0.1


def heard(phone: Phone) -> list[dict[int, float]]:
    """How loud each tone is in each window of what a phone heard."""
    samples, rate = read_wav(phone.recording)
    length = round(WINDOW * rate)
    return [
        {hz: _level(samples[at : at + length], hz, rate) for hz in (CUSTOMER, AGENT, BOSS)}
        for at in range(0, len(samples) - length, length)
    ]


def _level(samples: Sequence[int], hz: int, rate: int) -> float:
    turn = 2j * cmath.pi * hz / rate
    return 2 * abs(sum(sample * cmath.exp(turn * n) for n, sample in enumerate(samples))) / len(samples)


def seconds(phone: Phone, hz: int, loud: float) -> float:
    """How long a phone heard a tone."""
    return WINDOW * sum(window[hz] > loud / 2 for window in heard(phone))


async def test_a_whisper_is_in_the_agents_recording_and_no_trace_of_it_in_the_customers(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    customer = Phone(switch, "1011", tmp_path, tone=CUSTOMER)
    agent = Phone(switch, "1012", tmp_path, tone=AGENT, answer=200)
    boss = Phone(switch, "1020", tmp_path, tone=BOSS, answer=200)
    async with ready(customer, agent, boss):
        await customer.do("dial", number="1012")
        await customer.state("confirmed")
        (call,) = [each for each in admin.all("/calls") if each["to"] == "1012"]
        await asyncio.sleep(TALK / 2)
        own = admin.post(f"/calls/{call['call_id']}/supervise", by="1020", mode="listen")["call_id"]
        await boss.state("confirmed")
        admin.eventually(lambda: admin.all("/supervisions"), lambda found: [each["id"] for each in found] == [own])
        await asyncio.sleep(TALK)
        await boss.do("digit", call=1, digit="5")
        admin.eventually(lambda: admin.all("/supervisions"), lambda found: found[0]["mode"] == "whisper")
        await asyncio.sleep(TALK)
        admin.delete(f"/supervisions/{own}")
        await boss.state("disconnected")
        await boss.leave()  # at once: a phone that has been idle for a second does not complete its file
        await asyncio.sleep(TALK / 2)
        await customer.do("hangup", call=1)
        await agent.state("disconnected")
        for phone in (customer, agent):
            await phone.leave()

    loud = max(window[AGENT] for window in heard(customer))
    assert loud > 1000
    # In a window in which a tone begins or ends a little of it is at every frequency; in the others there is nothing.
    steady = [window[BOSS] for window in heard(customer) if window[AGENT] > 0.995 * loud]
    assert len(steady) * WINDOW > 2 * TALK and max(steady) < loud / 1000, "not a trace"
    assert max(window[BOSS] for window in heard(customer)) < loud / 20
    assert TALK * 0.7 <= seconds(agent, BOSS, loud) <= TALK * 2.0, "from the whisper on, not while it listened"
    assert seconds(agent, CUSTOMER, loud) > 2.5 * TALK, "all the time"
    for hz in (CUSTOMER, AGENT):
        assert seconds(boss, hz, loud) > 1.5 * TALK
    talk = admin.cdr("1012", "1011")
    assert (talk["disposition"], len(talk["talks"]), talk["mixes"], talk["transfers"]) == ("answered", 1, [], [])
    assert {leg["media"]["lost"] for leg in talk["legs"]} == {0}


async def test_a_supervisor_barges_in_by_a_code_and_takes_over(switch: Server, admin: Admin, tmp_path: Path) -> None:
    customer = Phone(switch, "1013", tmp_path, tone=CUSTOMER)
    agent = Phone(switch, "1014", tmp_path, tone=AGENT, answer=200)
    boss = Phone(switch, "1020", tmp_path, tone=BOSS)
    async with ready(customer, agent, boss):
        await customer.do("dial", number="1014")
        await customer.state("confirmed")
        await boss.do("dial", number="*481014")
        await boss.state("confirmed")
        admin.eventually(lambda: admin.all("/supervisions"), bool)
        await asyncio.sleep(TALK)
        await boss.do("digit", call=1, digit="9")
        await agent.state("disconnected")
        await agent.leave()
        await asyncio.sleep(TALK)
        await boss.do("hangup", call=1)
        await customer.state("disconnected")
        for phone in (customer, boss):
            await phone.leave()

    loud = max(window[AGENT] for window in heard(customer))
    assert seconds(customer, BOSS, loud) > 1.6 * TALK, "in both parts"
    assert TALK * 0.7 <= seconds(agent, BOSS, loud) <= TALK * 2.0
    assert seconds(boss, CUSTOMER, loud) > 1.6 * TALK
    both = [window for window in heard(customer) if window[AGENT] > loud / 2 and window[BOSS] > loud / 2]
    assert len(both) * WINDOW > 0.6 * TALK, "at once"
    talk = admin.cdr("1014", "1013")
    assert [each["kind"] for each in talk["transfers"]] == ["replaced"] and len(talk["talks"]) == 2
    audit = [each["action"] for each in admin.all("/audit") if each["who"] == "1020"]
    assert any(action.startswith(f"supervise call {talk['call_id']}") for action in audit)
