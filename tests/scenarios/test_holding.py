"""A party holds whom it talks with because an administrator says so, and the phones know nothing of it."""

import asyncio

import pytest

from softswitch.events import LegHeld, LegResumed
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from tests.support.stories import registered, ringing, talking
from tests.support.switch import SimulatedSwitch


def call_and_legs(house: SimulatedSwitch) -> tuple[CallId, list[LegId]]:
    """The only live call."""
    (call,) = house.switch._calls.values()
    return call.call, [leg.id for leg in call.legs]


def held(house: SimulatedSwitch) -> list[tuple[str, LegId]]:
    return [(type(fact).__name__, fact.leg) for fact in house.facts if isinstance(fact, LegHeld | LegResumed)]


@pytest.mark.parametrize("who", [0, 1], ids=["the caller", "the called"])
async def test_a_party_holds_and_resumes_by_order(house: SimulatedSwitch, who: int) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    call, legs = call_and_legs(house)
    house.switch.hold(call, legs[who], True)
    house.switch.hold(call, legs[who], True)
    assert house.media.doing == {legs[1 - who]: "music"}
    assert not house.hears(out, back) and not house.hears(back, out)
    house.switch.hold(call, legs[who], False)
    assert house.hear_each_other(out, back)
    assert held(house) == [("LegHeld", legs[who]), ("LegResumed", legs[who])]
    assert out.renegotiations == back.renegotiations == []
    out.hang_up()
    await house.settled()


async def test_a_phones_own_hold_counts_beside_the_ordered_one(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    call, legs = call_and_legs(house)
    house.switch.hold(call, None, True)
    assert out.offer_again("sendonly")
    await out.when(lambda: out.renegotiations == [200])
    house.switch.hold(call, None, False)
    assert house.media.doing == {legs[1]: "music"}
    assert out.offer_again("sendrecv")
    await out.when(lambda: out.renegotiations == [200, 200])
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    assert held(house) == [("LegHeld", legs[0]), ("LegResumed", legs[0])]
    out.hang_up()
    await house.settled()


async def test_a_party_that_was_put_aside_may_be_transferred(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    call, legs = call_and_legs(house)
    house.switch.hold(call, legs[1], True)
    back.refer("1003")
    third = await carol.rings()
    third.answer()
    await third.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    assert held(house) == [("LegHeld", legs[1]), ("LegResumed", legs[1])]
    out.hang_up()
    await house.settled()


async def test_there_must_be_somebody_to_hold(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await ringing(alice, bob)
    call, legs = call_and_legs(house)
    with pytest.raises(Conflict):
        house.switch.hold(call, None, True)
    back.answer()
    await out.until("up")
    with pytest.raises(Conflict):
        house.switch.hold(call, None, False)
    with pytest.raises(NotFound):
        house.switch.hold(call, LegId("nobody"), True)
    with pytest.raises(NotFound):
        house.switch.hold(CallId("none"), None, True)
    house.switch.hang_up_leg(call, legs[1])
    await out.until("over")
    await house.settled()


async def test_a_party_that_hangs_up_while_it_is_held_leaves_a_whole_record(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    call, legs = call_and_legs(house)
    house.switch.hold(call, legs[0], True)
    await asyncio.sleep(5)
    back.hang_up()
    await out.until("over")
    await house.settled()
    (cdr,) = house.records.values()
    assert cdr.disposition == "answered" and len(cdr.talks) == 1
