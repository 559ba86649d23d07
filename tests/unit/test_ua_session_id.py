"""Session-ID through the switch's legs (RFC 7989), how a phone is asked to ring, and what INFO carries."""

import pytest

from gateways._native import SipResponse
from softswitch.calls.signals import (
    Alert,
    Answer,
    Answered,
    AskPicture,
    DigitPressed,
    HangUp,
    Invitation,
    PictureAsked,
    Progressed,
    Ring,
    SendDigit,
    Target,
)
from softswitch.kernel.address import Party
from tests.support.ua_story import CALLER, LEG, OURS, Story, sdp

A, B = "a" * 32, "b" * 32
NIL = "0" * 32


def invites(story: Story, **more: object) -> object:
    target = Target("sip:1002@192.0.2.9:5060")
    invitation = Invitation(target, Party("1001"), Party("1002"), OURS, **more)  # type: ignore[arg-type]
    story.agent.dial(LEG, invitation, story.now)
    story.settle()
    return story.only_request("INVITE")


def test_the_callers_half_goes_to_the_party_and_the_partys_half_comes_back() -> None:
    story = Story()
    invite = invites(story, session_id=A)
    assert invite.header("Session-ID") == f"{A};remote={NIL}"  # type: ignore[attr-defined]
    story.replies(invite, 180, headers=(f"Session-ID: {B};remote={A}",))  # type: ignore[arg-type]
    story.replies(invite, 200, body=sdp(), headers=(f"Session-ID: {B};remote={A}",))  # type: ignore[arg-type]
    ringing, answered = story.told
    assert isinstance(ringing, Progressed) and isinstance(answered, Answered)
    assert ringing.session_id == answered.session_id == B
    assert story.only_request("ACK").header("Session-ID") == f"{A};remote={B}"
    story.commands(HangUp())
    assert story.only_request("BYE").header("Session-ID") == f"{A};remote={B}"


def test_a_caller_hears_the_partys_half_and_until_then_one_of_ours() -> None:
    story = Story()
    story.calls(headers=(f"Session-ID: {A.upper()};remote={NIL}",))
    assert story.switch.incoming_calls[0].session_id == A
    story.commands(Ring(), CALLER)
    made_up = (story.only_response(180).header("Session-ID") or "").partition(";")[0]
    assert len(made_up) == 32 and made_up not in (A, NIL)
    story.commands(Answer(OURS, B), CALLER)
    answer = story.only_response(200)
    assert answer.header("Session-ID") == f"{B};remote={A}"
    story.in_call("ACK", answer, 1)
    story.in_call("OPTIONS", answer, 2)
    (reply,) = story.said()
    assert isinstance(reply, SipResponse) and reply.header("Session-ID") == f"{B};remote={A}"


@pytest.mark.parametrize("value", ["", "x", NIL, "a" * 31, "g" * 32])
def test_a_session_id_that_is_none_is_passed_over(value: str) -> None:
    story = Story()
    story.calls(headers=(f"Session-ID: {value}",))
    assert story.switch.incoming_calls[0].session_id == ""
    story.commands(Ring(), CALLER)
    assert story.only_response(180).header("Session-ID") is None


def test_a_phone_is_asked_to_answer_by_itself_in_the_words_that_phones_know() -> None:
    invite = invites(Story(), alert=Alert(answer_after=0))
    assert invite.header("Call-Info") == "<sip:192.0.2.1>;answer-after=0"  # type: ignore[attr-defined]
    assert "info=alert-autoanswer;delay=0" in invite.header("Alert-Info")  # type: ignore[attr-defined]
    invite = invites(Story(), alert=Alert(ring="urn:alert:source:internal"))
    assert invite.header("Alert-Info") == "<urn:alert:source:internal>"  # type: ignore[attr-defined]
    assert invite.header("Call-Info") is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "alert"),
    [
        (("Alert-Info: <urn:alert:source:external>",), Alert(ring="urn:alert:source:external")),
        (("Alert-Info: <http://evil.example/ring.wav>",), None),
        (("Call-Info: <sip:x>;answer-after=3",), Alert(answer_after=3)),
        (("Call-Info: <sip:x>;answer-after=soon",), None),
        ((), None),
    ],
)
def test_what_a_caller_asks_for_is_read(headers: tuple[str, ...], alert: Alert | None) -> None:
    story = Story()
    story.calls(headers=headers)
    assert story.switch.incoming_calls[0].alert == alert


def test_keys_and_picture_requests_go_out_as_info_and_come_in_so() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.commands(SendDigit("5", 160), CALLER)
    info = story.only_request("INFO")
    assert info.header("Content-Type") == "application/dtmf-relay"
    assert info.body == b"Signal=5\r\nDuration=160\r\n"
    story.replies(info, 200)
    story.commands(AskPicture(), CALLER)
    asked = story.only_request("INFO")
    assert asked.header("Content-Type") == "application/media_control+xml" and b"picture_fast_update" in asked.body
    story.replies(asked, 415)
    kind = ("Content-Type: application/media_control+xml",)
    story.in_call("INFO", answer, 2, body=asked.body.decode(), headers=kind)
    story.in_call("INFO", answer, 3, body=info.body.decode(), headers=("Content-Type: application/dtmf-relay",))
    assert story.told == [PictureAsked(), DigitPressed("5", 160)]
    assert story.ended == []
