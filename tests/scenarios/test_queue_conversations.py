"""What agents do while they talk with a caller of a queue, and beside it: hold, ask, transfer, call somebody."""

import asyncio

import pytest

from softswitch.events import AgentStateChanged, ConversationEnded
from softswitch.kernel.sound import Prompt
from tests.support.phone_calls import PhoneCall
from tests.support.queue_stories import desk, facts, outcomes, served, states, unlawful
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch


def ended(house: SimulatedSwitch) -> list[tuple[str, str]]:
    return [(fact.agent, fact.reason) for fact in facts(house, ConversationEnded)]


async def test_hold_is_a_state_and_its_time_is_no_talk(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    await asyncio.sleep(10)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    await asyncio.sleep(20)
    assert house.media.doing[house.leg_of(out)] == "music"
    assert back.offer_again("sendrecv")
    await back.when(lambda: back.renegotiations == [200, 200])
    await asyncio.sleep(5)
    out.hang_up()
    await back.until("over")
    await house.settled()
    assert states(house, "alice")[3:7] == ["connected", "hold", "connected", "wrap_up"]
    (talk,) = facts(house, ConversationEnded)
    assert 19_500 <= talk.hold_ms <= 20_500 and 15_000 <= talk.talk_ms <= 16_500 and talk.reason == "caller"


@pytest.mark.parametrize("hangs_up", ["at once", "when told"])
async def test_a_transfer_ends_the_conversation_as_such(house: SimulatedSwitch, hangs_up: str) -> None:
    caller, boss = await registered(house, "1001", "1005")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    back.refer("1005")
    ring = await boss.rings()
    assert states(house, "alice")[-1] == "consult"
    if hangs_up == "at once":
        back.hang_up()
    third = await _answered(ring)
    await back.until("over")
    assert house.hear_each_other(out, third)
    await asyncio.sleep(12)
    assert states(house, "alice")[-1] == "available"  # also while the caller talks on
    out.hang_up()
    await house.settled()
    assert ended(house) == [("alice", "transferred")]


async def test_a_transfer_that_fails_gives_the_conversation_back(house: SimulatedSwitch) -> None:
    caller, boss = await registered(house, "1001", "1005")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    back.refer("1005")
    (await boss.rings()).refuse(486)
    await back.when(lambda: back.subscribed == "terminated")
    assert states(house, "alice")[-2:] == ["consult", "connected"]
    assert house.hear_each_other(out, back)
    back.hang_up()
    await house.settled()
    assert ended(house) == [("alice", "agent")]


async def test_asking_somebody_with_the_phone_s_keys_is_consultation(house: SimulatedSwitch) -> None:
    caller, boss = await registered(house, "1001", "1005")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    house.press(back, "*21005#")
    third = await taken(boss)
    assert states(house, "alice")[-1] == "consult" and house.hear_each_other(back, third)
    house.press(back, "*2")
    await third.until("over")
    await asyncio.sleep(1)
    assert states(house, "alice")[-1] == "connected" and house.hear_each_other(out, back)
    house.press(back, "*21005#")
    third = await taken(boss)
    back.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()
    assert ended(house) == [("alice", "transferred")] and outcomes(house) == [("sales", "answered", "alice")]


async def test_asking_by_a_second_call_of_the_phone_and_then_transferring(house: SimulatedSwitch) -> None:
    caller, boss = await registered(house, "1001", "1005")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    asks = seat.call("1005")
    third = await taken(boss)
    assert states(house, "alice")[-1] == "consult"
    back.refer("1005", replaces=asks)
    await back.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()
    assert ended(house) == [("alice", "transferred")]


async def test_three_talk_and_when_the_caller_goes_the_agent_is_in_a_call_of_its_own(house: SimulatedSwitch) -> None:
    caller, boss = await registered(house, "1001", "1005")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    house.press(back, "*21005#")
    third = await taken(boss)
    house.press(back, "*3")
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, back, third) and states(house, "alice")[-1] == "connected"
    out.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(back, third) and states(house, "alice")[-1] == "outbound"
    third.hang_up()
    await back.until("over")
    await house.settled()
    assert ended(house) == [("alice", "caller")] and states(house, "alice")[-1] == "available"


async def test_an_agent_in_a_call_of_its_own_is_rung_by_no_queue(house: SimulatedSwitch) -> None:
    caller, friend = await registered(house, "1001", "1005")
    (seat,) = await desk(house, "alice")
    own = seat.call("1005")
    other = await taken(friend)
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(30)
    assert seat.incoming.empty() and states(house, "alice")[-1] == "outbound"
    own.hang_up()
    await other.until("over")
    await taken(seat)
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "alice")]


async def test_who_signs_on_in_a_call_is_rung_when_that_is_over(house: SimulatedSwitch) -> None:
    seat, caller, friend = await registered(house, "1011", "1001", "1005")
    own = seat.call("1005")
    await taken(friend)
    async with house.features.session() as session:
        await house.features.queues.sign_on(session, "alice", None, ready=True)
    out = caller.call("6001")
    await asyncio.sleep(5)
    assert seat.incoming.empty()
    own.hang_up()
    await taken(seat)
    out.hang_up()
    await house.settled()


async def test_codes_of_a_phone_sign_its_agent_on_and_off(house: SimulatedSwitch) -> None:
    (seat,) = await registered(house, "1011")
    for code, state in (("*40", "available"), ("*437", "not_ready"), ("*42", "available"), ("*41", "logged_out")):
        dialled = seat.call(code)
        await dialled.until("over")
        assert states(house, "alice")[-1] == state
    (away,) = [fact for fact in facts(house, AgentStateChanged) if fact.state == "not_ready"]
    assert away.reason == "7"
    refused = (await registered(house, "1001"))[0].call("*40")
    await refused.until("over")
    assert refused.how == "refused"
    await house.settled()
    assert house.media.played[0][1] == (Prompt("en/queues/signed-on"),)


async def test_a_phone_is_not_rung_while_its_agent_dials_a_code(house: SimulatedSwitch) -> None:
    caller, seat = await registered(house, "1001", "1011")
    out = caller.call("6001")
    await out.until("up")
    code = seat.call("*40")
    await code.until("up")
    assert seat.incoming.empty()
    await code.until("over")
    await taken(seat)
    out.hang_up()
    await house.settled()
    assert not unlawful(house)


async def _answered(ring: PhoneCall) -> PhoneCall:
    ring.ring()
    await asyncio.sleep(2)
    ring.answer()
    await ring.until("up")
    await asyncio.sleep(0.5)
    return ring
