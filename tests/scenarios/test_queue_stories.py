"""Callers wait in queues and agents serve them, on virtual time with model phones."""

import asyncio

import pytest

from softswitch.events import (
    AgentReserved,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
)
from tests.support.queue_stories import desk, facts, outcomes, sign_on, states
from tests.support.stories import Sleeper, registered, taken
from tests.support.switch import SimulatedSwitch


async def test_a_caller_is_put_through_to_the_agent_who_is_free(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    out = caller.call("6001")
    await out.until("up")
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    await asyncio.sleep(30)
    back.hang_up()
    await out.until("over")
    await asyncio.sleep(11)
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "alice")]
    assert states(house, "alice") == ["available", "reserved", "ringing", "connected", "wrap_up", "available"]
    (talk,) = facts(house, ConversationEnded)
    assert (talk.agent, talk.reason) == ("alice", "agent") and 30_000 <= talk.talk_ms <= 31_000
    (queued,) = facts(house, CallerQueued)
    assert (queued.queue, queued.number, queued.ahead) == ("sales", "1001", 0)
    (reserved,) = facts(house, AgentReserved)
    assert reserved.steps[-1].reason.endswith("longer than any")


async def test_a_caller_hears_music_until_somebody_signs_on(house: SimulatedSwitch) -> None:
    caller, seat = await registered(house, "1001", "1011")
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(40)
    assert house.media.doing[house.leg_of(out)] == "music"
    sign_on(house, "alice", "1011")
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await back.until("over")
    await house.settled()
    (left,) = facts(house, CallerLeftQueue)
    assert 42_000 <= left.at - left.queued_at <= 43_000


async def test_who_hangs_up_while_a_phone_rings_has_abandoned_and_the_phone_stops(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    out = caller.call("6001")
    ring = await seat.rings()
    ring.ring()
    await asyncio.sleep(3)
    out.hang_up()
    await ring.until("over")
    assert ring.how == "cancelled"
    await house.settled()
    assert outcomes(house) == [("sales", "abandoned", "")]
    assert states(house, "alice")[-1] == "available"


async def test_an_agent_who_does_not_answer_is_passed_over_and_does_not_respond(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    first, second = await desk(house, "alice", "bob")
    out = caller.call("6001")
    ring = await first.rings()
    ring.ring()
    back = await taken(second)
    assert ring.state == "over" and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "bob")]
    assert states(house, "alice")[-1] == "not_responding"


@pytest.mark.parametrize("status", [486, 603])
async def test_an_agent_whose_phone_refuses_rests_and_the_next_is_rung(house: SimulatedSwitch, status: int) -> None:
    (caller,) = await registered(house, "1001")
    first, second = await desk(house, "alice", "bob")
    out = caller.call("6001")
    (await first.rings()).refuse(status)
    await taken(second)
    out.hang_up()
    await house.settled()
    assert states(house, "alice")[:3] == ["available", "reserved", "available"]


async def test_an_agent_without_a_phone_keeps_nobody_waiting(house: SimulatedSwitch) -> None:
    caller, seat = await registered(house, "1001", "1012")
    sign_on(house, "alice", "1011")
    sign_on(house, "bob", "1012")
    out = caller.call("6001")
    await taken(seat)
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "bob")]


@pytest.mark.parametrize("dialled", ["6001", "*676001"])
async def test_an_agent_s_phone_shows_the_queue_and_no_number_that_is_withheld(
    house: SimulatedSwitch, dialled: str
) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    out = caller.call(dialled)
    ring = await seat.rings()
    (from_,) = ring.invitation.all("from")
    assert "Sales" in from_ and ("1001" in from_) == (dialled == "6001")
    ring.answer()
    await ring.until("up")
    out.hang_up()
    await house.settled()


async def test_an_agent_s_phone_that_sleeps_is_woken_for_a_caller(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    sleeper = Sleeper(house, "1011", seat)
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(2)
    assert seat.incoming.empty()
    sleeper.wakes()
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_an_agent_s_phone_that_does_not_wake_keeps_nobody_waiting(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    first, second = await desk(house, "alice", "bob")
    Sleeper(house, "1011", first)
    out = caller.call("6001")
    await taken(second)
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "bob")]
