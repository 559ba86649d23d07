"""The switch is killed while callers wait, phones ring and agents talk, and comes back; sound lives on."""

import asyncio

import pytest

from softswitch.events import CallerLeftQueue, CallerQueued
from tests.support.queue_stories import desk, facts, outcomes, rule, served, sign_on, states, unlawful
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop


@pytest.fixture
async def house() -> SimulatedSwitch:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return SimulatedSwitch(loop, journal=True)


async def restarted(house: SimulatedSwitch, after: float = 1.0, down: float = 2.0) -> int:
    """Killed after some seconds, and back after some more; gives how many calls go on."""
    await asyncio.sleep(after)
    house.die()
    await asyncio.sleep(down)
    return house.rise()


async def test_those_who_wait_keep_their_stay_and_their_place(house: SimulatedSwitch) -> None:
    first, second, seat = await registered(house, "1001", "1002", "1011")
    calls = []
    for caller in (first, second):
        calls.append(caller.call("6001"))
        await calls[-1].until("up")
        await asyncio.sleep(5)
    assert await restarted(house) == 2
    await asyncio.sleep(1)
    assert all(house.media.doing[house.leg_of(call)] == "music" for call in calls)
    assert not unlawful(house)
    sign_on(house, "alice", "1011")
    back = await taken(seat)
    assert house.hear_each_other(calls[0], back)
    calls[0].hang_up()
    await back.until("over")
    await asyncio.sleep(11)
    back = await taken(seat)
    assert house.hear_each_other(calls[1], back)
    back.hang_up()
    await house.settled()
    assert len(facts(house, CallerQueued)) == 2 and outcomes(house) == [("sales", "answered", "alice")] * 2
    waits = [fact.at - fact.queued_at for fact in facts(house, CallerLeftQueue)]
    assert 15_000 < waits[0] < 18_000 and not unlawful(house)


async def test_an_agent_who_talks_is_rung_by_nobody_afterwards_until_it_hangs_up(house: SimulatedSwitch) -> None:
    caller, other = await registered(house, "1001", "1002")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    assert await restarted(house) == 1
    assert house.hear_each_other(out, back)
    sign_on(house, "alice", "1011")
    house.features.queues._look_at_line("alice")
    waits = other.call("6001")
    await waits.until("up")
    await asyncio.sleep(20)
    assert seat.incoming.empty() and states(house, "alice")[-1] == "outbound"
    back.hang_up()
    await out.until("over")
    await taken(seat)
    waits.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "alice")] * 2 and not unlawful(house)


async def test_a_phone_that_rang_for_one_who_waits_is_rung_again(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    out = caller.call("6001")
    ring = await seat.rings()
    ring.ring()
    assert await restarted(house) == 1
    sign_on(house, "alice", "1011")
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    out.hang_up()
    ring.refuse(480)  # nobody has told it that its call is over
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "alice")] and not unlawful(house)


async def test_a_stay_whose_caller_hung_up_meanwhile_is_ended(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(1)
    house.die()
    out.hang_up()
    await asyncio.sleep(1)
    house.rise()
    await out.until("over")
    await house.settled()
    assert len(outcomes(house)) == 1 and not unlawful(house)


async def test_a_stay_of_a_queue_that_is_gone_is_ended(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(1)
    house.die()
    await asyncio.sleep(1)
    house.rise()
    house.features.queues._forget_queue("sales")
    await out.until("over")
    await house.settled()
    assert outcomes(house) == [("sales", "disconnected", "restart")]


async def test_the_kill_in_the_moment_of_arrival_leaves_no_open_stay(house: SimulatedSwitch) -> None:
    rule(house, wait_most_ms=60_000)
    callers = await registered(house, *(f"10{number:02}" for number in range(1, 9)))
    calls = []
    for number, caller in enumerate(callers):
        calls.append(caller.call("6001"))
        await asyncio.sleep(0.004 * number)
    house.die()
    await asyncio.sleep(2)
    house.rise()
    await asyncio.sleep(90)
    for call in calls:
        if call.state == "up":
            call.hang_up()
    assert not unlawful(house)
    await house.settled()
    assert not unlawful(house)
