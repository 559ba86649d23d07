"""How a room treats who is in it: who speaks next, how many are there, how long it lasts, what one alone hears."""

import asyncio

import pytest

from softswitch.events import MemberLeft, RoomClosed
from softswitch.features.conference.model import inputs
from softswitch.kernel.errors import Conflict, NotFound
from tests.support.phone_calls import PhoneCall
from tests.support.rooms import announced, facts, furnish, heard, inside, live, member_of, unbalanced, until, word
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop


async def over(house: SimulatedSwitch, *calls: PhoneCall) -> None:
    for call in calls:
        if call.state != "over":
            call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


def floor(house: SimulatedSwitch) -> list[int]:
    return [member.id for member in live(house, "3001").meeting.inside() if member.floor]


async def test_hands_are_a_queue_and_each_gets_the_floor_in_turn(house: SimulatedSwitch) -> None:
    furnish(house, "3001", mode="lecture")
    phones = await registered(house, "1001", "1002", "1003", "1004")
    host = await inside(house, phones[0], "3001", "4321#")
    one, two, three = [await inside(house, phone, "3001", "1234#") for phone in phones[1:]]
    house.press(host, "*9")
    await until(lambda: heard(house, host)[-1] == "conference/nobody-asks")
    for call in (three, one, two):
        house.press(call, "*3")
        await asyncio.sleep(1)
    house.press(one, "*3")  # not any more
    house.press(one, "*3")  # and again, behind the others
    house.press(two, "*9")
    await until(lambda: heard(house, two)[-1] == "conference/hosts-only")
    turns = []
    for _ in range(3):
        house.press(host, "*9")
        await asyncio.sleep(0.5)
        turns += floor(house)
        assert house.media.hears(house.leg_of(host), house.leg_of((one, two, three)[turns[-1] - 2]))
    assert turns == [4, 3, 2], "one after the other, and one at a time"
    house.press(three, "*3")
    await asyncio.sleep(1)
    room = live(house, "3001")
    room.order(inputs.NextHand(by="test"))
    assert floor(house) == [4]
    with pytest.raises(Conflict, match="raised"):
        room.order(inputs.NextHand(by="test"))
    assert not house.media.hears(house.leg_of(host), house.leg_of(one))
    await over(house, host, one, two, three)


async def test_who_comes_is_told_how_many_others_are_there(house: SimulatedSwitch) -> None:
    furnish(house, "3000", counts=True)
    phones = await registered(house, "1001", "1002", "1003")
    calls = [await inside(house, phone, "3000") for phone in phones]
    said = [[each for each in heard(house, call) if each != "tone"] for call in calls]
    assert said == [
        ["conference/alone"],
        ["conference/others", "number/1"],
        ["conference/others", "number/2"],
    ]
    await over(house, *calls)


async def test_a_meeting_ends_when_its_time_is_over_and_all_are_warned(house: SimulatedSwitch) -> None:
    furnish(house, "3000", most_minutes=8)
    phones = await registered(house, "1001", "1002")
    calls = [await inside(house, phone, "3000") for phone in phones]

    def warnings() -> list[str]:
        return [each for each in announced(house) if each.startswith("conference/ends-in")]

    await asyncio.sleep(3 * 60 - 10)
    assert warnings() == []
    await asyncio.sleep(20)
    assert len(warnings()) == 1 and "number/5" in warnings()[0]
    await asyncio.sleep(4 * 60)
    assert len(warnings()) == 2
    assert all(call.state == "up" for call in calls)
    await asyncio.sleep(60)
    for call in calls:
        await call.until("over")
    (closed,) = facts(house, RoomClosed)
    assert isinstance(closed, RoomClosed) and closed.reason == "over"
    assert {fact.reason for fact in facts(house, MemberLeft) if isinstance(fact, MemberLeft)} == {"over"}
    await over(house)


async def test_its_time_goes_on_while_the_switch_is_away_and_nobody_is_warned_twice(loop: VirtualTimeLoop) -> None:
    house = SimulatedSwitch(loop, journal=True)
    furnish(house, "3000", most_minutes=8)
    (alice,) = await registered(house, "1001")
    call = await inside(house, alice, "3000")
    await asyncio.sleep(3 * 60 + 10)
    assert sum(each.startswith("conference/ends-in") for each in announced(house)) == 1
    house.die()
    await asyncio.sleep(2)
    assert house.rise() == 1
    await asyncio.sleep(60)
    assert sum(each.startswith("conference/ends-in") for each in announced(house)) == 1
    await call.until("over", within=4 * 60)
    (closed,) = facts(house, RoomClosed)
    assert isinstance(closed, RoomClosed) and closed.at - closed.meeting <= 8 * 60_000 + 100
    await over(house)


async def test_who_is_alone_hears_music_until_another_comes(house: SimulatedSwitch) -> None:
    furnish(house, "3000", music_alone=True)
    alice, bob = await registered(house, "1001", "1002")
    first = await inside(house, alice, "3000")
    (mix,) = house.media.mixes.values()

    def plays() -> list[str]:
        return [word(sound) for sound in mix.hears_list]

    await until(lambda: plays() == ["hold"])
    second = await inside(house, bob, "3000")
    await asyncio.sleep(5)
    assert plays() == []
    second.hang_up()
    await until(lambda: plays() == ["hold"])
    assert announced(house)[-2:] == ["tone+tone", "hold"], "it goes on behind the tone"
    await over(house, first)


async def test_the_first_is_told_that_all_is_recorded(house: SimulatedSwitch) -> None:
    furnish(house, "3000", record=True)
    (alice,) = await registered(house, "1001")
    call = await inside(house, alice, "3000")
    assert heard(house, call)[-2:] == ["conference/alone", "conference/is-recorded"]
    await until(lambda: announced(house) == ["tone"])
    assert member_of(house, "3000", "1001").is_in
    await over(house, call)


async def test_a_member_goes_on_to_another_room_as_who_it_is(house: SimulatedSwitch) -> None:
    phones = await registered(house, "1001", "1002", "1003")
    host, guest = await inside(house, phones[0], "3001", "4321#"), await inside(house, phones[1], "3001", "1234#")
    other = await inside(house, phones[2], "3000")
    furnish(house, "3000", pin="987654")
    conferences = house.features.conferences
    live(house, "3001").order(inputs.Rename(by="test", member=2, name="Zhang Wei"))
    conferences.move("3001", 2, "3000", "test")
    await until(lambda: house.all_hear_each_other(guest, other))
    moved = member_of(house, "3000", "1002")
    assert (moved.name, moved.role, moved.state) == ("Zhang Wei", "guest", "in")
    assert [(f.room, f.member, f.reason) for f in facts(house, MemberLeft) if isinstance(f, MemberLeft)] == [
        ("3001", 2, "moved")
    ]
    with pytest.raises(NotFound):
        conferences.move("3001", 2, "3000", "test")
    live(house, "3000").order(inputs.Lock(by="test", on=True))
    conferences.move("3000", moved.id, "3001", "test")
    await until(lambda: house.all_hear_each_other(host, guest))
    back = member_of(house, "3001", "1002")
    with pytest.raises(Conflict, match="locked"):
        conferences.move("3001", back.id, "3000", "test")
    with pytest.raises(NotFound):
        conferences.move("3001", back.id, "3998", "test")
    conferences.move("3001", 1, "3000", "test")
    await until(lambda: house.all_hear_each_other(host, other))
    assert member_of(house, "3000", "1001").role == "host"
    await over(house, host, guest, other)
