"""Reliable provisional responses (RFC 3262) and UPDATE in the early dialogs that they make, as stories."""

import pytest

from gateways._native import SipRequest, SipResponse
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.signals import (
    AcceptOffer,
    Answer,
    Answered,
    HangUp,
    Offer,
    OfferAnswered,
    Offered,
    OfferRefused,
    Progressed,
    Ring,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import Direction
from tests.support.ua_story import CALLER, ON_HOLD, OURS, PEER, US, Story, sdp

RELIABLE = ("Require: 100rel", "Allow: INVITE, ACK, BYE, PRACK, UPDATE")


def number(headers: int) -> tuple[str, ...]:
    return (*RELIABLE, f"RSeq: {headers}")


# A dialled party's -------------------------------------------------------------------------------------------


def test_a_reliable_response_is_acknowledged_and_only_once() -> None:
    story = Story()
    invite = story.dials()
    assert "100rel" in invite.headers("Supported")
    story.replies(invite, 180, headers=number(7), contact="<sip:1002@192.0.2.9:5999>")
    prack = story.only_request("PRACK")
    assert prack.header("RAck") == f"7 {invite.cseq} INVITE" and prack.uri == "sip:1002@192.0.2.9:5999"
    assert prack.cseq == invite.cseq + 1 and prack.header("To") == f"{invite.header('To')};tag=r1"
    story.replies(invite, 180, headers=number(7))
    assert story.lines() == []
    assert story.told == [Progressed(True)]


def test_responses_out_of_order_are_passed_over_until_their_turn() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, headers=number(1))
    story.replies(invite, 180, headers=number(3))
    assert [m.header("RAck") for m in story.said() if isinstance(m, SipRequest)] == [f"1 {invite.cseq} INVITE"]
    assert story.told == []
    story.replies(invite, 183, headers=number(2), body=sdp())
    story.replies(invite, 180, headers=number(3))
    assert story.lines() == ["PRACK", "PRACK"]
    assert [type(signal) for signal in story.told] == [Progressed, Progressed]


@pytest.mark.parametrize("rseq", ["x", "-1", "99999999999", ""])
def test_an_rseq_that_is_no_number_is_passed_over(rseq: str) -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 180, headers=(*RELIABLE, f"RSeq: {rseq}"))
    assert "PRACK" not in story.lines()
    story.replies(invite, 486)
    assert story.is_clean()


def test_a_reliable_answer_is_the_answer_whatever_the_2xx_says() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, headers=number(1), body=sdp(30000))
    story.replies(invite, 200, body=sdp(39999))
    answered = story.told[-1]
    assert isinstance(answered, Answered) and answered.media is not None and answered.media.address.port == 30000


def test_every_branch_of_a_fork_is_acknowledged_in_its_own_dialog_and_any_may_answer() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, headers=number(1), body=sdp(30000), tag="one")
    story.replies(invite, 180, headers=number(9), tag="two", contact="<sip:two@192.0.2.9:5060>")
    first, second = (m for m in story.said() if isinstance(m, SipRequest))
    assert first.to_tag == "one" and second.to_tag == "two" and second.uri == "sip:two@192.0.2.9:5060"
    assert second.header("RAck") == f"9 {invite.cseq} INVITE"
    story.replies(invite, 200, body=sdp(30002), tag="two")
    assert story.only_request("ACK").to_tag == "two"
    answered = story.told[-1]
    assert isinstance(answered, Answered) and answered.media is not None and answered.media.address.port == 30002
    story.in_called("BYE", invite, 1, tag="two")
    assert story.is_clean()


def test_a_2xx_that_crosses_our_cancel_is_cleared_in_the_early_dialog_too() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, headers=number(1), body=sdp())
    story.replies(story.only_request("PRACK"), 200)
    story.commands(HangUp())
    assert story.lines() == ["CANCEL"]
    story.replies(invite, 200, body=sdp())
    ack, bye = (m for m in story.said() if isinstance(m, SipRequest))
    assert (ack.method, bye.method) == ("ACK", "BYE") and bye.cseq > invite.cseq + 1
    story.replies(bye, 200)
    assert story.is_clean()


def test_a_late_offer_leaves_no_room_for_reliable_ones() -> None:
    assert "100rel" not in Story().dials(None).headers("Supported")


def test_update_works_both_ways_before_the_answer() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, headers=number(1), body=sdp())
    story.replies(story.only_request("PRACK"), 200)
    story.switch.signals.clear()
    story.commands(Offer(ON_HOLD))
    update = story.only_request("UPDATE")
    assert b"a=sendonly" in update.body
    story.replies(update, 200, body=sdp(30004, direction="recvonly", version=2))
    story.in_called("UPDATE", invite, 1, body=sdp(30006, version=3))
    first, second = story.told
    assert isinstance(first, OfferAnswered)
    assert isinstance(second, Offered) and second.at_once
    story.commands(AcceptOffer(OURS))
    story.only_response(200)
    # A 2xx without a description: what was agreed last holds.
    story.replies(invite, 200)
    answered = story.told[-1]
    assert isinstance(answered, Answered) and answered.media is not None and answered.media.address.port == 30006


def test_an_early_offer_to_a_party_that_cannot_take_one_is_refused_at_once() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, body=sdp())
    story.commands(Offer(ON_HOLD))
    refused = story.told[-1]
    assert isinstance(refused, OfferRefused) and refused.status == 491
    story.replies(invite, 486)
    assert story.is_clean()


# To a caller -------------------------------------------------------------------------------------------------


def reliably(story: Story, *commands: Ring, headers: tuple[str, ...] = RELIABLE, body: str | None = None) -> SipRequest:
    """They call, require reliable responses, and hear these: gives their INVITE."""
    invite = story.calls(body, headers=headers)
    for command in commands:
        story.commands(command, CALLER)
    return invite


def acknowledges(story: Story, response: SipResponse, cseq: int, body: str = "", *, rack: str | None = None) -> None:
    rack = rack or f"{response.header('RSeq')} 1 INVITE"
    story.in_call("PRACK", response, cseq, headers=(f"RAck: {rack}",), body=body)


def test_a_caller_who_requires_it_hears_again_until_it_acknowledges() -> None:
    story = Story()
    reliably(story, Ring())
    ringing = story.only_response(180)
    assert ringing.header("Require") == "100rel" and int(ringing.header("RSeq") or "0") > 0
    story.passes(3.6)
    assert story.lines() == ["180 INVITE"] * 3  # after 0.5, 1.5 and 3.5 seconds
    acknowledges(story, ringing, 2)
    assert story.lines() == ["200 PRACK"]
    story.passes(30.0)
    assert story.lines() == []


def test_who_only_supports_it_hears_reliably_where_we_like_it_too() -> None:
    supports = ("Supported: 100rel",)
    story = Story()
    reliably(story, Ring(), headers=supports)
    assert story.only_response(180).header("RSeq") is None
    story = Story(UserAgentSettings(host=US.host, prefer_reliable=True))
    reliably(story, Ring(), headers=supports)
    assert story.only_response(180).header("RSeq") is not None


def test_without_an_acknowledgement_in_64_t1_the_call_is_refused() -> None:
    story = Story()
    reliably(story, Ring())
    story.passes(32.5)
    assert story.lines()[-1] == "504 INVITE"
    assert [ended.cause for ended in story.ended] == [Cause.RECOVERY_ON_TIMER_EXPIRY]
    assert story.is_clean()


def test_a_stray_prack_meets_481() -> None:
    story = Story()
    reliably(story, Ring())
    ringing = story.only_response(180)
    rseq = int(ringing.header("RSeq") or "0")
    for cseq, rack in enumerate((f"{rseq + 1} 1 INVITE", f"{rseq} 2 INVITE", f"{rseq} 1 UPDATE", "x"), start=2):
        acknowledges(story, ringing, cseq, rack=rack)
        story.only_response(481)
    acknowledges(story, ringing, 6)
    story.only_response(200)
    acknowledges(story, ringing, 7)
    story.only_response(481)  # it is acknowledged already


def test_the_second_reliable_response_waits_for_the_first_ones_acknowledgement() -> None:
    story = Story()
    reliably(story, Ring(), Ring(OURS))
    ringing = story.only_response(180)
    acknowledges(story, ringing, 2)
    progress = story.only_response(183)
    assert int(progress.header("RSeq") or "0") == int(ringing.header("RSeq") or "0") + 1


def test_no_2xx_before_the_description_in_a_provisional_response_is_acknowledged() -> None:
    story = Story()
    reliably(story, Ring(OURS))
    progress = story.only_response(183)
    assert progress.body
    story.commands(Answer(OURS), CALLER)
    assert story.lines() == []
    acknowledges(story, progress, 2)
    assert [m.status for m in story.said() if isinstance(m, SipResponse)] == [200, 200]
    story.in_call("ACK", progress, 1)
    story.in_call("BYE", progress, 3)
    assert story.is_clean()


def test_an_answer_given_reliably_is_not_given_again_and_another_becomes_an_offer() -> None:
    story = Story()
    reliably(story, Ring(OURS))
    progress = story.only_response(183)
    acknowledges(story, progress, 2)
    story.said()
    story.commands(Answer(ON_HOLD), CALLER)
    answer = story.only_response(200)
    assert answer.body == b"" and answer.header("Content-Type") is None
    story.in_call("ACK", answer, 1)
    assert b"a=sendonly" in story.only_request("INVITE").body


def test_a_2xx_goes_out_beside_a_response_without_a_description_and_its_late_prack_is_taken() -> None:
    story = Story()
    reliably(story, Ring())
    ringing = story.only_response(180)
    story.commands(Answer(OURS), CALLER)
    assert story.only_response(200).body
    acknowledges(story, ringing, 2)
    story.only_response(200)
    story.passes(3.0)
    assert "180 INVITE" not in story.lines()


def test_an_offer_in_the_prack_is_answered_in_its_response() -> None:
    story = Story()
    reliably(story, Ring(OURS))
    progress = story.only_response(183)
    acknowledges(story, progress, 2, sdp(30008, direction="sendonly", version=2))
    offered = story.told[-1]
    assert isinstance(offered, Offered) and offered.media is not None
    assert offered.media.direction is Direction.SENDONLY
    story.commands(AcceptOffer(OURS), CALLER)
    reply = story.only_response(200)
    assert reply.method == "PRACK" and b"a=recvonly" in reply.body


def test_a_caller_may_update_once_it_has_its_answer_and_not_before() -> None:
    story = Story()
    reliably(story, Ring(OURS))
    progress = story.only_response(183)
    story.in_call("UPDATE", progress, 2, body=sdp(30008, version=2))
    story.only_response(500)
    acknowledges(story, progress, 3)
    story.said()
    story.in_call("UPDATE", progress, 4, body=sdp(30008, version=2))
    story.commands(AcceptOffer(OURS), CALLER)
    assert story.only_response(200).body
    story.commands(Offer(ON_HOLD), CALLER)  # and the other way round
    story.replies(story.only_request("UPDATE"), 200, body=sdp(30008, direction="recvonly", version=3))
    assert isinstance(story.told[-1], OfferAnswered)
    story.commands(HangUp(Cause.USER_BUSY), CALLER)
    story.only_response(486)
    assert story.is_clean()


def test_a_caller_who_offers_nothing_and_requires_it_is_not_told_of_ringing_at_all() -> None:
    """RFC 3262 section 5: the first reliable response would have to hold our offer, and nobody has made one."""
    story = Story()
    reliably(story, Ring(), body="")
    assert story.lines() == []
    story.commands(Answer(OURS), CALLER)
    assert story.only_response(200).body


def test_a_cancel_during_a_reliable_response_ends_everything() -> None:
    story = Story()
    invite = reliably(story, Ring(OURS))
    story.said()
    story.commands(Answer(OURS), CALLER)  # waits for the PRACK
    story.cancels(invite)
    assert sorted(story.lines()) == ["200 CANCEL", "487 INVITE"]
    assert len(story.ended) == 1 and PEER
    assert story.is_clean()
