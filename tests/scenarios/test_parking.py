"""Parking and pickup: who waits where, who fetches whom, and who answers for whom."""

import asyncio

from msgspec.structs import replace

from tests.support.stories import pairs, parked, registered, talking
from tests.support.switch import SimulatedSwitch


async def test_a_parked_call_is_fetched_by_dialling_its_slot(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await parked(house, back)
    fetching = carol.call("701")
    await fetching.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, fetching)
    out.hang_up()
    await fetching.until("over")
    again = carol.call("701")
    await again.until("over")
    assert (again.how, again.status) == ("refused", 404)
    await house.settled()
    first, second, _ = house.records.values()
    assert pairs(first) == [("1001", "1002"), ("1001", "1003")]
    assert second.disposition == "answered" and second.legs[0].moved_to == first.call_id


async def test_an_attended_transfer_to_a_slot_parks_whom_it_is_about(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    consult = bob.call("*68")
    await consult.until("up")
    await asyncio.sleep(8)  # it hears the slot
    back.refer("*68", replaces=consult)
    await consult.until("over")
    fetching = carol.call("701")
    await fetching.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, fetching)
    fetching.hang_up()
    await house.settled()


async def test_a_parked_call_that_nobody_fetches_goes_back_to_who_parked_it(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    await parked(house, back)
    again = await bob.rings(within=150)
    again.answer()
    await again.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, again)
    out.hang_up()
    await house.settled()


async def test_a_parked_party_that_hangs_up_frees_its_slot(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await parked(house, back)
    out.hang_up()
    await asyncio.sleep(1)
    fetching = carol.call("701")
    await fetching.until("over")
    assert fetching.status == 404
    await house.settled()


async def test_a_ringing_phone_is_answered_from_another(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    picking = carol.call("**1002")
    await picking.until("up")
    await out.until("up")
    await back.until("over")
    assert back.how == "cancelled" and "elsewhere" in back.reason
    await asyncio.sleep(1)
    assert house.hear_each_other(out, picking)
    picking.hang_up()
    await out.until("over")
    await house.settled()
    first, second = house.records.values()
    assert (first.disposition, second.disposition) == ("answered", "answered")
    assert [(each.kind, each.outcome) for each in first.transfers] == [("pickup", "completed")]


async def test_a_phone_that_does_not_ring_cannot_be_picked_up(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    picking = carol.call("**1002")
    await picking.until("over")
    assert picking.status == 404 and house.hear_each_other(out, back)
    back.hang_up()
    await house.settled()


async def test_an_invite_that_replaces_a_ringing_phones_dialog_picks_it_up(house: SimulatedSwitch) -> None:
    """As a lamp's phone does: it knows the early dialog from dialog-info (RFC 4235)."""
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    picking = carol.call("1002", replaces=back, early_only=True)
    await picking.until("up")
    await back.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, picking)
    out.hang_up()
    await house.settled()


def group(house: SimulatedSwitch, **groups: str) -> None:
    """Put accounts into pickup groups: `_1002="sales front"`."""
    accounts = house.features.directory._accounts
    for name, words in groups.items():
        number = name.removeprefix("_")
        accounts[number] = replace(accounts[number], pickup_groups=frozenset(words.split()))


async def test_whichever_phone_of_the_group_rings_is_answered(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    group(house, _1002="sales", _1003="support sales", _1004="support")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    strange = dave.call("*8")  # shares no group with 1002
    await strange.until("over")
    assert strange.status == 404
    picking = carol.call("*8")
    await picking.until("up")
    await back.until("over")
    assert "elsewhere" in back.reason
    await asyncio.sleep(1)
    assert house.hear_each_other(out, picking)
    picking.hang_up()
    await out.until("over")
    await house.settled()
    first = next(iter(house.records.values()))
    assert [(each.kind, each.outcome) for each in first.transfers] == [("pickup", "completed")]


async def test_of_two_that_ring_the_group_answers_the_call_that_came_first(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave, erin = await registered(house, "1001", "1002", "1003", "1004", "1005")
    group(house, _1002="sales", _1003="sales", _1004="sales")
    early = alice.call("1002")
    (await bob.rings()).ring()
    await early.until("ringing")
    late = erin.call("1003")
    (await carol.rings()).ring()
    await late.until("ringing")
    picking = dave.call("*8")
    await picking.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(early, picking) and late.state == "ringing"
    for call in (picking, late):
        call.hang_up()
    await house.settled()


async def test_who_is_in_no_group_picks_nobody_up(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    group(house, _1002="sales")
    out = alice.call("1002")
    (await bob.rings()).ring()
    await out.until("ringing")
    picking = carol.call("*8")
    await picking.until("over")
    assert picking.how == "refused" and out.state == "ringing"
    out.cancel()
    await house.settled()
