"""Conference rooms on virtual time: the door, the lobby, the keys, and who is heard by whom."""

import asyncio

from softswitch.events import MemberJoined, MemberLeft, RoomClosed, RoomOpened, RoomRefused
from softswitch.features.conference.model.rules import Invitee
from tests.support.rooms import (
    announced,
    broken_rooms,
    facts,
    furnish,
    heard,
    in_mix,
    inside,
    member_of,
    roster,
    unbalanced,
    until,
)
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch

# The door -------------------------------------------------------------------------------------------------------


async def test_three_in_an_open_room_hear_each_other_until_they_leave(house: SimulatedSwitch) -> None:
    phones = await registered(house, "1001", "1002", "1003")
    alice, bob, carol = [await inside(house, phone, "3000") for phone in phones]
    assert house.all_hear_each_other(alice, bob, carol)
    assert roster(house, "3000") == {"1001": "in", "1002": "in", "1003": "in"}
    assert heard(house, alice)[-1] == "conference/alone"
    await until(lambda: len(announced(house)) == 2)
    assert broken_rooms(house) == []
    alice.hang_up()
    await until(lambda: len(facts(house, MemberLeft)) == 1)
    assert house.all_hear_each_other(bob, carol)
    bob.hang_up()
    carol.hang_up()
    await until(lambda: bool(facts(house, RoomClosed)))
    (opened,), (closed,) = facts(house, RoomOpened), facts(house, RoomClosed)
    assert isinstance(opened, RoomOpened) and opened.title == "Open room"
    assert isinstance(closed, RoomClosed) and (closed.reason, closed.most) == ("empty", 3)
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_pins_tell_hosts_from_guests_before_any_host_has_come(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    guest = await inside(house, alice, "3001", "1234#")
    host = await inside(house, bob, "3001", "4321#")
    assert house.all_hear_each_other(guest, host)
    assert [fact.role for fact in facts(house, MemberJoined) if isinstance(fact, MemberJoined)] == ["guest", "host"]
    guest.hang_up()
    host.hang_up()
    await house.settled()


async def test_who_guesses_is_let_go_and_then_not_even_listened_to(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")

    async def guess() -> list[str]:
        call = alice.call("3001")
        await call.until("up")
        leg = house.leg_of(call)
        for count in (1, 2, 3):
            await until(lambda count=count: heard(house, call, leg).count("conference/enter-pin") == count)  # type: ignore[misc]
            house.press(call, "0000#")
            await asyncio.sleep(1)
            if "conference/locked-out" in heard(house, call, leg):
                break
        await call.until("over")
        return heard(house, call, leg)

    said = await guess()
    assert said.count("conference/wrong-pin") == 3 and said[-1] == "conference/goodbye"
    said = await guess()
    assert said.count("conference/wrong-pin") == 1 and said[-1] == "conference/locked-out"
    reasons = [fact.reason for fact in facts(house, RoomRefused) if isinstance(fact, RoomRefused)]
    assert reasons == ["wrong_pin"] * 4 + ["locked_out"]
    call = alice.call("3001")
    await call.until("up")
    await asyncio.sleep(1)
    house.press(call, "1234#")
    await call.until("over")
    assert not facts(house, MemberJoined), "the right one does not count now"
    await asyncio.sleep(15 * 60)
    call = await inside(house, alice, "3001", "1234#")
    call.hang_up()
    await house.settled()


async def test_a_member_that_is_set_needs_no_pin_at_its_own_phone(house: SimulatedSwitch) -> None:
    furnish(house, "3001", members=(Invitee(number="1001", role="host", name="Alice"),))
    (alice,) = await registered(house, "1001")
    call = await inside(house, alice, "3001")
    assert member_of(house, "3001", "1001").role == "host"
    call.hang_up()
    await house.settled()


async def test_guests_wait_with_music_until_a_host_is_there(house: SimulatedSwitch) -> None:
    furnish(house, "3001", lobby=True)
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    first, second = [alice.call("3001"), bob.call("3001")]
    for call in (first, second):
        await call.until("up")
        await asyncio.sleep(0.5)
        house.press(call, "1234#")
    await until(lambda: roster(house, "3001") == {"1001": "lobby", "1002": "lobby"})
    assert heard(house, first)[-1] == "conference/wait-for-host"
    await until(lambda: house.media.doing.get(house.leg_of(first)) == "music")
    assert not in_mix(house, first)
    second.hang_up()
    await until(lambda: roster(house, "3001")["1002"] == "left")
    host = await inside(house, carol, "3001", "4321#")
    assert house.all_hear_each_other(first, host)
    late = await inside(house, bob, "3001", "1234#")
    assert house.all_hear_each_other(first, host, late)
    for call in (first, host, late):
        call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_the_flow_of_entry_leads_to_the_room_which_asks_for_its_pin(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    call = alice.call("5006")
    await call.until("up")
    leg = house.leg_of(call)
    await asyncio.sleep(1)
    house.press(call, "3999#")
    await until(lambda: "conference-entry/no-room" in heard(house, call, leg))
    await asyncio.sleep(3)
    house.press(call, "3001#")
    await until(lambda: "conference/enter-pin" in heard(house, call, leg))
    house.press(call, "1234#")
    await until(lambda: in_mix(house, call))
    call.hang_up()
    await house.settled()


async def test_a_hundred_in_one_room_and_a_hundred_rooms(house: SimulatedSwitch) -> None:
    furnish(house, "3000", announce="none")
    phones = [house.phone(str(1001 + number % 20)) for number in range(100)]
    assert [await phone.register() for phone in phones] == [200] * 100
    calls = [phone.call("3000") for phone in phones]
    await until(lambda: sum(in_mix(house, call) for call in calls if call.state == "up") == 100, within=60)
    assert house.all_hear_each_other(*calls)
    assert broken_rooms(house) == []
    for call in calls:
        call.hang_up()
    await until(lambda: not house.features.conferences._live)
    for number in range(100):
        furnish(house, str(3100 + number))
    calls = [phone.call(str(3100 + number)) for number, phone in enumerate(phones)]
    await until(lambda: len(house.media.mixes) == 100, within=60)
    assert broken_rooms(house) == []
    for call in calls:
        call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []
