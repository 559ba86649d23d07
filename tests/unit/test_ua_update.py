"""UPDATE (RFC 3311) on a leg that is up, as stories; early dialogs are in `test_ua_reliable.py`."""

from gateways._native import SipRequest
from softswitch.calls.signals import AcceptOffer, Answer, Offer, OfferAnswered, Offered, OfferRefused, RefuseOffer
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import Direction
from tests.support.ua_story import CALLER, ON_HOLD, OURS, Story, sdp

HOLD = sdp(direction="sendonly", version=2)


def test_a_partys_update_is_an_offer_that_one_response_answers() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("UPDATE", answer, 2, body=HOLD)
    (signal,) = story.told
    assert isinstance(signal, Offered) and signal.at_once and signal.media is not None
    assert signal.media.direction is Direction.SENDONLY
    story.commands(AcceptOffer(OURS), CALLER)
    reply = story.only_response(200)
    assert b"a=recvonly" in reply.body and reply.header("Contact") is not None
    story.passes(60.0)
    assert story.lines() == []  # nothing awaits an ACK
    story.in_call("UPDATE", answer, 3, body=sdp(version=3))
    story.commands(RefuseOffer(Cause.INCOMPATIBLE_DESTINATION), CALLER)
    story.only_response(488)
    story.in_call("BYE", answer, 4)
    assert story.is_clean()


def test_an_update_without_an_offer_only_tells_where_the_party_is_now() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("UPDATE", answer, 2, contact="<sip:1001@192.0.2.9:5999>")
    assert story.only_response(200).body == b""
    story.commands(Offer(ON_HOLD), CALLER)
    assert story.only_request("INVITE").uri == "sip:1001@192.0.2.9:5999"
    assert story.told == []


def test_offers_that_meet_are_refused_as_section_5_2_says() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.commands(Offer(ON_HOLD), CALLER)
    ours = story.only_request("INVITE")
    story.in_call("UPDATE", answer, 2, body=HOLD)
    story.only_response(491)
    story.replies(ours, 200, body=sdp(direction="recvonly", version=2))
    story.said()
    story.in_call("UPDATE", answer, 3, body=sdp(version=3))
    story.in_call("UPDATE", answer, 4, body=sdp(version=4))
    assert 0 <= int(story.only_response(500).header("Retry-After") or "-1") <= 10


def test_an_update_that_overtakes_the_ack_of_our_2xx_comes_again_later() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("UPDATE", answer, 2, body=HOLD)
    story.commands(AcceptOffer(OURS), CALLER)
    assert b"a=recvonly" in story.only_response(200).body
    story.in_call("ACK", answer, 1)
    story.in_call("INVITE", answer, 3, body=sdp(version=3))
    story.commands(AcceptOffer(OURS), CALLER)
    story.only_response(200)
    story.in_call("UPDATE", answer, 4, body=HOLD)
    story.only_response(500)


def test_an_offer_that_cannot_wait_goes_by_update_to_a_party_that_takes_it() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.commands(Offer(ON_HOLD, at_once=True), CALLER)
    story.replies(story.only_request("INVITE"), 200, body=sdp(direction="recvonly", version=2))
    story.said()
    story.in_call("UPDATE", answer, 2)  # who sends one takes one
    story.said()
    story.commands(Offer(OURS, at_once=True), CALLER)
    update = story.only_request("UPDATE")
    assert b"a=sendrecv" in update.body
    story.replies(update, 200, body=sdp(version=3))
    assert story.lines() == []  # no ACK
    story.commands(Offer(ON_HOLD), CALLER)  # who may take his time is asked by INVITE (section 5.1)
    assert story.lines() == ["INVITE"]
    assert [type(signal) for signal in story.told] == [OfferAnswered, OfferAnswered]


def test_an_update_of_ours_that_is_refused_changes_nothing() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("UPDATE", answer, 2)
    story.said()
    story.commands(Offer(ON_HOLD, at_once=True), CALLER)
    story.replies(story.only_request("UPDATE"), 488)
    (refused,) = story.told
    assert isinstance(refused, OfferRefused) and refused.status == 488
    story.in_call("BYE", answer, 3)
    assert story.is_clean()


def test_an_update_that_is_open_when_the_call_ends_is_answered() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("UPDATE", answer, 2, body=HOLD)
    story.in_call("BYE", answer, 3)
    assert sorted(story.lines()) == ["200 BYE", "487 UPDATE"]
    assert story.is_clean()


def test_an_update_of_a_call_that_is_over_meets_481() -> None:
    story = Story()
    story.talking_as_caller()
    text = story.request("UPDATE", to="<sip:1002@192.0.2.1>;tag=nobody")
    story.hears(text)
    story.only_response(481)
    assert isinstance(SipRequest.parse(text.encode()), SipRequest)
