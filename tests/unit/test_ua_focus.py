"""A party in a conference sees the focus in our Contact (RFC 4579 section 5.1), however it came there."""

from softswitch.calls.signals import Answer, BecomeFocus, Offer
from tests.support.ua_story import CALLER, LEG, ON_HOLD, OURS, Story, sdp

FOCUS = "<sip:3000@192.0.2.1:5060>;isfocus"
UPDATES = "INVITE, ACK, BYE, CANCEL, UPDATE"


def test_a_caller_of_a_room_sees_the_focus_in_the_answer_and_from_then_on() -> None:
    story = Story()
    story.calls()
    story.commands(BecomeFocus("3000"), CALLER)
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    assert answer.header("Contact") == FOCUS
    story.in_call("ACK", answer, 1)
    story.commands(Offer(ON_HOLD), CALLER)
    assert story.only_request("INVITE").header("Contact") == FOCUS
    story.in_call("BYE", answer, 2)
    assert story.told


def test_who_comes_to_a_room_in_a_call_is_told_at_once_by_an_update_where_it_takes_one() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("UPDATE", answer, 2)  # who sends one takes one
    assert story.only_response(200).header("Contact") == "<sip:192.0.2.1:5060>"
    story.commands(BecomeFocus("3000"), CALLER)
    update = story.only_request("UPDATE")
    assert update.header("Contact") == FOCUS and update.body == b""
    story.replies(update, 200)
    story.commands(BecomeFocus("3000"), CALLER)
    assert story.lines() == [], "it knows already"
    story.in_call("BYE", answer, 3)
    assert story.is_clean()


def test_who_takes_no_update_is_told_by_an_offer_of_the_same() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.commands(BecomeFocus("3000"), CALLER)
    invite = story.only_request("INVITE")
    assert invite.header("Contact") == FOCUS and b"m=audio" in invite.body
    story.replies(invite, 488)
    story.said()
    story.commands(Offer(ON_HOLD), CALLER)
    again = story.only_request("INVITE")
    assert again.header("Contact") == FOCUS
    story.replies(again, 200, body=sdp(direction="recvonly", version=2))
    story.said()
    story.in_call("BYE", answer, 2)
    assert story.is_clean()


def test_a_number_that_is_none_is_escaped() -> None:
    story = Story()
    story.calls()
    story.commands(BecomeFocus("a room@x>"), CALLER)
    story.commands(Answer(OURS), CALLER)
    assert story.only_response(200).header("Contact") == "<sip:a%20room%40x%3E@192.0.2.1:5060>;isfocus"


def test_who_was_called_into_a_room_is_told_as_well() -> None:
    story = Story()
    story.talking_as_caller()
    story.commands(BecomeFocus("3000"), LEG)
    assert story.only_request("INVITE").header("Contact") == FOCUS
