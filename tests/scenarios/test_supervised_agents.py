"""Agents of queues are supervised, and what queues make of it."""

import asyncio
from itertools import permutations

from softswitch.events import ConversationEnded
from tests.support.phone_calls import PhoneCall
from tests.support.queue_stories import desk, facts, outcomes, served, states, unlawful
from tests.support.stories import pairs, registered
from tests.support.switch import SimulatedSwitch


def hearing(house: SimulatedSwitch, **parties: PhoneCall) -> set[tuple[str, str]]:
    legs = {name: house.leg_of(call) for name, call in parties.items()}
    return {pair for pair in permutations(legs, 2) if house.media.hears(*(legs[name] for name in pair))}


async def test_a_whisper_to_an_agent_changes_nothing_for_the_queue(house: SimulatedSwitch) -> None:
    (seat,) = await desk(house, "alice")
    customer, office = await registered(house, "1001", "1020")
    out, back = await served(house, customer, seat)
    boss = office.call("*471011")
    await boss.until("up")
    await asyncio.sleep(1)
    assert hearing(house, customer=out, agent=back, boss=boss) == {
        ("customer", "agent"),
        ("agent", "customer"),
        ("agent", "boss"),
        ("boss", "agent"),
        ("boss", "customer"),
    }
    assert states(house, "alice")[-1] == "connected"
    await asyncio.sleep(30)
    out.hang_up()
    await boss.until("over")
    await back.until("over")
    await asyncio.sleep(1)
    assert outcomes(house) == [("sales", "answered", "alice")]
    (ended,) = facts(house, ConversationEnded)
    assert (ended.agent, ended.reason, ended.hold_ms) == ("alice", "caller", 0)
    assert 30_000 <= ended.talk_ms <= 35_000
    assert not unlawful(house)
    await house.settled()


async def test_an_agent_who_is_taken_over_has_done_with_the_caller(house: SimulatedSwitch) -> None:
    (seat,) = await desk(house, "alice")
    customer, office = await registered(house, "1001", "1020")
    out, back = await served(house, customer, seat)
    boss = office.call("*461011")
    await boss.until("up")
    await asyncio.sleep(10)
    house.press(boss, "9")
    await back.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, boss)
    assert len(facts(house, ConversationEnded)) == 1 and states(house, "alice")[-1] != "connected"
    await asyncio.sleep(60)
    boss.hang_up()
    await out.until("over")
    await asyncio.sleep(1)
    assert not unlawful(house)
    talk = next(iter(house.records.values()))
    assert pairs(talk) == [("1001", "1011"), ("1001", "1020")]
    await house.settled()
