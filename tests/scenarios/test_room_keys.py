"""What members of a room press, and what comes of it: who is heard, who gets in, and how it ends."""

import asyncio

import pytest

from softswitch.events import MemberChanged, MemberLeft, RoomChanged, RoomClosed, RoomRecordingEnded, RoomRefused
from softswitch.features.conference.model import inputs
from softswitch.kernel.ids import LegId
from tests.support.phone_calls import PhoneCall
from tests.support.rooms import announced, facts, furnish, heard, inside, live, member_of, roster, unbalanced, until
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch

Three = tuple[PhoneCall, PhoneCall, PhoneCall]


async def a_host_and_two(house: SimulatedSwitch, **rules: object) -> Three:
    furnish(house, "3001", **rules)
    phones = await registered(house, "1001", "1002", "1003")
    host = await inside(house, phones[0], "3001", "4321#")
    one, two = [await inside(house, phone, "3001", "1234#") for phone in phones[1:]]
    return host, one, two


def press(house: SimulatedSwitch, call: PhoneCall, keys: str) -> str:
    """Press keys: gives what one is told of it."""
    before = len(heard(house, call))
    house.press(call, keys)
    return " ".join(heard(house, call)[before:])


def hears(house: SimulatedSwitch, listener: PhoneCall, speaker: PhoneCall) -> bool:
    return house.media.hears(house.leg_of(listener), house.leg_of(speaker))


async def over(house: SimulatedSwitch, *calls: PhoneCall) -> None:
    for call in calls:
        if call.state != "over":
            call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_one_mutes_oneself_and_not_another(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house)
    assert press(house, one, "*6") == "conference/muted"
    assert not hears(house, host, one) and hears(house, one, host) and hears(house, host, two)
    assert press(house, one, "*6") == "conference/unmuted"
    assert house.all_hear_each_other(host, one, two)
    assert press(house, one, "5*") == "" and press(house, one, "2") == "", "no code"
    house.press(one, "*")
    await asyncio.sleep(5)
    assert press(house, one, "6") == "", "the keys of a code belong together"
    assert press(house, one, "**6") == "conference/muted", "whoever mistakes a key begins anew"
    await over(house, host, one, two)


async def test_guests_are_muted_by_a_host_and_cannot_take_it_back(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house)
    assert press(house, one, "*5") == "conference/hosts-only"
    press(house, host, "*5")
    await until(lambda: "conference/guests-muted" in announced(house))
    assert not hears(house, two, one) and not hears(house, host, two) and hears(house, one, host)
    assert press(house, one, "*6") == "conference/muted-by-host"
    assert member_of(house, "3001", "1002").muted is False
    press(house, host, "*5")
    assert house.all_hear_each_other(host, one, two)
    await over(house, host, one, two)


async def test_a_locked_room_lets_hosts_in_alone(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house)
    press(house, host, "*7")
    (dave, erin) = await registered(house, "1004", "1005")
    late = dave.call("3001")
    await late.until("up")
    leg = house.leg_of(late)
    await asyncio.sleep(0.5)
    house.press(late, "1234#")
    await late.until("over")
    assert heard(house, late, leg)[-1] == "conference/is-locked"
    assert [fact.reason for fact in facts(house, RoomRefused) if isinstance(fact, RoomRefused)] == ["locked"]
    other = await inside(house, erin, "3001", "4321#")
    press(house, other, "*7")
    back = await inside(house, dave, "3001", "1234#")
    assert house.all_hear_each_other(host, one, two, other, back)
    await over(house, host, one, two, other, back)


async def test_a_full_room_takes_no_guest(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house, most=3)
    (dave,) = await registered(house, "1004")
    late = dave.call("3001")
    await late.until("up")
    leg = house.leg_of(late)
    await asyncio.sleep(0.5)
    house.press(late, "1234#")
    await late.until("over")
    assert heard(house, late, leg)[-1] == "conference/is-full"
    await over(house, host, one, two)


async def test_a_host_ends_the_meeting_for_all(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house)
    assert press(house, one, "#3") == "conference/hosts-only"
    legs = [house.leg_of(call) for call in (host, one, two)]
    house.press(host, "#3")
    for call in (host, one, two):
        await call.until("over")
    assert all(heard(house, host, leg)[-1] == "conference/ended" for leg in legs)
    (closed,) = facts(house, RoomClosed)
    assert isinstance(closed, RoomClosed) and closed.reason == "ended"
    await over(house)


@pytest.mark.parametrize("ends", [True, False])
async def test_the_last_host_goes_and_the_others_end_or_stay(house: SimulatedSwitch, ends: bool) -> None:
    host, one, two = await a_host_and_two(house, ends_with_host=ends)
    host.hang_up()
    await host.until("over")
    if ends:
        await one.until("over")
        await two.until("over")
        assert [fact.reason for fact in facts(house, MemberLeft) if isinstance(fact, MemberLeft)] == [
            "left",
            "host_left",
            "host_left",
        ]
    else:
        await asyncio.sleep(60)
        assert house.all_hear_each_other(one, two)
    await over(house, one, two)


async def test_a_lecture_is_heard_from_hosts_and_who_has_the_floor(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house, mode="lecture")
    assert "conference/you-are-muted" in heard(house, one)
    assert hears(house, one, host) and not hears(house, host, one) and not hears(house, two, one)
    assert press(house, one, "*3") == "conference/hand-raised"
    assert heard(house, host)[-1] == "conference/somebody-asks"
    member = member_of(house, "3001", "1002")
    assert member.hand
    room = live(house, "3001")
    room.order(inputs.GiveFloor(by="test", member=member.id, on=True))
    assert heard(house, one)[-1] == "conference/you-have-the-floor" and not member.hand
    assert hears(house, host, one) and hears(house, two, one) and not hears(house, one, two)
    room.order(inputs.SetMode(by="test", mode="conference"))
    assert house.all_hear_each_other(host, one, two) and not member.floor
    changes = [fact for fact in facts(house, MemberChanged) if isinstance(fact, MemberChanged)]
    assert [(fact.hand, fact.floor) for fact in changes] == [(True, False), (False, True), (False, False)]
    await over(house, host, one, two)


async def test_in_training_hosts_hear_each_and_the_others_hosts_alone(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house, mode="training")
    assert hears(house, host, one) and hears(house, host, two) and hears(house, one, host)
    assert not hears(house, one, two) and not hears(house, two, one)
    press(house, one, "*6")
    assert not hears(house, host, one) and hears(house, host, two)
    press(house, one, "*6")
    assert hears(house, host, one)
    room = live(house, "3001")
    room.order(inputs.GiveFloor(by="test", member=member_of(house, "3001", "1002").id, on=True))
    assert hears(house, two, one) and hears(house, host, one)
    room.order(inputs.SetMode(by="test", mode="conference"))
    assert house.all_hear_each_other(host, one, two)
    press(house, two, "*6")
    assert not hears(house, host, two) and not hears(house, one, two), "what held in training holds no more"
    await over(house, host, one, two)


async def test_help_layout_and_content(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house)
    assert press(house, one, "##") == "conference/help"
    assert press(house, host, "##") == "conference/help conference/help-host"
    assert press(house, one, "*8") == "conference/hosts-only"
    press(house, host, "*8*8")
    press(house, host, "*4")
    (first, second, third) = [fact for fact in facts(house, RoomChanged) if isinstance(fact, RoomChanged)]
    assert (first.layout, second.layout, third.content_in_mix) == ("1+7", "2x2", True)
    await over(house, host, one, two)


async def test_names_are_said_at_the_door_and_heard_when_one_comes_and_goes(house: SimulatedSwitch) -> None:
    furnish(house, "3000", announce="name")
    alice, bob = await registered(house, "1001", "1002")

    async def comes(phone: object, leg_of: list[LegId]) -> PhoneCall:
        call: PhoneCall = phone.call("3000")  # type: ignore[attr-defined]
        await call.until("up")
        leg_of.append(house.leg_of(call))
        await until(lambda: any(take.leg == house.leg_of(call) for take in house.media.takes.values()))
        await asyncio.sleep(2)
        house.press(call, "#")
        await until(lambda: roster_has(house, "3000", call.phone.user))
        return call

    legs: list[LegId] = []
    first = await comes(alice, legs)
    second = await comes(bob, legs)
    await until(lambda: bool(announced(house)))
    assert announced(house) == [f"<{house.media.announced[0][1][0].name}>+conference/has-joined"]  # type: ignore[union-attr]
    assert len(house.media.files) == 2
    second.hang_up()
    await until(lambda: len(announced(house)) == 2)
    assert announced(house)[1].endswith("+conference/has-left")
    first.hang_up()
    await until(lambda: not house.media.files, within=60)
    await over(house)


def roster_has(house: SimulatedSwitch, number: str, user: str) -> bool:
    return house.features.conferences.now(number) is not None and roster(house, number).get(user) == "in"


async def test_a_room_is_recorded_with_a_tone_and_a_pause(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house)
    room = live(house, "3001")
    room.order(inputs.Record(by="test", to="on"))
    await until(lambda: announced(house)[-1] == "tone", within=20)
    assert "conference/recording-on" in announced(house)
    (dave,) = await registered(house, "1004")
    late = await inside(house, dave, "3001", "1234#")
    assert "conference/is-recorded" in heard(house, late)
    (take,) = house.media.takes
    room.order(inputs.Record(by="test", to="paused"))
    assert house.media.paused == {take}
    room.order(inputs.Record(by="test", to="on"))
    assert not house.media.paused
    await asyncio.sleep(10)
    for call in (host, one, two, late):
        call.hang_up()
    await until(lambda: bool(facts(house, RoomRecordingEnded)))
    (ended,) = facts(house, RoomRecordingEnded)
    assert isinstance(ended, RoomRecordingEnded) and ended.file.startswith("conferences/3001/")
    assert ended.milliseconds > 10_000
    await over(house)


async def test_who_holds_the_room_is_not_heard_with_its_music(house: SimulatedSwitch) -> None:
    host, one, two = await a_host_and_two(house, mode="training")
    assert one.offer_again("sendonly")
    await one.when(lambda: one.renegotiations == [200])
    assert member_of(house, "3001", "1002").held and not hears(house, host, one)
    live(house, "3001").order(inputs.SetMode(by="test", mode="conference"))
    assert not hears(house, two, one) and hears(house, two, host)
    assert one.offer_again("sendrecv")
    await one.when(lambda: one.renegotiations == [200, 200])
    assert house.all_hear_each_other(host, one, two)
    await over(house, host, one, two)


@pytest.mark.parametrize("what", ["key", "kick", "lobby", "mode"])
async def test_what_happens_between_a_phones_bye_and_its_leaving_harms_nobody(
    house: SimulatedSwitch, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, one, two = await a_host_and_two(house, lobby=True)
    room, gone = live(house, "3001"), house.leg_of(host)
    close = house.media.close

    def closing(leg: LegId) -> None:
        close(leg)
        if leg == gone:
            match what:
                case "key":
                    house.press(one, "*3")
                case "kick":
                    room.order(inputs.Kick(by="test", member=member_of(house, "3001", "1001").id))
                case "mode":
                    room.order(inputs.SetMode(by="test", mode="training"))
                case _:
                    room.order(inputs.Mute(by="test", member=member_of(house, "3001", "1001").id, on=True))

    monkeypatch.setattr(house.media, "close", closing)
    host.hang_up()
    await host.until("over")
    await asyncio.sleep(2)
    assert [call.state for call in (one, two)] == ["up", "up"]
    assert roster(house, "3001") == {"1001": "left", "1002": "in", "1003": "in"}
    if what == "key":
        assert member_of(house, "3001", "1002").hand
    await over(house, one, two)
