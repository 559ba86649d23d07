"""Rooms call their members, and calls become rooms."""

import asyncio

import pytest
from msgspec.structs import replace

from softswitch.events import MemberInvited, MemberUnreached
from softswitch.features.conference.model.rules import Invitee
from softswitch.kernel.errors import Conflict
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.rooms import (
    broken_rooms,
    facts,
    furnish,
    in_mix,
    inside,
    live,
    member_of,
    roster,
    unbalanced,
    until,
    word,
)
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch


def unreached(house: SimulatedSwitch) -> list[tuple[str, str]]:
    return [(fact.number, fact.reason) for fact in facts(house, MemberUnreached) if isinstance(fact, MemberUnreached)]


def state(house: SimulatedSwitch, number: str, user: str) -> str | None:
    room = house.features.conferences.now(number)
    return None if room is None else roster(house, number).get(user)


async def answered(phone: Phone) -> PhoneCall:
    call = await phone.rings()
    call.ring()
    await asyncio.sleep(0.2)
    call.answer()
    await call.until("up")
    return call


# The room calls -----------------------------------------------------------------------------------------------


async def test_who_answers_is_in_and_of_the_others_the_roster_says_why_not(house: SimulatedSwitch) -> None:
    furnish(house, "3000", attempts=2, retry_seconds=20, ring_seconds=20)
    host, answers, busy, silent, declines = await registered(house, "1004", "1005", "1006", "1007", "1008")
    call = await inside(house, host, "3000")
    invited = [Invitee(number=number) for number in ("1005", "1006", "1007", "1008", "1020", "4711")]
    house.features.conferences.invite("3000", invited, "test")
    called = await answered(answers)
    (await busy.rings()).refuse(486)
    (await declines.rings()).refuse(603)
    (await silent.rings()).ring()
    await until(lambda: state(house, "3000", "1005") == "in")
    assert house.all_hear_each_other(call, called)
    await until(lambda: state(house, "3000", "1007") == "ringing")
    await until(lambda: state(house, "3000", "1006") == "invited")
    again = await busy.rings()
    again.answer()
    await until(lambda: state(house, "3000", "1006") == "in", within=60)
    (await silent.rings()).ring()
    await until(lambda: state(house, "3000", "1007") == "unreached", within=120)
    await until(lambda: not live(house, "3000").meeting.awaited(), within=120)
    assert roster(house, "3000") == {
        "1004": "in",
        "1005": "in",
        "1006": "in",
        "1007": "unreached",
        "1008": "unreached",
        "1020": "unreached",
        "4711": "unreached",
    }
    assert sorted(unreached(house)) == [
        ("1006", "busy"),
        ("1007", "no_answer"),
        ("1007", "no_answer"),
        ("1008", "declined"),
        ("1020", "absent"),
        ("1020", "absent"),
        ("4711", "failed"),
        ("4711", "failed"),
    ]
    assert broken_rooms(house) == []
    for party in (call, called, again):
        party.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_one_number_rings_all_devices_and_the_one_that_answers_is_in(house: SimulatedSwitch) -> None:
    desk, soft, host = await registered(house, "1001", "1002", "1004")
    call = await inside(house, host, "3000")
    house.features.conferences.invite("3000", [Invitee(number="person/7001", name="Ann")], "test")
    other = await soft.rings()
    other.ring()
    taken = await answered(desk)
    await other.until("over")
    await until(lambda: state(house, "3000", "person/7001") == "in")
    assert house.all_hear_each_other(call, taken)
    assert member_of(house, "3000", "person/7001").name == "Ann"
    taken.hang_up()
    call.hang_up()
    await house.settled()


async def test_who_is_called_and_not_named_has_the_name_of_the_account_that_answers(house: SimulatedSwitch) -> None:
    desk, host = await registered(house, "1001", "1004")
    accounts = house.features.directory._accounts
    accounts["1001"] = replace(accounts["1001"], name="Ann")
    call = await inside(house, host, "3000")
    house.features.conferences.invite("3000", [Invitee(number="person/7001")], "test")
    taken = await answered(desk)
    await until(lambda: state(house, "3000", "person/7001") == "in")
    assert member_of(house, "3000", "person/7001").name == "Ann"
    taken.hang_up()
    call.hang_up()
    await house.settled()


async def test_a_mailbox_or_a_menu_comes_into_no_room(house: SimulatedSwitch) -> None:
    (host,) = await registered(house, "1004")
    call = await inside(house, host, "3000")
    house.features.conferences.invite(
        "3000", [Invitee(number="7001"), Invitee(number="5000"), Invitee(number="9196")], "test", attempts=1
    )
    await until(lambda: not live(house, "3000").meeting.awaited(), within=200)
    assert {number for number, _ in unreached(house)} == {"7001", "5000", "9196"}
    assert house.features.voicemail.inside("1001") == []
    call.hang_up()
    await house.settled()


async def test_who_answers_outside_presses_one(house: SimulatedSwitch) -> None:
    (host,) = await registered(house, "1004")
    call = await inside(house, host, "3000")
    house.features.conferences.invite("3000", [Invitee(number="80001", confirm=True)], "test", attempts=1)
    outside = await house.trunk.rings()
    outside.answer()
    await outside.until("up")
    leg = house.leg_of(outside)
    await until(lambda: "conference/press-one" in [word(sound) for sound in house.media.loops.get(leg, ())])
    assert not in_mix(house, outside)
    house.press(outside, "1")
    await until(lambda: state(house, "3000", "80001") == "in")
    assert house.all_hear_each_other(call, outside)
    outside.hang_up()
    call.hang_up()
    await house.settled()


async def test_who_dials_in_by_itself_is_called_no_more(house: SimulatedSwitch) -> None:
    host, other = await registered(house, "1004", "1005")
    call = await inside(house, host, "3000")
    house.features.conferences.invite("3000", [Invitee(number="1005", name="Bob", role="host")], "test")
    ringing = await other.rings()
    ringing.ring()
    own = other.call("3000")
    await own.until("up")
    await ringing.until("over")
    await until(lambda: state(house, "3000", "1005") == "in")
    assert len(roster(house, "3000")) == 2
    member = member_of(house, "3000", "1005")
    assert (member.name, member.role, member.invited) == ("Bob", "host", True)
    own.hang_up()
    call.hang_up()
    await house.settled()


async def test_the_first_of_a_group_who_dials_its_number_raises_the_alarm(house: SimulatedSwitch) -> None:
    group = tuple(Invitee(number=f"account/{number}") for number in ("1001", "1002", "1003"))
    furnish(house, "3911", members=group, attempts=3, retry_seconds=10)
    alice, bob = await registered(house, "1001", "1002")
    first = await inside(house, alice, "*55")
    second = await answered(bob)
    await until(lambda: state(house, "3911", "account/1002") == "in")
    assert house.all_hear_each_other(first, second)
    (carol,) = await registered(house, "1003")
    third = await answered(carol)
    await until(lambda: state(house, "3911", "account/1003") == "in")
    assert [fact.attempt for fact in facts(house, MemberInvited) if isinstance(fact, MemberInvited)][-1] > 1
    assert house.all_hear_each_other(first, second, third)
    for call in (first, second, third):
        call.hang_up()
    await house.settled()


async def test_the_end_of_a_meeting_ends_what_still_rings(house: SimulatedSwitch) -> None:
    host, other = await registered(house, "1004", "1005")
    call = await inside(house, host, "3001", "4321#")
    house.features.conferences.invite("3001", [Invitee(number="1005"), Invitee(number="1020")], "test")
    ringing = await other.rings()
    ringing.ring()
    await until(lambda: state(house, "3001", "1005") == "ringing")
    house.press(call, "#3")
    await ringing.until("over")
    await call.until("over")
    assert {reason for _, reason in unreached(house)} <= {"cancelled", "absent"}
    await house.settled()
    assert unbalanced(house.facts) == []


# A call becomes a room, or comes into one ---------------------------------------------------------------------


async def test_two_who_talk_make_a_room_of_it_and_more_come(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    house.press(out, "*5")
    await until(lambda: in_mix(house, out) and in_mix(house, back))
    assert house.all_hear_each_other(out, back)
    (number,) = house.features.conferences._live
    assert roster(house, number) == {"account/1001": "in", "1002": "in"} or roster(house, number) == {
        "1001": "in",
        "1002": "in",
    }
    assert member_of(house, number, "1001").role == "host"
    third = await inside(house, carol, number)
    assert house.all_hear_each_other(out, back, third)
    out.hang_up()
    await out.until("over")
    await asyncio.sleep(1)
    assert house.all_hear_each_other(back, third)
    back.hang_up()
    third.hang_up()
    await until(lambda: not house.features.conferences.exists(number))
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_three_who_talk_make_a_room_of_it(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    house.press(back, "*21003#")
    third = await answered(carol)
    await asyncio.sleep(0.5)
    house.press(back, "*3")
    await asyncio.sleep(0.5)
    assert house.all_hear_each_other(out, back, third)
    house.press(out, "*5")
    await until(lambda: bool(house.features.conferences._live) and all(in_mix(house, c) for c in (out, back, third)))
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, back, third)
    assert len(house.media.mixes) == 1
    for call in (out, back, third):
        call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_the_parties_of_a_call_come_into_a_room_by_order(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    there = await inside(house, carol, "3000")
    out, back = await talking(house, alice, bob)
    house.features.conferences.bring("3000", house.call_of(out))
    await until(lambda: in_mix(house, out) and in_mix(house, back))
    assert house.all_hear_each_other(out, back, there)
    for call in (out, back, there):
        call.hang_up()
    await house.settled()
    ringing = alice.call("1002")
    await bob.rings()
    with pytest.raises(Conflict):
        house.features.conferences.bring("3000", next(iter(house.switch._calls)))
    ringing.cancel()
    await house.settled()


async def test_a_party_is_transferred_into_a_room(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    there = await inside(house, carol, "3000")
    out, back = await talking(house, alice, bob)
    back.refer("3000")
    await until(lambda: in_mix(house, out))
    assert house.all_hear_each_other(out, there)
    await back.until("over")
    out.hang_up()
    there.hang_up()
    await house.settled()


async def test_who_takes_a_member_s_place_is_in_the_room_as_it_was(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    first = await inside(house, alice, "3000")
    second = await inside(house, bob, "3000")
    house.press(second, "*6")
    call, back = await talking(house, carol, bob)
    back.refer("3000", replaces=second)
    await until(lambda: in_mix(house, call))
    await second.until("over")
    assert house.media.hears(house.leg_of(call), house.leg_of(first))
    assert not house.media.hears(house.leg_of(first), house.leg_of(call)), "it is muted as who was there before"
    house.press(call, "*6")
    assert house.all_hear_each_other(first, call)
    first.hang_up()
    call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []
