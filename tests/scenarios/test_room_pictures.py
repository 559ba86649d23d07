"""What members of a room see: who speaks, whom they have chosen, or all in one picture; without video, nothing."""

from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.rules import Invitee
from tests.scenarios.test_video_calls import PICTURE, seeing
from tests.support.phone_calls import PhoneCall
from tests.support.rooms import furnish, in_mix, inside, live, member_of, until
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch


async def three_with_video(house: SimulatedSwitch, **rules: object) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    furnish(house, "3000", **rules)
    one, two, three = [await inside(house, phone, "3000") for phone in await seeing(house, "1001", "1002", "1003")]
    return one, two, three


def seen(house: SimulatedSwitch, viewer: PhoneCall) -> str:
    """Whom a member is shown."""
    source = house.features.pictures.shown.get(house.leg_of(viewer))
    parties = {house.leg_of(call): phone.user for phone in house.phones for call in phone.calls if call.state == "up"}
    return "" if source is None else parties[source]


def speaks(house: SimulatedSwitch, call: PhoneCall) -> None:
    (mix,) = house.media.mixes.values()
    assert mix.speaking is not None
    mix.speaking(house.leg_of(call))


async def test_all_see_who_speaks_and_who_speaks_sees_who_spoke_before(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    speaks(house, two)
    assert (seen(house, one), seen(house, three)) == ("1002", "1002")
    speaks(house, three)
    assert (seen(house, one), seen(house, two)) == ("1003", "1003")
    assert seen(house, three) not in ("", "1003")
    room = live(house, "3000")
    room.order(inputs.Pin(by="test", member=1, shown=2))
    assert (seen(house, one), seen(house, two)) == ("1002", "1003")
    room.order(inputs.Spotlight(by="test", shown=1))
    assert (seen(house, one), seen(house, two), seen(house, three)) == ("1002", "1001", "1001")
    room.order(inputs.TurnVideo(by="test", member=1, off=True))
    assert seen(house, two) == "1003", "who has its picture off is not seen"
    three.hang_up()
    await three.until("over")
    assert seen(house, one) == "1002"
    for call in (one, two):
        call.hang_up()
    await house.settled()


async def test_who_has_no_video_is_heard_and_named(house: SimulatedSwitch) -> None:
    (seer,) = await seeing(house, "1001")
    (hearer,) = await registered(house, "1002")
    furnish(house, "3000", pictures="compose", title="Round")
    one, two = await inside(house, seer, "3000"), await inside(house, hearer, "3000")
    assert (member_of(house, "3000", "1001").terminal, member_of(house, "3000", "1002").terminal) == ("video", "audio")
    assert house.all_hear_each_other(one, two)
    (scene,) = house.features.pictures.scenes.values()
    assert [(tile.name, tile.video) for tile in scene.tiles] == [("1001", True), ("1002", False)]
    assert house.features.pictures.shown == {}
    house.press(two, "*6")
    (scene,) = house.features.pictures.scenes.values()
    assert [tile.muted for tile in scene.tiles] == [False, True]
    one.hang_up()
    two.hang_up()
    await until(lambda: not house.features.pictures.scenes)
    await house.settled()


async def test_without_a_composer_pictures_are_switched(house: SimulatedSwitch) -> None:
    house.features.pictures.composes = False
    one, two, three = await three_with_video(house, pictures="compose")
    speaks(house, two)
    assert seen(house, one) == seen(house, three) == "1002"
    house.features.pictures.composes = True
    house.features.conferences.pictures_changed()
    assert len(house.features.pictures.scenes) == 1
    for call in (one, two, three):
        call.hang_up()
    await house.settled()


async def test_a_room_without_pictures_takes_no_video(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house, pictures="off")
    assert house.media.open_lines == {} and house.all_hear_each_other(one, two, three)
    for call in (one, two, three):
        call.hang_up()
    await house.settled()


async def test_who_is_called_is_offered_video(house: SimulatedSwitch) -> None:
    (seer,) = await seeing(house, "1001", sees=(PICTURE,))
    (other,) = await seeing(house, "1002")
    one = await inside(house, seer, "3000")
    house.features.conferences.invite("3000", [Invitee(number="1002")], "test")
    two = await other.rings()
    two.answer()
    await until(lambda: member_of(house, "3000", "1002").state == "in")
    assert member_of(house, "3000", "1002").terminal == "video"
    assert (seen(house, one), seen(house, two)) == ("1002", "1001")
    one.hang_up()
    two.hang_up()
    await house.settled()


async def test_what_is_set_of_a_room_is_seen_at_once(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    pictures = house.features.pictures
    furnish(house, "3000", pictures="compose")
    assert len(pictures.scenes) == 1
    furnish(house, "3000", pictures="switch")
    assert not pictures.scenes and seen(house, one) == "1002"
    furnish(house, "3000", pictures="compose")
    furnish(house, "3000", pictures="off")
    assert not pictures.scenes and [pictures.shown[house.leg_of(call)] for call in (one, two, three)] == [None] * 3
    assert member_of(house, "3000", "1001").terminal == "audio", "there is nothing to be seen"
    furnish(house, "3000", pictures="switch")
    assert seen(house, one) == "1002" and seen(house, two) == "1001"
    for call in (one, two, three):
        call.hang_up()
    await house.settled()


async def test_who_has_pictures_again_is_shown_them_again(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    speaks(house, two)
    pictures = house.features.pictures
    for shows in (False, True):
        pictures.shown.clear()
        one.offers.shows = shows
        assert one.offer_again()
        await one.when(lambda: not one.busy_offering)
        assert member_of(house, "3000", "1001").terminal == ("video" if shows else "audio")
    assert seen(house, one) == "1002"
    for call in (one, two, three):
        call.hang_up()
    await house.settled()


async def test_a_phone_without_pictures_takes_the_place_of_one_with(house: SimulatedSwitch) -> None:
    one, two, three = await three_with_video(house)
    (plain,) = await registered(house, "1004")
    asked = one.phone.call("1004")
    back = await taken(plain)
    await asked.until("up")
    asked.refer("3000", replaces=one)
    await until(lambda: member_of(house, "3000", "1001").terminal == "audio")
    assert seen(house, two) == "1003" and seen(house, three) == "1002"
    assert in_mix(house, back)
    for call in (back, two, three):
        call.hang_up()
    await house.settled()
