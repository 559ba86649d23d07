"""Transfers: who talks with whom afterwards, what who asked is told, and what the records say of it."""

import asyncio
from collections.abc import Sequence

import pytest

from softswitch.events import CallOffered, LegsBridged
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import pairs, registered, taken, talking
from tests.support.switch import SimulatedSwitch


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_blind_transfer_joins_the_other_party_with_the_target(house: SimulatedSwitch, who: str) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    asks, stays = (out, back) if who == "caller" else (back, out)
    asks.refer("1003")
    third = await taken(carol)
    await asks.until("over")
    assert (asks.referred, asks.told, asks.subscribed) == (202, [100, 180, 200], "terminated")
    assert house.hear_each_other(stays, third)
    assert stays.phone.user in third.invitation.header("from")
    await asyncio.sleep(30)
    third.hang_up()
    await stays.until("over")
    await house.settled()
    (cdr,) = house.records.values()
    assert cdr.destination is not None
    assert (cdr.from_, cdr.to, cdr.disposition, cdr.destination.name) == (
        "1001",
        "1002",
        "answered",
        "1003",
    )
    assert pairs(cdr) == [("1001", "1002"), (stays.phone.user, "1003")]
    assert [(each.kind, each.target, each.outcome) for each in cdr.transfers] == [("blind", "1003", "completed")]
    assert 30_000 <= cdr.talks[1].ended_at - cdr.talks[1].started_at <= 31_000
    assert cdr.billable_ms >= 32_000


async def test_the_target_is_told_who_transfers_and_a_carrier_is_not(house: SimulatedSwitch) -> None:
    """RFC 3892: by the account that it is, whatever the phone says of itself."""
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert back.invitation.header("referred-by") == ""
    bob.aor = "sip:boss@elsewhere.example"  # what its Referred-By names
    back.refer("1003")
    third = await taken(carol)
    assert third.invitation.header("referred-by") == "<sip:1002@10.0.0.1>"
    third.refer("80001")
    far = await house.trunk.rings()
    assert far.invitation.header("referred-by") == ""
    far.refuse(486)
    await third.when(lambda: bool(third.told) and third.told[-1] == 486)
    third.hang_up()
    await out.until("over")
    await house.settled()


async def test_the_party_that_waits_for_a_transfer_hears_music(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    ringing = await carol.rings()
    ringing.ring()
    await asyncio.sleep(1)
    assert "music" in house.media.doing.values()
    assert not house.hears(out, back)
    ringing.answer()
    await ringing.until("up")
    assert "music" not in house.media.doing.values()
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("status", [486, 404, 603])
async def test_who_transfers_to_someone_who_refuses_gets_the_party_back(house: SimulatedSwitch, status: int) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    (await carol.rings()).refuse(status)
    await back.when(lambda: back.subscribed == "terminated")
    assert back.told == [100, status]
    await asyncio.sleep(1)
    assert out.state == back.state == "up" and house.hear_each_other(out, back)
    out.hang_up()
    await back.until("over")
    await house.settled()
    (cdr,) = house.records.values()
    assert pairs(cdr) == [("1001", "1002"), ("1001", "1002")] and cdr.transfers[0].outcome == "failed"


async def test_who_hung_up_after_a_transfer_that_fails_is_called_back(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    ringing = await carol.rings()
    ringing.ring()
    back.hang_up()
    await asyncio.sleep(2)
    ringing.refuse(486)
    again = await taken(bob)
    assert back.told == [100, 180, 486]
    assert house.hear_each_other(out, again)
    out.hang_up()
    await house.settled()
    (cdr,) = house.records.values()
    assert pairs(cdr) == [("1001", "1002"), ("1001", "1002")] and cdr.disposition == "answered"


async def test_a_party_that_leaves_while_it_is_transferred_stops_the_ringing(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    ringing = await carol.rings()
    ringing.ring()
    await asyncio.sleep(1)
    out.hang_up()
    await ringing.until("over")
    await back.until("over")
    assert ringing.how == "cancelled" and back.told == [100, 180, 487]
    await house.settled()


async def test_a_transfer_to_our_own_media_engine_is_done_when_that_answers(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.refer("9196")
    await back.until("over")
    await asyncio.sleep(1)
    assert back.told == [100, 200] and house.hears_itself(out)
    out.hang_up()
    await house.settled()


async def test_whoever_was_held_before_the_transfer_is_heard_after_it(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    back.refer("1003")
    third = await taken(carol)
    await asyncio.sleep(1)
    assert out.theirs.direction == "sendrecv" and house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


async def test_a_transfer_that_fails_leaves_the_held_party_on_hold_until_it_is_resumed(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    back.refer("1003")
    (await carol.rings()).refuse(486)
    await back.when(lambda: back.subscribed == "terminated")
    await asyncio.sleep(1)
    assert "music" in house.media.doing.values()
    assert back.offer_again("sendrecv")
    await back.when(lambda: back.renegotiations == [200, 200])
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    back.hang_up()
    await house.settled()


async def test_without_a_subscription_nothing_is_told_and_the_transfer_is_made(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("1003", extra=[("Refer-Sub", "false"), ("Supported", "norefersub")])
    third = await taken(carol)
    assert (back.referred, back.refer_sub, back.told) == (202, "false", [])
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize(
    ("target", "status"), [("sip:1003@elsewhere.example", 403), ("sip:10.0.0.1", 404), ("mailto:bob@example", 400)]
)
async def test_a_refer_to_what_is_not_ours_is_refused_and_the_call_goes_on(
    house: SimulatedSwitch, target: str, status: int
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.refer(target)
    await back.when(lambda: back.referred == status)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_refer_outside_a_call_is_refused(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    response = await alice.request(
        "REFER", "sip:1002@10.0.0.1", [("Refer-To", "<sip:1003@10.0.0.1>"), ("Contact", f"<{alice.contact}>")]
    )
    assert response is not None and response.status == 403
    await house.settled()


async def test_someone_outside_whom_we_called_may_not_have_us_call_others(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("80000")
    back = await house.trunk.rings()
    back.answer()
    await out.until("up")
    await back.until("up")
    back.refer("1003")
    await back.when(lambda: back.subscribed == "terminated")
    assert back.told == [100, 403] and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def consulting(house: SimulatedSwitch, phones: Sequence[Phone]) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    """The first calls the second, who holds it and calls the third: the second's two calls, and the first's."""
    alice, bob, carol = phones
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    consult = bob.call(carol.user)
    return out, back, consult


@pytest.mark.parametrize("asked_on", ["the first call", "the second call"])
async def test_an_attended_transfer_joins_the_two_far_parties(house: SimulatedSwitch, asked_on: str) -> None:
    _alice, _bob, carol = phones = await registered(house, "1001", "1002", "1003")
    out, back, consult = await consulting(house, phones)
    third = await taken(carol)
    await asyncio.sleep(10)
    if asked_on == "the first call":
        asks, other = back, consult
    else:
        asks, other = consult, back
    asks.refer("1003", replaces=other)
    await back.until("over")
    await consult.until("over")
    assert (asks.referred, asks.told) == (202, [100, 200])
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    await asyncio.sleep(60)
    out.hang_up()
    await third.until("over")
    await house.settled()
    first, second = house.records.values()
    assert first.disposition == second.disposition == "answered"
    talks = [*pairs(first), *pairs(second)]
    assert sorted(tuple(sorted(pair)) for pair in talks) == [("1001", "1002"), ("1001", "1003"), ("1002", "1003")]
    moved = [leg for leg in (*first.legs, *second.legs) if leg.moved_to is not None]
    came = [leg for leg in (*first.legs, *second.legs) if leg.moved_from is not None]
    assert [leg.leg for leg in moved] == [leg.leg for leg in came]
    assert moved[0].ended_at == came[0].started_at == came[0].answered_at


async def test_an_attended_transfer_while_the_target_still_rings_lets_the_party_wait_for_it(
    house: SimulatedSwitch,
) -> None:
    _alice, _bob, carol = phones = await registered(house, "1001", "1002", "1003")
    out, back, consult = await consulting(house, phones)
    ringing = await carol.rings()
    ringing.ring()
    await consult.until("ringing")
    back.refer("1003", replaces=consult)
    await back.until("over")
    await consult.until("over")
    assert "music" in house.media.doing.values()
    await asyncio.sleep(5)
    ringing.answer()
    await ringing.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, ringing)
    out.hang_up()
    await house.settled()
    first, second = house.records.values()
    assert pairs(first) == [("1001", "1002")] and pairs(second) == [("1001", "1003")]
    assert first.disposition == second.disposition == "answered"
    assert next(leg for leg in second.legs if leg.number == "1002").answered_at is None


async def test_an_attended_transfer_to_someone_who_never_answers_comes_back(house: SimulatedSwitch) -> None:
    _alice, bob, carol = phones = await registered(house, "1001", "1002", "1003")
    out, back, consult = await consulting(house, phones)
    ringing = await carol.rings()
    ringing.ring()
    await consult.until("ringing")
    back.refer("1003", replaces=consult)
    await consult.until("over")
    ringing.refuse(486)
    again = await taken(bob)
    assert house.hear_each_other(out, again)
    out.hang_up()
    await house.settled()


async def test_a_party_takes_its_place_in_front_of_an_application(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    consult = bob.call("9196")
    await consult.until("up")
    back.refer("9196", replaces=consult)
    await consult.until("over")
    await asyncio.sleep(1)
    assert house.hears_itself(out)
    out.hang_up()
    await house.settled()


async def test_a_dialog_that_is_nobodys_or_another_accounts_replaces_nothing(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    others, far = await talking(house, carol, dave)
    back.refer("1004", replaces=others)
    await back.when(lambda: back.subscribed == "terminated")
    assert back.told == [100, 403]
    out.refer("1004", replaces=PhoneCall(alice, "sip:1004@10.0.0.1"))
    await out.when(lambda: out.referred == 400)
    assert house.hear_each_other(out, back) and house.hear_each_other(others, far)
    out.hang_up()
    far.hang_up()
    await house.settled()


async def test_another_phone_of_the_same_account_takes_a_call_over(house: SimulatedSwitch) -> None:
    alice, desk, mobile = await registered(house, "1001", "1002", "1002")
    out = alice.call("1002")
    back, other = await desk.rings(), await mobile.rings()
    back.answer()
    await other.until("over")
    await back.until("up")
    taking = mobile.call("1001", replaces=back)
    await taking.until("up")
    await back.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, taking)
    taking.hang_up()
    await out.until("over")
    await house.settled()
    first, second = house.records.values()
    assert (first.disposition, second.disposition) == ("answered", "answered")
    assert second.billable_ms == 0 and second.legs[0].moved_to == first.call_id


@pytest.mark.parametrize(
    ("who", "status"), [("a stranger", 403), ("early only", 486), ("no such dialog", 481), ("its own caller", 481)]
)
async def test_who_may_not_replace_a_leg_is_refused_and_the_call_goes_on(
    house: SimulatedSwitch, who: str, status: int
) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    if who == "its own caller":
        out = alice.call("1002")
        back = await bob.rings()
        back.ring()
        await out.until("ringing")
        taking = alice.call("1002", replaces=out)
    else:
        out, back = await talking(house, alice, bob)
        if who == "no such dialog":
            taking = bob.call("1001", replaces=PhoneCall(bob, "x", label="none"), remote_tag="nobody")
        elif who == "early only":
            taking = bob.call("1001", replaces=back, early_only=True)
        else:
            taking = carol.call("1001", replaces=back)
    await taking.until("over")
    assert taking.status == status
    if who != "its own caller":
        assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_the_far_party_of_a_call_may_take_the_place_of_the_near_one(house: SimulatedSwitch) -> None:
    """A phone that makes the transfer itself: the party of a call that it was referred to takes part in."""
    alice, bob, other = await registered(house, "1001", "1002", "1001")
    out, back = await talking(house, alice, bob)
    taking = other.call("1002", replaces=out, offer=False)
    await taking.until("up")
    await out.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(taking, back)
    back.hang_up()
    await house.settled()


async def test_a_call_that_requires_join_is_refused_with_what_is_not_supported(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, _back = await talking(house, alice, bob)
    response = await alice.request(
        "INVITE", "sip:1002@10.0.0.1", [("Require", "join"), ("Join", "x;to-tag=a;from-tag=b")]
    )
    assert response is not None and response.status == 420 and response.header("unsupported") == "join"
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("named", [False, True])
async def test_an_administrator_sends_a_party_on_to_a_number(house: SimulatedSwitch, named: bool) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    call = one_call(house)
    leg = next(fact.b for fact in house.facts if isinstance(fact, LegsBridged)) if named else None
    house.switch.transfer(call, "1003", leg)
    third = await taken(carol)
    stays, goes = (back, out) if named else (out, back)
    await goes.until("over")
    assert house.hear_each_other(stays, third)
    stays.hang_up()
    await house.settled()


async def test_an_administrator_cannot_send_on_who_talks_with_nobody(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("9196")
    await out.until("up")
    with pytest.raises(Conflict):
        house.switch.transfer(one_call(house), "1003")
    with pytest.raises(NotFound):
        house.switch.transfer(CallId("none"), "1003")
    out.hang_up()
    await house.settled()


def one_call(house: SimulatedSwitch) -> CallId:
    return next(fact.call for fact in house.facts if isinstance(fact, CallOffered))


async def test_a_late_offer_is_answered_although_another_party_is_in_the_callers_place(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    consult = bob.call("1003", offer=False)
    ringing = await carol.rings()
    ringing.ring()
    await consult.until("ringing")
    back.refer("1003", replaces=consult)
    await consult.until("over")
    ringing.answer()
    await ringing.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, ringing)
    out.hang_up()
    await house.settled()
