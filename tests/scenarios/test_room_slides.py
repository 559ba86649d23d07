"""Slides in a room: who has a line for them sees them there, everybody else in the picture. Who may show some is said
by floor control, where a phone has it."""

from collections.abc import Callable

from softswitch.features.conference.podium import Podiums
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import IdSource
from tests.scenarios.test_video_calls import H264, PICTURE, SLIDES, seeing
from tests.support.rooms import furnish, in_mix, inside, live, member_of, until
from tests.support.sip_text import SdpVideo
from tests.support.switch import SimulatedSwitch


class ModelFloors:
    """`conference.needs.Floors` without sockets: phones ask by `ask`."""

    address = HostPort("192.0.2.1", 5070)

    def __init__(self) -> None:
        self.users: dict[int, set[int]] = {}
        self._may: dict[int, Callable[[int], bool]] = {}
        self._holds: dict[int, Callable[[int | None], None]] = {}

    def open_floor(self, conference: int, may_have: Callable[[int], bool], holds: Callable[[int | None], None]) -> None:
        self.users[conference], self._may[conference], self._holds[conference] = set(), may_have, holds

    def add_user(self, conference: int, user: int) -> None:
        self.users[conference].add(user)

    def remove_user(self, conference: int, user: int) -> None:
        self.users[conference].discard(user)

    def close_floor(self, conference: int) -> None:
        del self.users[conference]

    def ask(self, user: int) -> bool:
        (conference,) = self.users
        if self._may[conference](user):
            self._holds[conference](user)
            return True
        return False

    def release(self) -> None:
        (conference,) = self.users
        self._holds[conference](None)


async def test_slides_are_seen_on_a_line_of_their_own_or_in_the_picture(house: SimulatedSwitch) -> None:
    floors = ModelFloors()
    house.features.conferences.podiums = Podiums(floors, house.features.conferences.now, lambda: 7)
    shows, sees = await seeing(house, "1001", "1002", sees=(PICTURE, SLIDES))
    (plain,) = await seeing(house, "1003", sees=(PICTURE,))
    one, two, three = [await inside(house, phone, "3000") for phone in (shows, sees, plain)]
    first, second, third = [house.leg_of(call) for call in (one, two, three)]
    lines = [IdSource.video(leg, 1) for leg in (first, second)]
    assert floors.users == {7: {8, 9, 10}}
    assert floors.ask(8)
    assert member_of(house, "3000", "1001").presenter
    assert house.features.pictures.slides[lines[1]] == lines[0], "on the line that is there for it"
    assert house.features.pictures.slides.get(second) is None and house.features.pictures.shown[second] == first
    assert house.features.pictures.slides[third] == lines[0], "in the place of a picture"
    assert house.features.pictures.slides.get(first) is None, "nobody sees itself"
    assert floors.ask(9)
    assert [member_of(house, "3000", user).presenter for user in ("1001", "1002")] == [False, True]
    assert house.features.pictures.slides[lines[0]] == lines[1]
    house.press(one, "*4")
    await until(lambda: live(house, "3000").meeting.content_in_mix or member_of(house, "3000", "1001").role == "guest")
    floors.release()
    assert house.features.pictures.slides[lines[0]] is None and house.features.pictures.slides[third] is None
    for call in (one, two, three):
        call.hang_up()
    await until(lambda: floors.users == {})
    await house.settled()


async def test_who_may_not_speak_may_not_show_anything(house: SimulatedSwitch) -> None:
    floors = ModelFloors()
    house.features.conferences.podiums = Podiums(floors, house.features.conferences.now, lambda: 7)
    furnish(house, "3000", mode="lecture")
    (shows,) = await seeing(house, "1001", sees=(PICTURE, SLIDES))
    call = await inside(house, shows, "3000")
    assert not floors.ask(8)
    call.hang_up()
    await house.settled()


async def test_without_floor_control_whose_slides_come_presents(house: SimulatedSwitch) -> None:
    furnish(house, "3000", pictures="compose")
    (shows,) = await seeing(house, "1001", sees=(PICTURE, SLIDES))
    (plain,) = await seeing(house, "1002", sees=(PICTURE,))
    one, two = [await inside(house, phone, "3000") for phone in (shows, plain)]
    line, room = IdSource.video(house.leg_of(one), 1), live(house, "3000")
    assert in_mix(house, two) and house.features.pictures.mixed[room.mix] is None
    house.features.conferences.slides_flow(line, True)
    assert member_of(house, "3000", "1001").presenter
    assert house.features.pictures.mixed[room.mix] == line, "in the picture, since not all have a line for it"
    house.features.conferences.slides_flow(line, False)
    assert house.features.pictures.mixed[room.mix] is None
    house.features.conferences.slides_flow(IdSource.video(house.leg_of(one), 0), True)
    assert not member_of(house, "3000", "1001").presenter
    for call in (one, two):
        call.hang_up()
    await house.settled()


async def test_a_line_of_sign_language_is_none_of_slides(house: SimulatedSwitch) -> None:
    """`sl` is "a sign language" (RFC 4796 section 5): it would have been everybody's presentation."""
    (signs,) = await seeing(house, "1001", sees=(PICTURE, SdpVideo(1, (H264,), content="sl")))
    call = await inside(house, signs, "3000")
    house.features.conferences.slides_flow(IdSource.video(house.leg_of(call), 1), True)
    assert not member_of(house, "3000", "1001").presenter
    assert member_of(house, "3000", "1001").terminal == "video"
    call.hang_up()
    await house.settled()
