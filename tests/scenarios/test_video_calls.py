"""Calls of two with video: who sees whom, with phones that have pictures and phones that have none."""

import asyncio
from functools import partial
from typing import Any

import pytest
from msgspec import structs

from softswitch.events import LegEnded, VideoFigures
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.sip_text import SdpVideo
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop

H264 = ("97", "H264/90000", "profile-level-id=42e01f;packetization-mode=1")
SINGLE = ("98", "H264/90000", "profile-level-id=42e01f")
VP8 = ("96", "VP8/90000", "")
PICTURE = SdpVideo(1, (H264, SINGLE, VP8), feedback=("nack pli", "ccm fir"))
SLIDES = SdpVideo(1, (H264,), content="slides")


async def seeing(house: SimulatedSwitch, *accounts: str, sees: tuple[SdpVideo, ...] = (PICTURE,)) -> list[Phone]:
    phones = await registered(house, *accounts)
    for phone in phones:
        phone.sees = sees
    return phones


async def together(house: SimulatedSwitch, alice: Phone, bob: Phone) -> tuple[PhoneCall, PhoneCall]:
    """One calls the other, who answers."""
    out = alice.call(bob.user)
    back = await taken(bob)
    await out.until("up")
    assert house.hear_each_other(out, back)
    return out, back


def renegotiated(call: PhoneCall) -> bool:
    return call.renegotiations == [200]


def video_of(house: SimulatedSwitch) -> list[tuple[Any, ...]]:
    """What the legs' ends say of pictures."""
    return [fact.video for fact in house.facts if isinstance(fact, LegEnded)]


async def test_two_phones_with_video_see_each_other(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    house.media.picture_figures = VideoFigures(received=100, sent=90, lost=3, frames=30, key_frames=2)
    out, back = await together(house, alice, bob)
    assert house.see_each_other(out, back)
    (line,) = back.theirs.video
    assert (line.formats, line.feedback) == (PICTURE.formats, PICTURE.feedback)
    out.hang_up()
    await house.settled()
    for (video,) in video_of(house):
        assert (video.codec, video.figures.lost, video.figures.frames) == ("H264", 3, 30)


async def test_slides_go_beside_the_picture(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002", sees=(PICTURE, SLIDES))
    out, back = await together(house, alice, bob)
    assert house.see_each_other(out, back)
    assert house.sees(back, out, 1) and house.sees(out, back, 1)
    assert [line.content for line in back.theirs.video] == ["", "slides"]
    out.hang_up()
    await house.settled()
    assert [video.content for video in video_of(house)[0]] == ["", "slides"]


@pytest.mark.parametrize("who", [0, 1], ids=["caller", "callee"])
async def test_a_phone_without_video_talks_with_one_that_has_it(house: SimulatedSwitch, who: int) -> None:
    phones = await seeing(house, "1001", "1002")
    phones[who].sees = ()
    out, back = await together(house, *phones)
    assert not house.sees(out, back) and not house.sees(back, out)
    out.hang_up()
    await house.settled()
    assert video_of(house) == [(), ()]


async def test_without_a_common_format_the_line_is_refused_and_sound_goes_on(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    alice.sees, bob.sees = (SdpVideo(1, (H264,)),), (SdpVideo(1, (VP8,)),)
    out, _ = await together(house, alice, bob)
    assert out.theirs.video == (SdpVideo(0, ()),)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("who", [0, 1], ids=["caller", "callee"])
async def test_video_begins_and_ends_in_a_call(house: SimulatedSwitch, who: int) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    alice.sees = ()
    out, back = await together(house, alice, bob)
    alice.sees = (PICTURE,)
    out.offers.shows = True
    back.offers.shows = True
    asks = (out, back)[who]
    assert asks.offer_again()
    await asks.when(lambda: asks.renegotiations == [200])
    assert house.see_each_other(out, back) and house.hear_each_other(out, back)
    asks.offers.shows = False
    assert asks.offer_again()
    await asks.when(lambda: asks.renegotiations == [200, 200])
    assert not house.sees(out, back) and not house.sees(back, out)
    assert house.hear_each_other(out, back)
    # And again, on the same lines.
    asks.offers.shows = True
    assert asks.offer_again()
    await asks.when(lambda: asks.renegotiations == [200, 200, 200])
    assert house.see_each_other(out, back)
    assert [len(call.theirs.video) for call in (out, back)] == [1, 1]
    out.hang_up()
    await house.settled()


async def test_hold_is_for_pictures_too(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    out, back = await together(house, alice, bob)
    assert out.offer_again("sendonly")
    await out.when(lambda: out.renegotiations == [200])
    assert not house.sees(out, back)
    assert out.offer_again("sendrecv")
    await out.when(lambda: out.renegotiations == [200, 200])
    assert house.see_each_other(out, back)
    # By order, without a word to either phone.
    (call,) = house.switch._calls
    house.switch.hold(call, None, True)
    assert not house.sees(out, back) and not house.sees(back, out)
    house.switch.hold(call, None, False)
    assert house.see_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_camera_that_only_shows_is_only_seen(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    back.offers.looks = "recvonly"
    back.answer()
    await out.until("up")
    assert house.sees(back, out) and not house.sees(out, back)
    out.hang_up()
    await house.settled()


async def test_several_phones_ring_and_the_one_that_answers_decides(house: SimulatedSwitch) -> None:
    alice, with_it, without = await seeing(house, "1001", "1002", "1002")
    without.sees = ()
    for winner, seen in ((without, False), (with_it, True)):
        out = alice.call("1002")
        calls = {phone: await phone.rings() for phone in (with_it, without)}
        for call in calls.values():
            call.ring()
        calls[winner].answer()
        await out.until("up")
        await calls[winner].until("up")
        assert house.hear_each_other(out, calls[winner])
        assert (house.sees(out, calls[winner]), house.sees(calls[winner], out)) == (seen, seen)
        out.hang_up()
        await out.until("over")
        await asyncio.sleep(1)
    await house.settled()


async def test_early_pictures_are_seen_before_the_answer(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring(early_media=True)
    await out.until("ringing")
    assert house.see_each_other(out, back)
    back.answer()
    await out.until("up")
    assert house.see_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_caller_without_an_offer_may_see_what_it_is_offered(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    out = alice.call("1002", offer=False)
    back = await taken(bob)
    await out.until("up")
    assert house.hear_each_other(out, back)
    assert house.see_each_other(out, back)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("target_sees", [True, False], ids=["to video", "to sound only"])
async def test_a_transfer_takes_video_along_where_the_target_has_it(house: SimulatedSwitch, target_sees: bool) -> None:
    alice, bob, carol = await seeing(house, "1001", "1002", "1003")
    if not target_sees:
        carol.sees = ()
    out, back = await together(house, alice, bob)
    back.refer("1003")
    third = await taken(carol)
    await back.until("over")
    await asyncio.sleep(2)
    assert house.hear_each_other(out, third)
    assert (house.sees(out, third), house.sees(third, out)) == (target_sees, target_sees)
    third.hang_up()
    await out.until("over")
    await house.settled()


async def test_a_call_of_sound_gets_video_when_it_is_transferred_to_a_phone_that_has_it(
    house: SimulatedSwitch,
) -> None:
    """The two who have it find each other, although neither called the other."""
    alice, bob, carol = await seeing(house, "1001", "1002", "1003")
    bob.sees = ()
    out, back = await together(house, alice, bob)
    assert not house.sees(out, back)
    back.refer("1003")
    third = await taken(carol)
    await back.until("over")
    await asyncio.sleep(2)
    assert house.see_each_other(out, third)
    third.hang_up()
    await out.until("over")
    await house.settled()


async def test_a_wish_for_a_whole_picture_passes_as_each_party_understands_it(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    alice.sees = (PICTURE._replace(feedback=()),)
    out, back = await together(house, alice, bob)
    # Both may say it by RTCP to us, whatever the other one takes: of alice's offer that is left out, as it must be.
    assert (out.theirs.video[0].feedback, back.theirs.video[0].feedback) == ((), ("nack pli", "ccm fir"))
    out.want_picture()  # by INFO; bob is asked by RTCP
    await asyncio.sleep(1)
    (line,) = house.media.refreshed
    assert (out.pictures_wanted, back.pictures_wanted) == (0, 0)
    # Bob's wish comes by RTCP, and alice is asked by INFO.
    house.switch.key_frame_wanted(line)
    await out.when(lambda: out.pictures_wanted == 1)
    assert back.pictures_wanted == 0
    out.hang_up()
    await house.settled()
    house.switch.key_frame_wanted(line)  # it comes too late


async def test_without_rtcp_a_wish_goes_on_as_info(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002", sees=(PICTURE._replace(feedback=()),))
    out, back = await together(house, alice, bob)
    out.want_picture()
    await back.when(lambda: back.pictures_wanted == 1)
    out.hang_up()
    await house.settled()


async def test_the_echo_shows_a_caller_itself(house: SimulatedSwitch) -> None:
    (alice,) = await seeing(house, "1001")
    out = alice.call("9196")
    await out.until("up")
    await asyncio.sleep(1)
    assert house.hears_itself(out) and house.sees(out, out)
    (line,) = out.theirs.video
    assert line.formats[0][1] == "H264/90000" and "packetization-mode=1" in line.formats[0][2]
    out.offers.shows = False
    assert out.offer_again()
    await out.when(lambda: out.renegotiations == [200])
    assert not house.sees(out, out) and house.hears_itself(out)
    out.offers.shows = True
    assert out.offer_again()
    await out.when(lambda: out.renegotiations == [200, 200])
    assert house.sees(out, out)
    out.hang_up()
    await house.settled()


async def test_what_has_nothing_to_show_answers_sound_only(house: SimulatedSwitch) -> None:
    (alice,) = await seeing(house, "1001")
    out = alice.call("9197")
    await out.until("up")
    assert [line.port for line in out.theirs.video] == [0]
    out.hang_up()
    await house.settled()


async def test_when_no_port_is_left_for_pictures_the_sound_goes_on(house: SimulatedSwitch) -> None:
    alice, bob = await seeing(house, "1001", "1002")
    house.media._free = house.media._free[:2]
    out, back = await together(house, alice, bob)
    assert not house.sees(out, back)
    out.hang_up()
    await house.settled()


# The switch is killed --------------------------------------------------------------------------------------


async def mortal(house_has_pictures: bool) -> tuple[SimulatedSwitch, PhoneCall, PhoneCall]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    house = SimulatedSwitch(loop, journal=True)
    house.media.forgets_video = not house_has_pictures
    alice, bob = await seeing(house, "1001", "1002")
    out, back = await together(house, alice, bob)
    await asyncio.sleep(1)
    house.die()
    await asyncio.sleep(2)
    assert house.rise() == 1
    return house, out, back


async def test_a_call_with_video_goes_on_after_a_restart() -> None:
    house, out, back = await mortal(True)
    assert house.see_each_other(out, back) and house.hear_each_other(out, back)
    assert out.offer_again("sendonly")
    await out.when(lambda: out.renegotiations == [200])
    assert not house.sees(out, back)
    out.hang_up()
    await house.settled()


async def test_where_the_pictures_are_gone_the_parties_are_told_and_talk_on() -> None:
    house, out, back = await mortal(False)
    await asyncio.sleep(5)
    assert [line.port for call in (out, back) for line in call.theirs.video] == [0, 0]
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


# Who may have it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1001", "1002"], ids=["the caller", "the called"])
async def test_an_account_that_may_have_no_video_talks_without(house: SimulatedSwitch, number: str) -> None:
    directory = house.features.directory
    account = directory._accounts[number]
    directory._accounts[number] = structs.replace(account, origin=structs.replace(account.origin, video=False))
    alice, bob = await seeing(house, "1001", "1002")
    out, back = await together(house, alice, bob)
    assert not house.sees(out, back) and not house.sees(back, out)
    assert house.media.open_lines == {}
    if number == "1002":
        assert back.theirs.video == ()
    for call in (out, back):
        assert call.offer_again()
        await call.when(partial(renegotiated, call))
        assert [line.port for line in call.theirs.video] == [0]
    out.hang_up()
    await house.settled()


async def test_who_has_no_pictures_and_is_sent_to_the_echo_is_asked_for_none(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await together(house, alice, bob)
    out.refer("9196")
    await out.until("over")
    await asyncio.sleep(2)
    assert house.media.doing[house.leg_of(back)] == "echo"
    assert back.theirs.media == 1 and back.state == "up"
    back.hang_up()
    await house.settled()
