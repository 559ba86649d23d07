"""What is refused and how: requests outside and inside dialogs."""

import pytest

from softswitch.calls.signals import (
    Answer,
    AnswerText,
    AskPicture,
    DigitPressed,
    SendDigit,
    SendText,
    TextAnswered,
    Texted,
)
from softswitch.kernel.messages import MOST_BYTES
from tests.support.ua_story import CALLER, OURS, PEER, Story, sdp


@pytest.mark.parametrize(
    ("method", "more", "status", "header"),
    [
        ("INVITE", {"max_forwards": 0}, 483, None),
        ("INVITE", {"uri": "wat:1002@192.0.2.1"}, 416, None),
        ("INVITE", {"headers": ["Require: 100rel, path, siphon"]}, 420, ("Unsupported", "siphon")),
        ("INVITE", {"headers": ["Content-Type: application/xml"], "body": "<x/>"}, 415, ("Accept", "application/sdp")),
        ("INVITE", {"headers": ["Content-Encoding: gzip"], "body": "x"}, 415, None),
        ("INVITE", {"headers": ["Accept: application/xml"]}, 406, None),
        ("INVITE", {"body": "v=0\r\nnonsense"}, 400, None),
        ("INVITE", {"body": "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n"}, 488, None),
        ("INVITE", {"contact": None}, 400, None),
        ("OPTIONS", {"headers": ["Require: nothing-we-know"]}, 420, ("Unsupported", "nothing-we-know")),
        ("FROBNICATE", {}, 501, ("Allow", "INVITE")),
        ("BYE", {}, 481, None),
        ("INFO", {}, 481, None),
        ("BYE", {"to": "<sip:1002@192.0.2.1>;tag=nobody"}, 481, None),
        ("INVITE", {"to": "<sip:1002@192.0.2.1>;tag=nobody"}, 481, None),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_status_that_says_why(
    method: str, more: dict[str, object], status: int, header: tuple[str, str] | None
) -> None:
    story = Story()
    story.hears(story.request(method, **more))  # type: ignore[arg-type]
    refusal = story.only_response(status)
    if header is not None:
        assert (refusal.headers(header[0]) or [""])[0] == header[1]
    assert story.switch.incoming_calls == []
    assert story.is_clean()


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Type: application/xml", "Content-Disposition: render; handling=optional"],
        ["Accept: application/sdp;level=1, text/plain", "Content-Type: application/sdp"],
        ["Accept: */*"],
        ["Require: path"],
    ],
)
def test_what_is_unusual_but_right_is_taken(headers: list[str]) -> None:
    story = Story()
    story.hears(story.request("INVITE", body="<x/>" if "xml" in headers[0] else sdp(), headers=headers))
    assert len(story.switch.incoming_calls) == 1


def test_options_tells_what_we_can_do() -> None:
    story = Story()
    story.hears(story.request("OPTIONS", uri="sip:192.0.2.1", max_forwards=0))
    answer = story.only_response(200)
    assert "INVITE" in answer.headers("Allow")
    assert answer.header("Accept") == "application/sdp"


def test_an_ack_for_nothing_is_passed_over() -> None:
    story = Story()
    story.hears(story.request("ACK", to="<sip:1002@192.0.2.1>;tag=nobody"))
    story.hears(story.request("ACK"))
    assert story.lines() == []


def test_the_same_invite_by_two_ways_is_one_call() -> None:
    story = Story()
    story.calls(branch="z9hG4bK-one")
    story.hears(story.request("INVITE", body=sdp(), branch="z9hG4bK-other"))
    story.only_response(482)
    assert len(story.switch.incoming_calls) == 1


def test_a_full_or_leaving_switch_says_503_and_when_to_come_back() -> None:
    story = Story()
    story.agent.refuse_new_calls()
    story.hears(story.request("INVITE", body=sdp()))
    assert 1 <= int(story.only_response(503).header("Retry-After") or "0") <= 10
    assert story.is_clean()


def test_a_stranger_within_the_dialog_is_told_that_there_is_none() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("BYE", answer, 2, from_="<sip:1001@192.0.2.9>;tag=stranger")
    story.only_response(481)
    story.in_call("BYE", answer, 2, call_id="other@peer")
    story.only_response(481)
    assert story.ended == []


def test_requests_out_of_order_get_500_and_harm_nothing() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("OPTIONS", answer, 7)
    assert story.lines() == ["200 OPTIONS"]
    story.in_call("BYE", answer, 6)
    assert story.only_response(500).header("Retry-After") is not None
    assert story.ended == []
    story.in_call("BYE", answer, 8)
    assert story.lines() == ["200 BYE"]


@pytest.mark.parametrize(
    ("body", "digit"),
    [
        ("Signal=5\r\nDuration=160\r\n", DigitPressed("5", 160)),
        ("Signal= * \r\nDuration= 90\r\n", DigitPressed("*", 90)),
        ("signal=11\n", DigitPressed("#", 100)),
        ("Signal=a", DigitPressed("A", 100)),
        ("Signal=flash", None),
        ("Signal=", None),
    ],
)
def test_a_key_pressed_by_info_is_a_digit(body: str, digit: DigitPressed | None) -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INFO", answer, 2, body=body, headers=["Content-Type: application/dtmf-relay"])
    assert story.lines() == ["200 INFO"]
    assert story.told == ([digit] if digit else [])


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        ("INFO", {}, 200),
        ("INFO", {"body": "x", "headers": ["Content-Type: application/x-unheard-of"]}, 415),
        ("INFO", {"headers": ["Info-Package: foo"]}, 469),
        ("OPTIONS", {}, 200),
        ("MESSAGE", {"body": "x" * (MOST_BYTES + 1), "headers": ["Content-Type: text/plain"]}, 413),
        ("PRACK", {}, 481),
        ("UPDATE", {}, 200),
        ("REFER", {}, 400),
        ("FROBNICATE", {}, 501),
        ("BYE", {"headers": ["Require: nothing-we-know"]}, 420),
    ],
)
def test_other_requests_inside_a_dialog_get_their_own_answers(
    method: str, more: dict[str, object], status: int
) -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call(method, answer, 2, **more)
    story.only_response(status)
    assert story.ended == []
    assert story.told == []


def test_a_message_inside_a_call_is_told_and_answered_as_the_other_party_answers_it() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("MESSAGE", answer, 2, body="hi", headers=["Content-Type: text/plain"])
    (texted,) = story.told
    assert isinstance(texted, Texted) and (texted.content_type, texted.body) == ("text/plain", b"hi")
    assert story.lines() == []
    story.commands(AnswerText(texted.reference, 202), CALLER)
    story.only_response(202)
    story.commands(AnswerText(texted.reference, 200), CALLER)  # told once
    assert story.lines() == []


def test_a_message_inside_a_call_that_nobody_answers_is_not_left_open() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("MESSAGE", answer, 2, body="hi", headers=["Content-Type: text/plain"])
    story.passes(19.0)
    assert story.lines() == []
    story.passes(2.0)
    story.only_response(408)


def test_a_message_goes_to_a_party_in_its_dialog_and_what_it_says_comes_back() -> None:
    story = Story()
    invite = story.talking_as_caller()
    story.commands(SendText(77, "text/plain", b"hi"))
    message = story.only_request("MESSAGE")
    assert message.call_id == invite.call_id and message.body == b"hi" and message.header("Contact") is None
    story.replies(message, 415, tag="r1")
    assert story.told[-1] == TextAnswered(77, 415)
    story.commands(SendText(78, "text/plain\r\nEvil: 1", b"hi"))
    assert story.told[-1] == TextAnswered(78, 400) and story.lines() == []


def test_words_and_keys_before_an_acknowledgement_harm_no_call() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    story.said()
    for command in (SendDigit("5", 100), AskPicture(), SendText(79, "text/plain", b"hi")):
        story.commands(command, CALLER)
    assert story.lines() == [] and story.told == [TextAnswered(79, 480)]


def test_a_fault_of_ours_ends_the_call_it_met_and_no_other() -> None:
    story = Story()
    answer = story.talking_as_called()

    def broken(*_: object) -> None:
        raise RuntimeError("bug")

    session = story.agent._context.legs[CALLER]
    session.exchange = broken  # type: ignore[assignment]
    story.in_call("INVITE", answer, 2, body=sdp())
    story.only_response(500)
    assert len(story.ended) == 1
    assert story.agent.gauges()["faults"] == 1
    story.hears(story.request("OPTIONS"), source=PEER)
    assert story.lines() == ["200 OPTIONS"]
