"""Video lines in descriptions, as stories of both kinds of leg: their places, the policies, the keys."""

import base64

import pytest
from msgspec import json, structs

from gateways._native import SessionDescription, SipResponse
from gateways.sip.ua.sdp import LocalDescription, LocalRecord
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.signals import (
    AcceptOffer,
    Answer,
    Answered,
    Incoming,
    LegSignal,
    Offer,
    OfferAnswered,
    Offered,
    OfferRefused,
)
from softswitch.kernel.address import HostPort
from softswitch.kernel.media import (
    PLAIN,
    Codec,
    Direction,
    FloorLine,
    MediaDescription,
    Security,
    Srtp,
    SrtpKey,
    VideoLine,
)
from tests.support.ua_story import CALLER, OURS, US, Story

IN_CLEAR = UserAgentSettings(host=US.host, srtp_keys_in_clear=True)
KEY = bytes(range(30))
CRYPTO = f"a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{base64.b64encode(KEY).decode()}"
H264 = "a=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f;packetization-mode=1"
CODEC = Codec(97, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1")
PICTURES = VideoLine(HostPort("192.0.2.1", 41000), (CODEC,), feedback=("nack pli",))
SEEN = structs.replace(OURS, video=(PICTURES,))


def description(*media: str, version: int = 1) -> str:
    """A peer's: the m-lines as they are given."""
    head = ["v=0", f"o=peer 1 {version} IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0"]
    return "\r\n".join((*head, *media, ""))


AUDIO = "m=audio 30000 RTP/AVP 0 8"
VIDEO = f"m=video 30002 RTP/AVP 97\r\n{H264}\r\na=rtcp-fb:97 nack pli\r\na=content:main"
SLIDES = f"m=video 30004 RTP/AVP 97\r\n{H264}\r\na=content:slides"
FLOOR = "m=application 30010 UDP/BFCP *"
NO_VIDEO = "m=video 0 RTP/AVP 97"


def lines(body: bytes) -> list[tuple[str, bool]]:
    """The types of the m-lines, and whether each is taken."""
    return [(kind, port != 0) for kind, port, _ in SessionDescription.parse(body).media]


def said(signal: LegSignal | Incoming) -> MediaDescription:
    media = signal.offer if isinstance(signal, Incoming) else getattr(signal, "media", None)
    assert isinstance(media, MediaDescription)
    return media


def talking(story: Story, body: str, answer: MediaDescription = SEEN) -> SipResponse:
    """A peer called, and was answered: gives our 200."""
    story.calls(body)
    story.commands(Answer(answer), CALLER)
    reply = story.only_response(200)
    story.in_call("ACK", reply, 1)
    story.said()
    story.switch.signals.clear()
    return reply


def test_the_video_of_an_offer_is_told_and_answered_in_its_place() -> None:
    story = Story()
    story.calls(description(FLOOR, VIDEO, AUDIO, SLIDES))
    (asked,) = story.switch.incoming_calls
    main, slides = said(asked).video
    assert main == VideoLine(HostPort("192.0.2.9", 30002), (CODEC,), content="main", feedback=("nack pli",))
    assert (slides.address.port, slides.content) == (30004, "slides")
    story.commands(Answer(SEEN), CALLER)
    body = story.only_response(200).body
    assert lines(body) == [("application", False), ("video", True), ("audio", True), ("video", False)]
    ((index, stream), _) = SessionDescription.parse(body).video
    assert (index, stream.host, stream.port, stream.feedback) == (1, "192.0.2.1", 41000, ("nack pli",))
    assert stream.codecs == (CODEC,)


def test_floor_control_is_answered_beside_slides_and_kept_in_later_offers() -> None:
    story = Story()
    floor = FLOOR + "\r\na=floorctrl:c-s s-only\r\na=setup:actpass"
    story.calls(description(floor, VIDEO, AUDIO, SLIDES))
    (asked,) = story.switch.incoming_calls
    assert said(asked).floor == FloorLine(HostPort("192.0.2.9", 30010), "UDP/BFCP")
    slides = structs.replace(PICTURES, content="slides", label="3")
    ours = FloorLine(HostPort("192.0.2.1", 5070), "UDP/BFCP", 4711, 2, "3")
    seen = structs.replace(OURS, video=(PICTURES, slides), floor=ours)
    story.commands(Answer(seen), CALLER)
    answer = story.only_response(200)
    assert b"m=application 5070 UDP/BFCP *\r\na=floorctrl:s-only\r\na=confid:4711\r\na=userid:2\r\n" in answer.body
    assert b"a=floorid:1 mstrm:3\r\n" in answer.body and b"a=label:3\r\n" in answer.body
    story.in_call("ACK", answer, 1)
    story.commands(Offer(structs.replace(seen, floor=None)), CALLER)
    body = story.only_request("INVITE").body
    assert lines(body) == [("application", True), ("video", True), ("audio", True), ("video", True)]


@pytest.mark.parametrize("floor", ["\r\na=floorctrl:s-only", ""])
def test_a_party_that_would_decide_itself_is_told_of_no_floor(floor: str) -> None:
    story = Story()
    story.calls(description(FLOOR + floor, VIDEO, AUDIO))
    (asked,) = story.switch.incoming_calls
    # Who does not say what it is, asks (RFC 8856 section 5.1).
    assert (said(asked).floor is None) is bool(floor)


def test_our_offer_of_video_may_be_refused_and_the_sound_goes_on() -> None:
    for answer in (description(AUDIO, NO_VIDEO), description(AUDIO)):  # the second is a careless phone's
        story = Story()
        invite = story.dials(SEEN)
        assert lines(invite.body) == [("audio", True), ("video", True)]
        story.replies(invite, 200, body=answer)
        (signal,) = [told for told in story.told if isinstance(told, Answered)]
        (line,) = said(signal).video
        assert not line.live


def test_lines_keep_their_places_in_every_later_offer() -> None:
    story = Story()
    answer = talking(story, description(FLOOR, VIDEO, AUDIO))
    # Ours: video ends, and comes back.
    for media, video in ((OURS, False), (SEEN, True)):
        story.commands(Offer(media), CALLER)
        request = story.only_request("INVITE")
        assert lines(request.body) == [("application", False), ("video", video), ("audio", True)]
        theirs = description(FLOOR.replace("30010", "0"), VIDEO if video else NO_VIDEO, AUDIO, version=3)
        story.replies(request, 200, body=theirs, tag=None)
        (signal,) = [told for told in story.told if isinstance(told, OfferAnswered)]
        assert [line.live for line in said(signal).video] == [video]
        story.said()
        story.switch.signals.clear()
    # Theirs: they end it, and add slides.
    story.in_call("INVITE", answer, 2, body=description(FLOOR, NO_VIDEO, AUDIO, SLIDES, version=4))
    (offered,) = story.told
    assert isinstance(offered, Offered)
    assert [(line.live, line.content) for line in said(offered).video] == [(False, ""), (True, "slides")]
    told = structs.replace(OURS, video=(structs.replace(PICTURES, address=HostPort("192.0.2.1", 0)), PICTURES))
    story.commands(AcceptOffer(told), CALLER)
    assert lines(story.only_response(200).body) == [
        ("application", False),
        ("video", False),
        ("audio", True),
        ("video", True),
    ]


def test_a_call_of_sound_becomes_one_of_video_and_back() -> None:
    story = Story()
    story.talking_as_caller()
    story.commands(Offer(SEEN))
    request = story.only_request("INVITE")
    assert lines(request.body) == [("audio", True), ("video", True)]
    story.replies(request, 200, body=description(AUDIO, VIDEO), tag=None)
    story.said()
    story.commands(Offer(OURS))
    # "the "m=" lines ... MUST NOT be removed" (RFC 3264 section 8)
    assert lines(story.only_request("INVITE").body) == [("audio", True), ("video", False)]


def test_what_was_refused_once_is_not_forgotten_by_a_leg_without_video() -> None:
    story = Story()
    story.talking_as_called(description("m=image 30010 udptl t38", AUDIO))
    story.commands(Offer(OURS), CALLER)
    assert lines(story.only_request("INVITE").body) == [("image", False), ("audio", True)]


def test_a_refresh_of_a_call_with_video_is_between_the_party_and_us() -> None:
    story = Story()
    answer = talking(story, description(AUDIO, VIDEO))
    story.in_call("INVITE", answer, 2, body=description(AUDIO, VIDEO))
    assert not story.told
    assert lines(story.only_response(200).body) == [("audio", True), ("video", True)]


def test_who_may_have_no_video_is_neither_told_nor_heard_of_it() -> None:
    story = Story()
    story.accounts.video = False
    story.calls(description(AUDIO, VIDEO))
    (asked,) = story.switch.incoming_calls
    assert said(asked).video == ()
    story.commands(Answer(SEEN), CALLER)
    assert lines(story.only_response(200).body) == [("audio", True), ("video", False)]
    invite = story.dials(SEEN, video=False)
    assert lines(invite.body) == [("audio", True)]


def test_each_line_has_keys_of_its_own() -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(SEEN, srtp=Srtp.REQUIRED)
    ours = SessionDescription.parse(invite.body)
    (_, pictures), sound = ours.video[0], ours.secure_audio
    assert sound is not None and pictures.secure and len(pictures.crypto) == len(sound.crypto)
    assert not {key for _, _, key, _ in pictures.crypto} & {key for _, _, key, _ in sound.crypto}
    aes = CRYPTO.replace("crypto:4", "crypto:3")
    secure = [f"{line.replace('RTP/AVP', 'RTP/SAVP')}\r\n{aes}" for line in (AUDIO, VIDEO)]
    story.replies(invite, 200, body=description(*secure))
    (signal,) = [told for told in story.told if isinstance(told, Answered)]
    security = said(signal).video[0].security
    assert security is not None and security.ours is not None and security.theirs is not None
    assert security.theirs.key == KEY
    assert security.ours.key in {key for _, _, key, _ in pictures.crypto}


def test_the_keys_of_an_offered_line_are_answered_under_its_tag() -> None:
    story = Story(IN_CLEAR)
    story.accounts.srtp = Srtp.OPTIONAL
    story.calls(description(*(f"{line.replace('RTP/AVP', 'RTP/SAVP')}\r\n{CRYPTO}" for line in (AUDIO, VIDEO))))
    (asked,) = story.switch.incoming_calls
    security = said(asked).video[0].security
    assert security is not None and security.theirs is not None and security.theirs.key == KEY
    story.commands(Answer(SEEN), CALLER)
    ((_, pictures),) = SessionDescription.parse(story.only_response(200).body).video
    assert security.ours is not None
    assert pictures.crypto == ((4, "AES_CM_128_HMAC_SHA1_80", security.ours.key, b""),)


def test_video_that_is_not_protected_as_the_policy_wants_it_is_refused_alone() -> None:
    secure_audio = f"{AUDIO.replace('RTP/AVP', 'RTP/SAVP')}\r\n{CRYPTO}"
    secure_video = f"{VIDEO.replace('RTP/AVP', 'RTP/SAVP')}\r\n{CRYPTO}"
    for policy, body in (
        (Srtp.REQUIRED, description(secure_audio, VIDEO)),
        (Srtp.OFF, description(AUDIO, secure_video)),
    ):
        story = Story(IN_CLEAR)
        story.accounts.srtp = policy
        story.calls(body)
        (asked,) = story.switch.incoming_calls
        assert [line.live for line in said(asked).video] == [False]
        story.commands(Answer(SEEN), CALLER)
        assert lines(story.only_response(200).body) == [("audio", True), ("video", False)]


def test_of_video_that_is_offered_twice_the_one_counts_that_goes_with_the_sound() -> None:
    story = Story(IN_CLEAR)
    story.accounts.srtp = Srtp.OPTIONAL
    secure = [f"{line.replace('RTP/AVP', 'RTP/SAVP')}\r\n{CRYPTO}" for line in (AUDIO, VIDEO)]
    story.calls(description(secure[0], AUDIO, secure[1], VIDEO))
    (asked,) = story.switch.incoming_calls
    (line,) = said(asked).video
    assert line.security is not None and line.security.secure
    story.commands(Answer(SEEN), CALLER)
    assert lines(story.only_response(200).body) == [
        ("audio", True),
        ("audio", False),
        ("video", True),
        ("video", False),
    ]


def test_the_words_of_another_party_are_not_passed_on_against_the_policy() -> None:
    told = Security(True, ((1, SrtpKey("AES_CM_128_HMAC_SHA1_80", KEY)),))
    story = Story(IN_CLEAR)
    invite = story.dials(structs.replace(OURS, video=(structs.replace(PICTURES, security=told),)))
    assert lines(invite.body) == [("audio", True), ("video", False)], "its policy is to speak plain RTP"


def test_a_leg_goes_on_in_another_process_with_its_lines_in_their_places() -> None:
    local = LocalDescription(7)
    theirs = SessionDescription.parse(description(FLOOR, VIDEO, AUDIO).encode())
    assert len(local.described(theirs).video) == 1
    local.answer(theirs, SEEN)
    local.agreed = local.said
    written = json.encode(local.remembered())
    again = LocalDescription.restored(json.decode(written, type=LocalRecord), lambda count: bytes(count))
    assert lines(again.offer(SEEN)) == [("application", False), ("video", True), ("audio", True)]
    assert again.agreed == SEEN


def test_the_most_that_a_party_takes_is_passed_on() -> None:
    story = Story()
    story.calls(description(AUDIO, VIDEO.replace("a=rtpmap", "b=AS:900\r\nb=TIAS:768000\r\na=rtpmap", 1)))
    (asked,) = story.switch.incoming_calls
    assert said(asked).video[0].bandwidth_kbps == 768
    limited = structs.replace(SEEN, video=(structs.replace(PICTURES, bandwidth_kbps=512),))
    story.commands(Answer(limited), CALLER)
    assert b"\r\nb=AS:512\r\nb=TIAS:512000\r\n" in story.only_response(200).body


def test_pictures_are_held_beside_the_sound() -> None:
    story = Story()
    answer = talking(story, description(AUDIO, VIDEO))
    held = description(f"{AUDIO}\r\na=sendonly", f"{VIDEO}\r\na=inactive", version=2)
    story.in_call("INVITE", answer, 2, body=held)
    (signal,) = story.told
    media = said(signal)
    assert (media.direction, media.video[0].direction) == (Direction.SENDONLY, Direction.INACTIVE)
    story.commands(AcceptOffer(SEEN), CALLER)
    ((_, stream),) = SessionDescription.parse(story.only_response(200).body).video
    assert stream.direction == "inactive"


def test_an_offer_against_which_the_sound_stands_is_refused_as_before() -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(srtp=Srtp.REQUIRED)
    secure = f"{AUDIO.replace('RTP/AVP', 'RTP/SAVP')}\r\n{CRYPTO.replace('crypto:4', 'crypto:3')}"
    story.replies(invite, 200, body=description(secure))
    story.said()
    story.switch.signals.clear()
    story.commands(Offer(structs.replace(SEEN, security=PLAIN)))
    (signal,) = story.told
    assert isinstance(signal, OfferRefused) and signal.status == 488
