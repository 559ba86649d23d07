"""Cameras in rooms: members that nobody calls, seen, heard and ordered about as others are."""

from softswitch.events import CameraChanged, CameraJoined, CameraLeft, MemberChanged, RoomClosed
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.members import Member
from softswitch.features.conference.model.rules import Camera, Invitee
from softswitch.features.conference.model.scene import Tile
from softswitch.features.conference.roster import roster_of
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Direction
from tests.scenarios.test_room_pictures import seen, speaks, three_with_video
from tests.scenarios.test_video_calls import PICTURE, seeing
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.rooms import facts, furnish, heard, in_mix, inside, live, member_of, unbalanced, until
from tests.support.switch import SimulatedSwitch

URL = "rtsp://viewer:secret@gate.example.com/1"


async def fetched(house: SimulatedSwitch, name: str = "Gate", *, sound: bool = True) -> Member:
    """A camera that is added to the meeting in 3000, and gives pictures."""
    await house.features.conferences.add_camera("3000", name, URL, sound, "test")
    await until(lambda: camera(house, name).id in house.features.pictures.lost)
    house.features.pictures.lost[camera(house, name).id]("")
    return camera(house, name)


def camera(house: SimulatedSwitch, name: str = "Gate") -> Member:
    members = live(house, "3000").meeting.members.values()
    (found,) = [each for each in members if each.number == f"camera/{name}" and each.is_in]
    return found


def hears(house: SimulatedSwitch, listener: PhoneCall, member: Member) -> bool:
    leg = live(house, "3000").seats[member.id].leg
    assert leg is not None
    return house.media.hears(house.leg_of(listener), leg)


def tile(house: SimulatedSwitch, member: Member) -> Tile:
    (scene,) = house.features.pictures.scenes.values()
    (found,) = [each for each in scene.tiles if each.member == member.id]
    return found


async def over(house: SimulatedSwitch, *calls: PhoneCall) -> None:
    for call in calls:
        call.hang_up()
    await house.settled()
    assert unbalanced(house.facts) == []
    assert not house.media.open_legs and not house.features.pictures.cameras


async def test_a_camera_is_seen_and_heard_and_does_what_a_member_does(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    gate = await fetched(house)
    assert (gate.state, gate.lost, gate.terminal, gate.call) == ("in", "", "camera", None)
    assert tile(house, gate) == Tile(4, "Gate", True, False, False, False, False, False, camera=True)
    assert all(hears(house, call, gate) for call in (one, two, three))
    room = live(house, "3000")
    room.order(inputs.Mute(by="test", member=gate.id, on=True))
    assert not hears(house, one, gate) and tile(house, gate).muted
    room.order(inputs.Mute(by="test", member=gate.id, on=False))
    room.order(inputs.SetGain(by="test", member=gate.id, gain=-6.0))
    room.order(inputs.Rename(by="test", member=gate.id, name="North gate"))
    room.order(inputs.Pin(by="test", member=1, shown=gate.id))
    room.order(inputs.Spotlight(by="test", shown=gate.id))
    assert hears(house, one, gate) and tile(house, gate).name == "North gate"
    changes = [fact for fact in facts(house, MemberChanged) if isinstance(fact, MemberChanged)]
    assert [fact.gain for fact in changes if fact.member == gate.id][-1] == -6.0
    (scene,) = house.features.pictures.scenes.values()
    assert (scene.first, scene.pinned) == (gate.id, ((1, gate.id),))
    house.features.pictures.lost[gate.id]("Connection refused")
    assert next(iter(house.features.pictures.scenes.values())).pinned == ()
    mix = next(iter(house.media.mixes.values()))
    leg = room.seats[gate.id].leg
    assert mix.speaking is not None and leg is not None
    mix.speaking(leg)
    assert room.meeting.speaker == gate.id
    room.order(inputs.Kick(by="test", member=gate.id))
    assert (gate.state, gate.left) == ("left", "kicked")
    assert room.meeting.spotlight is None and room.meeting.members[1].pinned is None
    assert leg not in house.media.open_legs and not house.features.pictures.cameras
    assert (len(facts(house, CameraJoined)), len(facts(house, CameraLeft))) == (1, 1)
    # Its picture was the reason to compose: they see each other again as they did before.
    assert seen(house, one) != ""
    await over(house, one, two, three)


async def test_cameras_alone_are_no_meeting_and_no_company(house: SimulatedSwitch) -> None:
    cameras = (Camera(name="Gate", url=URL), Camera(name="Yard", url=URL, sound=False))
    furnish(house, "3000", cameras=cameras, most=2)
    (phone, other) = await seeing(house, "1001", "1002")
    one = await inside(house, phone, "3000")
    assert "conference/alone" in heard(house, one)
    await until(lambda: len(house.features.pictures.cameras) == 2)
    assert set(house.features.pictures.cameras.values()) == {URL}
    assert hears(house, one, camera(house)) and live(house, "3000").seats.get(camera(house, "Yard").id) is None
    two = await inside(house, other, "3000")
    roster = roster_of(live(house, "3000").meeting)
    assert [(each.name, each.number, each.status, each.sound, each.picture) for each in roster.members[:2]] == [
        ("Gate", "", "pending", Direction.SENDONLY, Direction.SENDONLY),
        ("Yard", "", "pending", Direction.INACTIVE, Direction.SENDONLY),
    ]
    await over(house, one, two)
    (closed,) = facts(house, RoomClosed)
    assert isinstance(closed, RoomClosed) and (closed.came, closed.most, closed.reason) == (
        ("1001", "1002"),
        2,
        "empty",
    )
    assert len(facts(house, CameraLeft)) == 2
    # The next meeting has them, too.
    again = await inside(house, phone, "3000")
    await until(lambda: len(house.features.pictures.cameras) == 2)
    await over(house, again)


async def test_a_camera_that_is_lost_is_a_name_until_it_comes_back(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    gate = await fetched(house)
    room = live(house, "3000")
    room.order(inputs.Spotlight(by="test", shown=gate.id))
    scenes = house.features.pictures.scenes
    house.features.pictures.lost[gate.id]("Connection refused")
    assert gate.lost == "Connection refused" and next(iter(scenes.values())).first != gate.id
    assert roster_of(room.meeting).members[3].status == "pending"
    house.features.pictures.lost[gate.id]("")
    assert next(iter(scenes.values())).first == gate.id
    lost = [fact.lost for fact in facts(house, CameraChanged) if isinstance(fact, CameraChanged)]
    assert lost == ["it is being fetched", "", "Connection refused", ""]
    # Without a composer nobody can see it.
    house.features.pictures.composes = False
    house.features.conferences.pictures_changed()
    assert seen(house, one) in ("1002", "1003")
    await over(house, one, two, three)


async def test_a_camera_of_the_same_name_takes_the_place_of_the_first_one(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    gate = await fetched(house)
    live(house, "3000").order(inputs.Mute(by="test", member=gate.id, on=True))
    await house.features.conferences.add_camera("3000", "Gate", "rtsp://other.example.com/", True, "test")
    await until(lambda: list(house.features.pictures.cameras.values()) == ["rtsp://other.example.com/"])
    assert camera(house).id == gate.id and not hears(house, one, gate)
    await over(house, one, two, three)


async def test_in_training_all_see_the_camera_and_hear_it_once_it_has_the_floor(house: SimulatedSwitch) -> None:
    furnish(house, "3001", mode="training")
    phones = await seeing(house, "1001", "1002", "1003")
    host = await inside(house, phones[0], "3001", "4321#")
    learners = [await inside(house, phone, "3001", "1234#") for phone in phones[1:]]
    await house.features.conferences.add_camera("3001", "Bench", URL, True, "test")
    room = live(house, "3001")
    await until(lambda: 4 in house.features.pictures.lost)
    house.features.pictures.lost[4]("")
    bench = LegId(str(room.seats[4].leg))
    parties = [house.leg_of(call) for call in (host, *learners)]
    assert [house.media.hears(leg, bench) for leg in parties] == [True, False, False], "as those who learn"
    room.order(inputs.Present(by="test", member=4, on=True))
    room.order(inputs.GiveFloor(by="test", member=4, on=True))
    assert all(house.media.hears(leg, bench) for leg in parties)
    (scene,) = house.features.pictures.scenes.values()
    assert (scene.first, scene.tiles[-1].name) == (4, "Bench")
    # Whoever presents next is seen instead, unless the spotlight is on the camera.
    room.order(inputs.Present(by="test", member=1, on=True))
    assert next(iter(house.features.pictures.scenes.values())).first == 1
    room.order(inputs.Spotlight(by="test", shown=4))
    assert next(iter(house.features.pictures.scenes.values())).first == 4
    await over(house, host, *learners)


def heard_by(house: SimulatedSwitch, listener: PhoneCall, speaker: PhoneCall) -> bool:
    return house.media.hears(house.leg_of(listener), house.leg_of(speaker))


async def camera_phone(house: SimulatedSwitch, account: str) -> Phone:
    """A SIP camera: it takes neither sound nor pictures."""
    (phone,) = await seeing(house, account)
    phone.only_sends = True
    return phone


async def test_a_sip_camera_that_calls_in_is_seen_and_heard_and_sent_nothing(house: SimulatedSwitch) -> None:
    phone = await camera_phone(house, "1004")
    one, two, three = await three_with_video(house)
    camera = await inside(house, phone, "3000")
    assert camera.local_sdp is not None and camera.remote_sdp is not None
    assert (camera.remote_sdp.direction, camera.remote_sdp.video[0].direction) == ("recvonly", "recvonly")
    member = member_of(house, "3000", "1004")
    assert (member.terminal, member.kind, member.held) == ("camera", "phone", False)
    assert all(heard_by(house, call, camera) for call in (one, two, three))
    room = live(house, "3000")
    room.order(inputs.Spotlight(by="test", shown=member.id))
    assert seen(house, one) == seen(house, three) == "1004" and seen(house, camera) == ""
    # Its picture goes and comes back. That is no hold: it never wanted to hear anybody.
    for looks, terminal in (("inactive", "audio"), ("", "camera")):
        camera.offers.looks = looks
        assert camera.offer_again()
        await until(lambda: not camera.busy_offering)
        assert member.terminal == terminal
    assert not member.held and all(heard_by(house, call, camera) for call in (one, two, three))
    roster = roster_of(room.meeting)
    assert (roster.members[3].sound, roster.members[3].picture) == (Direction.SENDRECV, Direction.SENDONLY)
    await over(house, one, two, three, camera)


async def test_a_sip_camera_is_called_by_the_room_and_composed_with_the_others(house: SimulatedSwitch) -> None:
    phone = await camera_phone(house, "1004")
    furnish(house, "3000", pictures="compose")
    one, two = [await inside(house, each, "3000") for each in await seeing(house, "1001", "1002")]
    house.features.conferences.invite("3000", [Invitee(number="account/1004", name="Bench")], "test")
    camera = await phone.rings()
    camera.answer()
    await until(lambda: member_of(house, "3000", "account/1004").state == "in")
    member = member_of(house, "3000", "account/1004")
    assert (member.terminal, member.name) == ("camera", "Bench")
    assert tile(house, member).video and heard_by(house, one, camera) and heard_by(house, two, camera)
    assert house.features.pictures.shown == {}
    await over(house, one, two, camera)


async def test_a_screen_that_only_watches_is_a_name_to_the_others(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    (phone,) = await seeing(house, "1004")
    phone.sees = (PICTURE,)
    wall = phone.call("3000")
    wall.offers.looks = "recvonly"
    await wall.until("up")
    await until(lambda: in_mix(house, wall))
    assert wall.offer_again()
    await until(lambda: member_of(house, "3000", "1004").terminal == "screen")
    speaks(house, two)
    assert seen(house, wall) == "1002"
    speaks(house, wall)
    assert seen(house, one) == "1002", "there is nothing to be seen of it"
    await over(house, one, two, three, wall)
