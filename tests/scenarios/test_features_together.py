"""Features that meet in one call: who is fetched, picked up, asked, held or woken while something else goes on."""

import asyncio

import pytest

from softswitch.features.reach.model import ReachRules
from softswitch.kernel.errors import Conflict
from tests.support.phones import Extras
from tests.support.stories import Sleeper, parked, registered, ringing, taken, talking
from tests.support.switch import SimulatedSwitch

# Parking and pickup -------------------------------------------------------------------------------------


async def test_of_two_who_fetch_a_parked_call_at_once_one_has_it(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    await parked(house, back)
    one, two = carol.call("701"), dave.call("701")
    await asyncio.sleep(3)
    first, late = (one, two) if one.state == "up" else (two, one)
    assert (late.how, late.status) == ("refused", 404)
    assert house.hear_each_other(out, first)
    first.hang_up()
    await house.settled()


async def test_who_fetches_a_party_that_holds_hears_music_until_it_resumes(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await parked(house, back)
    assert out.offer_again("sendonly")
    await out.when(lambda: out.renegotiations == [200])
    fetching = carol.call("701")
    await fetching.until("up")
    await asyncio.sleep(1)
    assert list(house.media.doing.values()) == ["music"]
    assert out.offer_again("sendrecv")
    await out.when(lambda: out.renegotiations == [200, 200])
    await asyncio.sleep(1)
    assert house.hear_each_other(out, fetching)
    out.hang_up()
    await house.settled()


async def test_of_two_who_pick_up_at_once_one_has_it(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, _ = await ringing(alice, bob)
    one, two = carol.call("**1002"), dave.call("**1002")
    await asyncio.sleep(3)
    first, late = (one, two) if one.state == "up" else (two, one)
    assert (late.how, late.status) == ("refused", 404)
    assert house.hear_each_other(out, first)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("milliseconds", range(0, 120, 10))
async def test_a_pickup_that_crosses_the_answer_leaves_one_party(house: SimulatedSwitch, milliseconds: int) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await ringing(alice, bob)
    picking = carol.call("**1002")
    await asyncio.sleep(milliseconds / 1000)
    if back.state != "over":
        back.answer()
    await asyncio.sleep(3)
    (up,) = [each for each in (picking, back) if each.state == "up"]
    assert house.hear_each_other(out, up)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("milliseconds", range(0, 120, 10))
async def test_a_parked_party_that_leaves_as_it_is_fetched_leaves_nobody(
    house: SimulatedSwitch, milliseconds: int
) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await parked(house, back)
    fetching = carol.call("701")
    await asyncio.sleep(milliseconds / 1000)
    out.hang_up()
    await fetching.until("over")
    await house.settled()


async def test_who_is_rung_for_a_consultation_is_picked_up(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    house.press(back, "*21003#")
    (await carol.rings()).ring()
    await asyncio.sleep(1)
    picking = dave.call("**1003")
    await picking.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(back, picking) and not house.hears(out, picking)
    back.hang_up()
    await asyncio.sleep(2)
    assert house.hear_each_other(out, picking)
    out.hang_up()
    await house.settled()


async def test_a_target_of_a_transfer_is_picked_up_and_who_asked_is_told(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    (await carol.rings()).ring()
    await asyncio.sleep(1)
    picking = dave.call("**1003")
    await picking.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, picking)
    assert back.told[-1] == 200
    out.hang_up()
    await house.settled()


# Transfers and holds ------------------------------------------------------------------------------------


async def test_of_two_parties_who_transfer_each_other_at_once_one_is_refused(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    out.refer("1004")
    await asyncio.sleep(2)
    first, late, target = (back, out, carol) if dave.incoming.empty() else (out, back, dave)
    assert late.told == [100, 491]
    third = await taken(target, after=0)
    assert first.told[-1] == 200
    assert house.hear_each_other(late, third)
    late.hang_up()
    await house.settled()


async def test_while_a_party_is_transferred_it_is_neither_held_nor_sent_on_by_order(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    (call,) = house.switch._calls
    back.refer("1003")
    third = await carol.rings()
    third.ring()
    with pytest.raises(Conflict):
        house.switch.hold(call, None, True)
    with pytest.raises(Conflict):
        house.switch.transfer(call, "1004")
    third.answer()
    await third.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("milliseconds", range(0, 120, 10))
async def test_a_target_that_leaves_as_the_party_comes_leaves_nobody(house: SimulatedSwitch, milliseconds: int) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    consult, third = await talking(house, bob, carol)
    back.refer("1003", replaces=consult)
    await asyncio.sleep(milliseconds / 1000)
    third.hang_up()
    for call in (out, back, consult):
        await call.until("over")
    await house.settled()


# Being reached ------------------------------------------------------------------------------------------


async def test_a_forward_to_whom_is_not_to_be_disturbed_goes_on_by_that_ones_rules(house: SimulatedSwitch) -> None:
    alice, _, _, dave = await registered(house, "1001", "1002", "1003", "1004")
    house.features.reach._take("1002", ReachRules(do_not_disturb=True, forward_busy="1003"))
    house.features.reach._take("1003", ReachRules(do_not_disturb=True, forward_busy="1004"))
    out = alice.call("1002")
    fourth = await taken(dave, after=0)
    assert house.hear_each_other(out, fourth)
    out.hang_up()
    house.features.reach._take("1003", ReachRules(do_not_disturb=True))
    refused = alice.call("1002")
    await refused.until("over")
    assert refused.status == 486
    await house.settled()


async def test_a_forward_to_a_code_does_nothing_to_who_calls(house: SimulatedSwitch) -> None:
    """Else whoever forwards to a code could have callers set what they never asked for."""
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, _ = await talking(house, carol, dave)
    house.features.reach._take("1002", ReachRules(forward_always="*371003"))
    calling = alice.call("1002")
    await calling.until("over")
    assert calling.how == "refused" and not list(house.features.callbacks)
    house.features.reach._take("1002", ReachRules())
    calling = alice.call("1002")
    (await bob.rings()).refuse(302, "Contact: <sip:*371003@10.0.0.1>")
    await calling.until("over")
    assert calling.how == "refused" and not list(house.features.callbacks)
    out.hang_up()
    await house.settled()


async def test_a_forward_to_a_speed_dial_is_to_that_of_who_forwards(house: SimulatedSwitch) -> None:
    alice, _, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    house.features.reach._take("1001", ReachRules(speed_dials={"07": "1003"}))
    house.features.reach._take("1002", ReachRules(speed_dials={"07": "1004"}, forward_always="*007"))
    out = alice.call("1002")
    fourth = await taken(dave, after=0)
    assert house.hear_each_other(out, fourth) and carol.incoming.empty()
    out.hang_up()
    await house.settled()


async def test_a_woken_phone_that_answers_as_another_does_is_let_go(house: SimulatedSwitch) -> None:
    alice, bob, mobile = await registered(house, "1001", "1002", "1002")
    sleeper = Sleeper(house, "1002", mobile)
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    sleeper.wakes()
    late = await mobile.rings()
    back.answer()
    late.answer()
    await asyncio.sleep(3)
    (up,) = [each for each in (back, late) if each.state == "up"]
    assert house.hear_each_other(out, up)
    out.hang_up()
    await house.settled()


async def test_a_phone_that_wakes_after_the_answer_is_not_rung(house: SimulatedSwitch) -> None:
    alice, bob, mobile = await registered(house, "1001", "1002", "1002")
    sleeper = Sleeper(house, "1002", mobile)
    out, _ = await talking(house, alice, bob)
    sleeper.wakes()
    await asyncio.sleep(5)
    assert mobile.incoming.empty()
    out.hang_up()
    await house.settled()


async def test_a_phone_that_refuses_does_not_stop_the_one_that_is_being_woken(house: SimulatedSwitch) -> None:
    alice, bob, mobile = await registered(house, "1001", "1002", "1002")
    sleeper = Sleeper(house, "1002", mobile)
    out = alice.call("1002")
    (await bob.rings()).refuse(486)
    await asyncio.sleep(3)
    sleeper.wakes()
    late = await taken(mobile, after=0)
    assert house.hear_each_other(out, late)
    out.hang_up()
    await out.until("over")
    await asyncio.sleep(1)
    Sleeper(house, "1002", mobile)
    alone = alice.call("1002")
    (await bob.rings()).refuse(486)
    before = house.loop.time()
    await alone.until("over")
    assert alone.status == 486 and 5 < house.loop.time() - before < 11
    await house.settled()


# Extensions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["it has forgotten the call", "it has lost power"])
async def test_a_refresh_that_fails_ends_the_call_for_both(house: SimulatedSwitch, fault: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    alice.extras = Extras(refreshed=True)
    out, back = await talking(house, alice, bob)
    if fault == "it has lost power":
        alice.die()
    else:
        out.refuse_offers = 481
    await back.until("over", within=150)
    assert back.how == "cleared"
    await house.settled()


async def test_early_media_that_is_sent_reliably_is_heard_and_ends_with_a_cancel(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    alice.extras = bob.extras = Extras(acknowledges=True, rings_reliably=True, updates=True)
    out = alice.call("1002")
    back = await bob.rings()
    back.ring(early_media=True)
    await asyncio.sleep(1)
    assert out.early_media and house.hears(out, back)
    assert (out.pracks_sent, back.pracks_heard) == (1, 1)
    out.cancel()
    await back.until("over")
    await house.settled()
