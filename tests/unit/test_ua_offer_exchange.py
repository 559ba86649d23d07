"""Re-INVITE both ways, as stories."""

import pytest

from gateways._native import SipRequest, SipResponse
from softswitch.calls.signals import (
    AcceptOffer,
    Confirm,
    Confirmed,
    HangUp,
    Offer,
    OfferAnswered,
    Offered,
    OfferRefused,
    RefuseOffer,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import LocalProtocolError
from softswitch.kernel.media import Direction
from tests.support.ua_story import CALLER, ON_HOLD, OURS, Story, sdp


def offered(story: Story) -> SipRequest:
    """We have called, talk, and offer hold: gives the re-INVITE."""
    story.talking_as_caller()
    story.commands(Offer(ON_HOLD))
    return story.only_request("INVITE")


# Theirs ------------------------------------------------------------------------------------------------------


def test_a_party_that_holds_is_answered_as_the_switch_replies() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(direction="sendonly", version=2))
    (signal,) = story.told
    assert isinstance(signal, Offered) and signal.media is not None
    assert signal.media.direction is Direction.SENDONLY
    story.commands(AcceptOffer(OURS), CALLER)
    reply = story.only_response(200)
    assert b"a=recvonly" in reply.body
    # The same session, a later version (RFC 3264 section 8).
    before, after = (line(body, "o=").split() for body in (answer.body, reply.body))
    assert before[1] == after[1] and int(after[2]) == int(before[2]) + 1
    story.passes(0.6)
    assert story.lines() == ["200 INVITE"]
    story.in_call("ACK", reply, 2)
    story.passes(60.0)
    assert story.lines() == []
    assert len(story.told) == 1


def line(body: bytes, start: str) -> str:
    return next(line for line in body.decode().splitlines() if line.startswith(start))


def test_a_refused_offer_leaves_the_session_as_it_was() -> None:
    for command, status in (
        (RefuseOffer(Cause.INCOMPATIBLE_DESTINATION), 488),
        (RefuseOffer(Cause.TEMPORARY_FAILURE, 491), 491),
        (RefuseOffer(Cause.NORMAL_CLEARING), 488),
    ):
        story = Story()
        answer = story.talking_as_called()
        story.in_call("INVITE", answer, 2, body=sdp(30002))
        story.commands(command, CALLER)
        story.only_response(status)
        story.in_call("BYE", answer, 3)
        assert story.lines() == ["200 BYE"]
        assert story.is_clean()


def test_a_second_reinvite_before_the_first_is_answered_gets_500_and_a_time_to_wait() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(30002))
    story.in_call("INVITE", answer, 3, body=sdp(30002))
    refusal = story.only_response(500)
    assert 0 <= int(refusal.header("Retry-After") or "-1") <= 10
    story.commands(AcceptOffer(OURS), CALLER)
    assert story.only_response(200).cseq == 2


def test_a_reinvite_that_is_cancelled_gets_487_and_the_call_goes_on() -> None:
    story = Story()
    answer = story.talking_as_called()
    text = story.request("INVITE", to=answer.header("To") or "", cseq=2, uri="sip:192.0.2.1:5060", body=sdp(30002))
    story.hears(text)
    story.cancels(SipRequest.parse(text.encode()))
    assert sorted(story.lines()) == ["200 CANCEL", "487 INVITE"]
    story.commands(AcceptOffer(OURS), CALLER)  # too late: a race
    assert story.lines() == []
    assert story.ended == []
    story.in_call("INVITE", answer, 3, body=sdp(30002))
    story.commands(AcceptOffer(OURS), CALLER)
    assert story.lines() == ["200 INVITE"]


def test_a_party_may_ask_for_our_offer_and_answers_it_in_its_ack() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2)
    assert story.told == [Offered(None)]
    story.commands(AcceptOffer(OURS), CALLER)
    reply = story.only_response(200)
    assert b"m=audio 40000" in reply.body
    # While our offer awaits its answer, theirs must wait.
    story.in_call("INVITE", answer, 3, body=sdp(30002))
    story.only_response(491)
    story.in_call("ACK", reply, 2, body=sdp(30020))
    confirmed = story.told[-1]
    assert isinstance(confirmed, Confirmed) and confirmed.media is not None
    assert confirmed.media.address.port == 30020


def test_a_reinvite_that_overtakes_the_ack_is_taken_where_ours_was_the_answer() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(30002))
    story.commands(AcceptOffer(OURS), CALLER)
    story.said()
    story.in_call("INVITE", answer, 3, body=sdp(30004))
    story.commands(AcceptOffer(OURS), CALLER)
    reply = story.only_response(200)
    assert reply.cseq == 3
    story.in_call("ACK", reply, 3)
    story.passes(40.0)
    assert story.lines() == []
    assert story.ended == []


def test_a_reinvite_before_the_first_ack_confirms_the_call() -> None:
    from softswitch.calls.signals import Answer

    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("INVITE", answer, 2, body=sdp(30002))
    assert [type(signal) for signal in story.told] == [Confirmed, Offered]
    story.commands(AcceptOffer(OURS), CALLER)
    assert story.only_response(200).cseq == 2


def test_a_reinvite_whose_2xx_is_never_acknowledged_ends_the_call() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(30002))
    story.commands(AcceptOffer(OURS), CALLER)
    story.passes(33.0)
    assert "BYE" in story.lines()
    assert [e.cause for e in story.ended] == [Cause.RECOVERY_ON_TIMER_EXPIRY]
    assert story.is_clean()


def test_a_bye_while_a_reinvite_is_open_answers_both() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(30002))
    story.in_call("BYE", answer, 3)
    assert sorted(story.lines()) == ["200 BYE", "487 INVITE"]
    assert len(story.ended) == 1
    assert story.is_clean()


def test_hanging_up_instead_of_replying_answers_the_reinvite_too() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(30002))
    story.commands(HangUp(), CALLER)
    assert sorted(story.lines()) == ["487 INVITE", "BYE"]
    assert story.is_clean()


def test_a_broken_reinvite_is_refused_and_harms_nothing() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body="nonsense")
    story.only_response(400)
    story.in_call("INVITE", answer, 3, body="<x/>", headers=["Content-Type: application/xml"])
    assert story.only_response(415).header("Accept") == "application/sdp"
    story.in_call("INVITE", answer, 4, body=sdp(0))
    story.only_response(488)
    story.in_call("INVITE", answer, 5, body=sdp(30002))
    assert len(story.told) == 1


def test_a_reinvite_moves_the_target_of_our_requests() -> None:
    story = Story()
    answer = story.talking_as_called()
    story.in_call("INVITE", answer, 2, body=sdp(30002), contact="<sip:1001@192.0.2.77:5090>")
    story.commands(AcceptOffer(OURS), CALLER)
    story.in_call("ACK", story.only_response(200), 2)
    story.commands(HangUp(), CALLER)
    assert story.only_request("BYE").uri == "sip:1001@192.0.2.77:5090"
    assert story.wire[-1][1] == ("192.0.2.77", 5090)


# Ours --------------------------------------------------------------------------------------------------------


def test_an_offer_of_ours_is_answered_and_acknowledged() -> None:
    story = Story()
    invite = offered(story)
    assert invite.cseq == 2 and invite.to_tag == "r1"
    assert b"a=sendonly" in invite.body
    story.replies(invite, 200, body=sdp(direction="recvonly"))
    assert story.only_request("ACK").cseq == 2
    (signal,) = story.told
    assert isinstance(signal, OfferAnswered) and signal.media is not None
    assert signal.media.direction is Direction.RECVONLY
    story.replies(invite, 200, body=sdp(direction="recvonly"))
    assert story.only_request("ACK").cseq == 2
    assert len(story.told) == 1


@pytest.mark.parametrize(("status", "cause"), [(488, Cause.INCOMPATIBLE_DESTINATION), (503, Cause.TEMPORARY_FAILURE)])
def test_an_offer_that_is_refused_leaves_the_call_as_it_was(status: int, cause: Cause) -> None:
    story = Story()
    invite = offered(story)
    story.replies(invite, status)
    assert story.lines() == ["ACK"]
    assert story.told == [OfferRefused(cause, status)]
    story.commands(Offer(OURS))
    assert story.only_request("INVITE").cseq == 3


@pytest.mark.parametrize("status", [408, 481])
def test_an_offer_to_a_dialog_that_is_gone_ends_the_call(status: int) -> None:
    story = Story()
    story.replies(offered(story), status)
    assert story.lines() == ["ACK", "BYE"]
    assert [e.status for e in story.ended] == [status]
    assert story.is_clean()


def test_an_offer_that_is_never_answered_ends_the_call() -> None:
    story = Story()
    offered(story)
    story.passes(33.0)
    assert story.lines()[-1] == "BYE"
    assert [e.status for e in story.ended] == [408]
    assert story.is_clean()


def test_after_a_glare_the_owner_of_the_call_id_waits_longer() -> None:
    for seed in range(1, 6):
        story = Story(seed=seed)
        story.replies(offered(story), 491)
        story.said()
        story.passes(2.05)
        assert story.lines() == []
        story.passes(2.0)
        assert {again.cseq for again in story.said()} == {3}
        assert story.told == []

        story = Story(seed=seed)
        answer = story.talking_as_called()
        story.commands(Offer(ON_HOLD), CALLER)
        story.replies(story.only_request("INVITE"), 491, tag=None)
        story.said()
        story.passes(2.05)
        assert {(again.cseq, again.from_tag) for again in story.said()} == {(2, answer.to_tag)}


def test_their_reinvite_that_meets_ours_gets_491_and_both_succeed_in_turn() -> None:
    story = Story()
    invite = story.talking_as_caller()
    story.commands(Offer(ON_HOLD))
    ours = story.only_request("INVITE")
    story.in_called("INVITE", invite, 1, body=sdp(30002))
    story.only_response(491)
    story.replies(ours, 491)
    story.said()
    # Theirs comes again first; ours waits until it is done.
    story.in_called("INVITE", invite, 2, body=sdp(30002))
    story.passes(5.0)
    assert "INVITE" not in story.lines()
    story.commands(AcceptOffer(OURS))
    reply = story.only_response(200)
    text = story.request(
        "ACK",
        uri="sip:192.0.2.1:5060",
        call_id=invite.call_id,
        from_=f"{invite.header('To')};tag=r1",
        to=reply.header("To") or "",
        cseq=2,
    )
    story.hears(text)
    ours = story.only_request("INVITE")
    assert b"a=sendonly" in ours.body
    story.replies(ours, 200, body=sdp(direction="recvonly"))
    assert story.lines() == ["ACK"]
    assert [type(signal) for signal in story.told] == [Offered, OfferAnswered]


def test_we_may_ask_for_their_offer_and_answer_it_in_the_ack() -> None:
    story = Story()
    story.talking_as_caller()
    story.commands(Offer(None))
    invite = story.only_request("INVITE")
    assert invite.body == b""
    story.replies(invite, 200, body=sdp(30030))
    assert story.lines() == []
    (signal,) = story.told
    assert isinstance(signal, OfferAnswered) and signal.media is not None
    story.commands(Confirm(OURS))
    assert b"m=audio 40000" in story.only_request("ACK").body


def test_a_second_offer_before_the_first_is_answered_is_our_own_mistake() -> None:
    story = Story()
    offered(story)
    with pytest.raises(LocalProtocolError):
        story.commands(Offer(OURS))
    with pytest.raises(LocalProtocolError):
        story.commands(Confirm(OURS))


def test_an_offer_before_the_first_ack_waits_for_it() -> None:
    from softswitch.calls.signals import Answer

    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer: SipResponse = story.only_response(200)
    story.commands(Offer(ON_HOLD), CALLER)
    assert story.lines() == []
    story.in_call("ACK", answer, 1)
    assert b"a=sendonly" in story.only_request("INVITE").body


def test_hanging_up_while_our_offer_is_open_acknowledges_what_still_comes() -> None:
    story = Story()
    invite = offered(story)
    story.commands(HangUp())
    bye = story.only_request("BYE")
    story.replies(invite, 200, body=sdp())
    assert story.lines() == ["ACK"]
    story.replies(bye, 200)
    assert [type(signal).__name__ for signal in story.told] == ["Ended"]
    assert story.is_clean()


def test_hanging_up_during_the_wait_after_a_glare_sends_no_offer_any_more() -> None:
    story = Story()
    story.replies(offered(story), 491)
    story.commands(HangUp())
    story.said()
    story.passes(5.0)
    assert "INVITE" not in story.lines()
    assert story.is_clean()


def test_an_answer_to_our_offer_that_is_nonsense_ends_the_call() -> None:
    story = Story()
    story.replies(offered(story), 200, body="nonsense")
    assert story.lines() == ["ACK", "BYE"]
    assert [e.cause for e in story.ended] == [Cause.PROTOCOL_ERROR]
    assert story.is_clean()


def test_a_request_for_their_offer_that_outlives_the_call_is_still_answered_by_taking_nothing() -> None:
    story = Story()
    first = story.talking_as_caller()
    story.commands(Offer(None))
    invite = story.only_request("INVITE")
    story.in_called("BYE", first, 1)
    story.said()
    for _ in range(2):
        story.replies(invite, 200, body=sdp())
        ack = story.only_request("ACK")
        assert b"m=audio 0 RTP/AVP" in ack.body
    assert len(story.ended) == 1
    assert story.is_clean()
