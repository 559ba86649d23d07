"""Which formats of pictures are the same, and what is answered."""

import pytest

from softswitch.calls import video_choice, video_plan
from softswitch.calls.leg import Leg, OurVideo
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, Direction, MediaDescription, VideoLine

PHONE, OURS = HostPort("192.0.2.9", 4002), HostPort("127.0.0.1", 4000)
VP8 = Codec(100, "VP8", 90000)


def h264(payload_type: int, profile: str = "", mode: int | None = None, more: str = "") -> Codec:
    said = [f"profile-level-id={profile}"] if profile else []
    said += [f"packetization-mode={mode}"] if mode is not None else []
    return Codec(payload_type, "H264", 90000, 1, ";".join([*said, *filter(None, [more])]))


def rtx(payload_type: int, of: int) -> Codec:
    return Codec(payload_type, "RTX", 90000, 1, f"apt={of}")


ABLE = (
    h264(97, "42e01f", 1, "level-asymmetry-allowed=1"),
    h264(98, "42e01f", None, "level-asymmetry-allowed=1"),
    Codec(96, "VP8", 90000),
)


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("42e01f", "constrained-baseline"),
        ("42C00D", "constrained-baseline"),
        ("4d801f", "constrained-baseline"),
        ("58C01f", "constrained-baseline"),
        ("42801f", "baseline"),
        ("", "baseline"),
        ("4d001f", "main"),
        ("640028", "high"),
        ("640c1f", "constrained-high"),
        ("xyz", "XYZ"),
    ],
)
def test_a_profile_is_read_as_rfc_6184_table_5_has_it(profile: str, name: str) -> None:
    assert video_choice.profile(h264(97, profile)) == name


def test_formats_of_h264_differ_by_mode_and_profile_and_not_by_level() -> None:
    of = h264(97, "42e01f", 1)
    assert video_choice.same_format(of, h264(120, "42e00d", 1))
    assert video_choice.same_format(of, h264(120, "42c00d", 1))
    assert not video_choice.same_format(of, h264(97, "42e01f"))
    assert not video_choice.same_format(of, h264(97, "64001f", 1))
    assert not video_choice.same_format(of, VP8)
    assert video_choice.same_format(h264(97), h264(98, "42000a", 0)), "what is not said has a meaning"


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ("42e00d", "42e00d"),  # no higher than the offer's
        ("42e028", "42e01f"),  # no higher than ours
        ("42e01f;level-asymmetry-allowed=1", "42e01f"),
        ("42e00c;level-asymmetry-allowed=1", "42e01f"),  # each its own
        ("42f00b", "42f00b"),  # level 1b, which is below 1.1
    ],
)
def test_our_answer_takes_the_level_that_the_offer_allows(offered: str, told: str) -> None:
    profile, _, more = offered.partition(";")
    (answer,) = video_choice.ours((h264(120, profile, 1, more),), ABLE)
    said = video_choice.parameters(answer)
    assert (answer.payload_type, said["profile-level-id"], said["packetization-mode"]) == (120, told, "1")
    assert said.get("level-asymmetry-allowed") == ("1" if more else None)


def test_our_answer_is_the_first_format_of_ours_that_was_offered() -> None:
    offer = (VP8, h264(120, "640028", 1), h264(121, "42e01f"), rtx(122, 121), rtx(123, 100))
    assert [codec.payload_type for codec in video_choice.ours(offer, ABLE)] == [121]
    assert [codec.payload_type for codec in video_choice.ours(offer, (*ABLE, rtx(99, 97)))] == [121, 122]
    assert [codec.payload_type for codec in video_choice.ours(offer[:2], ABLE)] == [100]
    assert video_choice.ours((h264(120, "640028", 1), rtx(121, 120)), ABLE) == ()


def test_what_was_answered_goes_back_under_the_payload_types_of_the_offer() -> None:
    offer = (h264(97, "42e01f", 1), rtx(98, 97), h264(99, "42e01f"), rtx(101, 99), VP8, rtx(102, 100))
    said = (Codec(120, "VP8", 90000), rtx(121, 120), h264(122, "42e00d", 1), rtx(123, 122))
    assert [(c.payload_type, c.name) for c in video_choice.answered(said, offer)] == [
        (100, "VP8"),
        (97, "H264"),
        (102, "RTX"),
        (98, "RTX"),
    ]
    # A profile of the answerer's own, under the payload type that it was offered; its words go back as they are.
    assert video_choice.answered((h264(97, "42801e", 1),), offer) == (h264(97, "42801e", 1),)
    assert video_choice.answered((h264(97, "42801e"),), offer[:1]) == (), "another mode cannot be read"
    assert video_choice.answered((rtx(98, 97),), offer) == ()


def line(*codecs: Codec, port: int = 4002, content: str = "") -> VideoLine:
    return VideoLine(HostPort(PHONE.host, port), codecs, content=content)


def leg_with(pictures: int, *shows: OurVideo) -> Leg:
    leg = Leg(LegId("c.1"), None, OURS)
    leg.pictures = tuple(HostPort(OURS.host, 5000 + 2 * place) for place in range(pictures))
    leg.shows = shows
    return leg


def test_lines_beyond_the_ports_are_refused_and_nothing_at_all_is_no_video() -> None:
    said = MediaDescription(PHONE, (), video=(line(VP8), line(VP8, content="slides")))
    assert [told.live for told in video_plan.offered(leg_with(1), said)] == [True, False]
    assert video_plan.offered(leg_with(0), said) == ()


def test_ours_are_told_from_each_other_by_what_is_to_be_seen() -> None:
    leg = leg_with(2, OurVideo(), OurVideo("slides", Direction.SENDONLY))
    offer = MediaDescription(PHONE, (), video=(line(VP8, content="slides"), line(VP8, content="main"), line(VP8)))
    answer = video_plan.answer_ours(leg, offer, ABLE)
    assert [(told.live, told.direction, told.content) for told in answer] == [
        (True, Direction.SENDONLY, "slides"),
        (True, Direction.SENDRECV, "main"),
        (False, Direction.INACTIVE, ""),
    ]
    # What is offered later keeps those places, and one that has ended is used again.
    leg.remote, leg.local = offer, MediaDescription(OURS, (), video=answer)
    assert [told.content for told in video_plan.offer_ours(leg, ABLE)] == ["slides", ""]
    leg.remote = MediaDescription(PHONE, (), video=(line(VP8, port=0), line(VP8, content="main")))
    leg.local = MediaDescription(OURS, (), video=(video_plan.NO_LINE, answer[1]))
    assert [(told.live, told.content) for told in video_plan.offer_ours(leg, ABLE)] == [(True, "slides"), (True, "")]
    leg.shows = ()
    assert video_plan.offer_ours(leg, ABLE) == ()
