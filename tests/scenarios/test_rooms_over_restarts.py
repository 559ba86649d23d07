"""The switch is killed in the middle of meetings, and they go on: nobody has left, nobody joins twice, and all that was
set of them holds."""

import asyncio

import msgspec
import pytest

from softswitch.events import (
    MemberInvited,
    MemberJoined,
    MemberLeft,
    MemberResumed,
    MemberUnreached,
    MemberWaits,
    RoomClosed,
    RoomOpened,
    RoomRecordingEnded,
)
from softswitch.features.conference.files import NAMES
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.rules import Camera, Invitee
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.rooms import (
    announced,
    broken_rooms,
    facts,
    furnish,
    heard,
    in_mix,
    inside,
    live,
    member_of,
    roster,
    unbalanced,
    until,
)
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop


@pytest.fixture
async def house() -> SimulatedSwitch:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return SimulatedSwitch(loop, journal=True)


async def restarted(house: SimulatedSwitch, down: float = 2.0) -> int:
    await asyncio.sleep(1)
    house.die()
    await asyncio.sleep(down)
    return house.rise()


async def all_back(house: SimulatedSwitch, *calls: PhoneCall) -> None:
    await until(lambda: all(in_mix(house, call) for call in calls))


def set_of(house: SimulatedSwitch, number: str) -> object:
    """How a meeting stands, as it is written down."""
    return msgspec.to_builtins(live(house, number).kept())


async def test_all_that_was_set_holds_and_nobody_is_told_twice(house: SimulatedSwitch) -> None:
    phones = await registered(house, "1001", "1002", "1003")
    host = await inside(house, phones[0], "3001", "4321#")
    first = await inside(house, phones[1], "3001", "1234#")
    second = await inside(house, phones[2], "3001", "1234#")
    room = live(house, "3001")
    for order in (
        inputs.Mute(by="x", member=2, on=True),
        inputs.RaiseHand(by="x", member=3, on=True),
        inputs.SetGain(by="x", member=3, gain=-6.0),
        inputs.Deafen(by="x", member=2, on=True),
        inputs.Rename(by="x", member=2, name="Zhang Wei"),
        inputs.Pin(by="x", member=3, shown=1),
        inputs.Spotlight(by="x", shown=2),
        inputs.SetLayout(by="x", layout="3x3"),
        inputs.Lock(by="x", on=True),
    ):
        room.order(order)
    house.press(second, "*6")
    await until(lambda: member_of(house, "3001", "1003").muted)
    before = set_of(house, "3001")
    await asyncio.sleep(20)
    calls = (host, first, second)
    told = [heard(house, call) for call in calls], announced(house)
    assert await restarted(house) == 3
    await all_back(house, *calls)
    await asyncio.sleep(1)
    assert set_of(house, "3001") == before
    assert ([heard(house, call) for call in calls], announced(house)) == told
    legs = [house.leg_of(call) for call in calls]
    hears = {(a, b) for a in range(3) for b in range(3) if a != b and house.media.hears(legs[a], legs[b])}
    assert hears == {(2, 0)}, "one is muted and deaf, another has muted itself"
    late = house.phone("1004")
    await late.register()
    refused = late.call("3001")
    await refused.until("up")
    await asyncio.sleep(1)
    house.press(refused, "1234#")
    await refused.until("over")
    assert not any(in_mix(house, call) for call in late.calls if call.state == "up"), "the lock holds"
    house.press(second, "*6")
    await until(lambda: not member_of(house, "3001", "1003").muted)
    house.press(host, "#3")
    for call in calls:
        await call.until("over")
    await house.settled()
    assert [len(facts(house, kind)) for kind in (RoomOpened, MemberJoined, MemberResumed, MemberLeft)] == [1, 3, 3, 3]
    assert unbalanced(house.facts) == []
    (closed,) = facts(house, RoomClosed)
    assert isinstance(closed, RoomClosed) and sorted(closed.came) == ["1001", "1002", "1003"]
    assert house.disk is not None and not house.disk.tables["conference_meeting"]


@pytest.mark.parametrize("mode", ["lecture", "training"])
async def test_who_is_heard_by_whom_is_what_the_mode_says_as_before(house: SimulatedSwitch, mode: str) -> None:
    furnish(house, "3001", mode=mode)
    phones = await registered(house, "1001", "1002", "1003")
    host = await inside(house, phones[0], "3001", "4321#")
    first = await inside(house, phones[1], "3001", "1234#")
    second = await inside(house, phones[2], "3001", "1234#")
    live(house, "3001").order(inputs.GiveFloor(by="x", member=3, on=True))
    calls = (host, first, second)

    def hears() -> set[tuple[int, int]]:
        legs = [house.leg_of(call) for call in calls]
        return {(a, b) for a in range(3) for b in range(3) if a != b and house.media.hears(legs[a], legs[b])}

    before = hears()
    assert (0, 2) in before and (1, 2) in before and (2, 1) not in before
    for _ in range(2):
        assert await restarted(house) == 3
        await all_back(house, *calls)
        assert hears() == before
    for call in calls:
        call.hang_up()
    await house.settled()


async def test_who_waits_in_the_lobby_waits_on_until_the_host_comes(house: SimulatedSwitch) -> None:
    furnish(house, "3001", lobby=True)
    alice, bob = await registered(house, "1001", "1002")
    guest = alice.call("3001")
    await guest.until("up")
    await asyncio.sleep(0.5)
    house.press(guest, "1234#")
    await until(lambda: bool(facts(house, MemberWaits)))
    await asyncio.sleep(5)
    said = heard(house, guest)
    assert await restarted(house) == 1
    await until(lambda: house.media.doing.get(house.leg_of(guest)) == "music")
    assert heard(house, guest) == said and roster(house, "3001") == {"1001": "lobby"}
    host = await inside(house, bob, "3001", "4321#")
    assert house.all_hear_each_other(guest, host)
    guest.hang_up()
    host.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_who_was_being_called_is_called_on_with_the_attempts_that_are_left(house: SimulatedSwitch) -> None:
    furnish(house, "3000", attempts=2, retry_seconds=20, ring_seconds=20)
    host, rings, busy, gone = await registered(house, "1001", "1002", "1003", "1004")
    call = await inside(house, host, "3000")
    house.features.conferences.invite("3000", [Invitee(number=each) for each in ("1002", "1003", "1004")], "test")
    (await busy.rings()).refuse(486)
    (await gone.rings()).refuse(603)
    (await rings.rings()).ring()
    await until(
        lambda: roster(house, "3000") == {"1001": "in", "1002": "ringing", "1003": "invited", "1004": "unreached"}
    )
    assert await restarted(house) == 1
    again = await rings.rings()
    again.answer()
    await until(lambda: roster(house, "3000")["1002"] == "in")
    assert [fact.attempt for fact in facts(house, MemberInvited) if isinstance(fact, MemberInvited)] == [1, 1, 1, 2]
    (await busy.rings()).refuse(486)
    await until(lambda: roster(house, "3000")["1003"] == "unreached", within=60)
    assert roster(house, "3000")["1004"] == "unreached", "who declined is not asked again"
    reasons = [
        (each.number, each.reason) for each in facts(house, MemberUnreached) if isinstance(each, MemberUnreached)
    ]
    assert reasons == [("1003", "busy"), ("1004", "declined"), ("1002", "restart"), ("1003", "busy")]
    assert house.all_hear_each_other(call, again)
    for party in (call, again):
        party.hang_up()
    for ringing in rings.calls:
        if ringing.state == "ringing":
            ringing.refuse(486)
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_a_recording_goes_on_in_another_file_and_nobody_hears_so(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    calls = (await inside(house, alice, "3000"), await inside(house, bob, "3000"))
    live(house, "3000").order(inputs.Record(by="x", to="on"))
    await asyncio.sleep(20)
    told = announced(house)
    assert await restarted(house) == 2
    await all_back(house, *calls)
    await asyncio.sleep(10)
    assert announced(house) == told and live(house, "3000").meeting.recording == "on"
    for call in calls:
        call.hang_up()
    await house.settled()
    ended = [fact for fact in facts(house, RoomRecordingEnded) if isinstance(fact, RoomRecordingEnded)]
    began = ended[0].meeting
    names = [f"conferences/3000/{began}-{number}.wav" for number in (1, 2)]
    assert [(fact.file, fact.reason) for fact in ended] == [(names[0], "restart"), (names[1], "")]
    assert set(names) <= house.media.files.keys()


async def test_a_pause_is_kept_and_nothing_is_recorded_until_it_ends(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    calls = (await inside(house, alice, "3000"), await inside(house, bob, "3000"))
    for to in ("on", "paused"):
        live(house, "3000").order(inputs.Record(by="x", to=to))
    assert await restarted(house) == 2
    await all_back(house, *calls)
    assert live(house, "3000").meeting.recording == "paused" and not house.media.takes
    live(house, "3000").order(inputs.Record(by="x", to="on"))
    assert [take.name.rpartition("-")[2] for take in house.media.takes.values()] == ["2.wav"]
    for call in calls:
        call.hang_up()
    await house.settled()


async def test_who_hangs_up_while_the_switch_is_away_has_left_at_once(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    calls = (await inside(house, alice, "3000"), await inside(house, bob, "3000"))
    await asyncio.sleep(1)
    house.die()
    calls[0].hang_up()
    await asyncio.sleep(2)
    assert house.rise() == 2
    await until(lambda: len(facts(house, MemberLeft)) == 1, within=8)
    (left,) = facts(house, MemberLeft)
    assert isinstance(left, MemberLeft) and (left.member, left.reason) == (1, "left")
    await all_back(house, calls[1])
    assert broken_rooms(house) == []
    calls[1].hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_a_meeting_to_which_nobody_comes_back_is_over(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    calls = (await inside(house, alice, "3000"), await inside(house, bob, "3000"))
    await asyncio.sleep(1)
    house.die()
    house.media.resumed()  # the media engine gave up waiting
    assert house.rise() == 0
    await until(lambda: len(facts(house, RoomClosed)) == 1)
    for call in calls:
        await call.until("over")
    await house.settled()
    left = [fact.reason for fact in facts(house, MemberLeft) if isinstance(fact, MemberLeft)]
    assert left == ["restart", "restart"] and unbalanced(house.facts) == []
    assert house.disk is not None and not house.disk.tables["conference_meeting"]


async def test_who_does_not_come_back_within_seconds_has_left(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    calls = (await inside(house, alice, "3000"), await inside(house, bob, "3000"))
    lost = house.call_of(calls[0])
    await asyncio.sleep(1)
    house.die()
    await asyncio.sleep(2)
    conferences_of = house.features.__class__.convene

    def never(self: object, *around: object) -> None:
        conferences_of(self, *around)  # type: ignore[arg-type]
        awaits = self.conferences.awaits  # type: ignore[attr-defined]

        async def slowly(number: str, call: CallId) -> bool:
            if call == lost:
                await asyncio.sleep(3600)
            return bool(await awaits(number, call))

        self.conferences.awaits = slowly  # type: ignore[attr-defined]

    house.features.__class__.convene = never  # type: ignore[method-assign, assignment]
    try:
        assert house.rise() == 2
    finally:
        house.features.__class__.convene = conferences_of  # type: ignore[method-assign]
    await all_back(house, calls[1])
    assert roster(house, "3000") == {"1001": "in", "1002": "in"}
    await asyncio.sleep(11)
    assert roster(house, "3000") == {"1001": "left", "1002": "in"}
    for call in calls:
        call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_after_a_long_time_without_a_switch_nobody_is_called_any_more(house: SimulatedSwitch) -> None:
    furnish(house, "3000", attempts=10, retry_seconds=20)
    host, busy = await registered(house, "1001", "1002")
    call = await inside(house, host, "3000")
    house.features.conferences.invite("3000", [Invitee(number="1002")], "test")
    (await busy.rings()).refuse(486)
    await until(lambda: roster(house, "3000")["1002"] == "invited")
    await asyncio.sleep(1)
    house.die()
    call.hang_up()
    house.media.resumed()
    await asyncio.sleep(900)
    assert house.rise() == 0
    await until(lambda: len(facts(house, RoomClosed)) == 1)
    await house.settled()
    assert [each.reason for each in facts(house, MemberUnreached) if isinstance(each, MemberUnreached)] == [
        "busy",
        "cancelled",
    ]
    assert len(busy.calls) == 1


async def test_an_instant_room_goes_on_and_is_gone_with_its_meeting(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    first = alice.call("3099")
    await first.until("up")
    await until(lambda: in_mix(house, first))
    (number,) = house.features.conferences._live
    second = await inside(house, bob, number)
    assert await restarted(house) == 2
    await all_back(house, first, second)
    assert member_of(house, number, "1001").role == "host"
    first.hang_up()
    second.hang_up()
    await house.settled()
    assert not house.features.conferences.exists(number) and unbalanced(house.facts) == []


async def test_who_is_at_the_door_is_asked_anew(house: SimulatedSwitch) -> None:
    phones = await registered(house, "1001", "1002")
    host = await inside(house, phones[0], "3001", "4321#")
    at_door = phones[1].call("3001")
    await at_door.until("up")
    assert await restarted(house) == 2
    await all_back(house, host)
    assert not in_mix(house, at_door)
    await asyncio.sleep(1)
    house.press(at_door, "1234#")
    await until(lambda: in_mix(house, at_door))
    assert house.all_hear_each_other(host, at_door)
    for call in (host, at_door):
        call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []


async def test_who_guesses_pins_wins_no_attempts_by_a_restart(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")

    async def guess(phone: Phone, keys: str) -> str:
        call = phone.call("3001")
        await call.until("up")
        leg = house.leg_of(call)
        for count in (1, 2, 3):
            await until(lambda count=count: heard(house, call, leg).count("conference/enter-pin") == count)  # type: ignore[misc]
            house.press(call, keys)
            await asyncio.sleep(1)
            if in_mix(house, call):
                call.hang_up()
            if "conference/locked-out" in heard(house, call, leg) or call.state == "over":
                break
        await call.until("over")
        return heard(house, call, leg)[-1]

    assert await guess(alice, "0000#") == "conference/goodbye"
    assert await restarted(house) == 0
    assert await guess(alice, "0000#") == "conference/locked-out"
    assert await restarted(house) == 0
    assert await guess(alice, "1234#") == "conference/locked-out", "the right one does not count now"
    assert await guess(bob, "1234#") == "conference/alone"
    await asyncio.sleep(15 * 60)
    assert await restarted(house) == 0
    assert await guess(alice, "1234#") == "conference/alone"
    house.features.conferences.door.unlock("3001")
    await asyncio.sleep(1)
    assert house.disk is not None and list(house.disk.tables["conference_guess"]) == ["caller/account/1001/1001"]
    await house.settled()


async def test_cameras_come_again_and_are_muted_and_seen_as_they_were(house: SimulatedSwitch) -> None:
    yard = "rtsp://viewer:secret@yard.example.com/"
    furnish(house, "3000", cameras=(Camera(name="Yard", url=yard),))
    (phone,) = await registered(house, "1001")
    call = await inside(house, phone, "3000")
    url = "rtsp://viewer:secret@gate.example.com/"
    await house.features.conferences.add_camera("3000", "Gate", url, True, "test")
    await until(lambda: len(house.features.pictures.cameras) == 2)
    for member in (1, 3):
        house.features.pictures.lost[member]("")
    live(house, "3000").order(inputs.Mute(by="x", member=3, on=True))
    live(house, "3000").order(inputs.Spotlight(by="x", shown=3))
    live(house, "3000").order(inputs.Rename(by="x", member=1, name="Back yard"))
    await restarted(house)
    assert house.disk is not None
    assert "secret" not in str(house.disk.tables["conference_meeting"])
    await all_back(house, call)
    cameras = house.features.pictures.cameras
    await until(lambda: set(cameras.values()) == {url, yard})
    room = live(house, "3000")
    names = [(each.name, each.lost, each.muted_by_host) for each in room.meeting.members.values() if each.is_camera]
    assert names == [("Back yard", "it is being fetched", False), ("Gate", "it is being fetched", True)]
    assert room.meeting.spotlight == 3 and room.seats[3].leg in house.media.open_legs
    leg, heard_there = room.seats[3].leg, house.leg_of(call)
    assert leg is not None and not house.media.hears(heard_there, leg)
    call.hang_up()
    await house.settled()
    assert not cameras and not house.media.open_legs and unbalanced(house.facts) == []


async def test_the_name_that_one_has_said_is_heard_when_it_goes_after_a_restart(house: SimulatedSwitch) -> None:
    furnish(house, "3000", announce="name")
    calls = []
    for phone in await registered(house, "1001", "1002"):
        call = phone.call("3000")
        await call.until("up")
        await until(lambda: bool(house.media.takes))
        await asyncio.sleep(2)
        house.press(call, "#")
        await until(lambda call=call: in_mix(house, call))  # type: ignore[misc]
        calls.append(call)
    await asyncio.sleep(5)
    name = member_of(house, "3000", "1002").name_file
    told = announced(house)
    assert await restarted(house) == 2
    await all_back(house, *calls)
    assert name in house.media.files and announced(house) == told
    calls[1].hang_up()
    await until(lambda: len(announced(house)) == len(told) + 1)
    assert announced(house)[-1] == f"<{name}>+conference/has-left"
    calls[0].hang_up()
    await until(lambda: not house.media.files, within=60)
    await house.settled()


async def test_a_name_that_is_not_on_the_disk_any_more_costs_nobody_its_place(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    call = await inside(house, alice, "3000")
    member_of(house, "3000", "1001").name_file = f"{NAMES}/lost.wav"
    live(house, "3000").order(inputs.Rename(by="x", member=1, name="Ann"))

    async def gone(sounds: object) -> None:
        raise NotFound("sound file", "lost.wav")

    house.media.prepare = gone  # type: ignore[method-assign]
    assert await restarted(house) == 1
    await all_back(house, call)
    assert member_of(house, "3000", "1001").name_file == ""
    call.hang_up()
    await house.settled()
