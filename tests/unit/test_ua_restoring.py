"""Legs that one user agent has set up and another goes on with, as stories."""

import pytest

from gateways._native import SipRequest, SipResponse
from gateways.sip.ua.session_timer import Terms
from softswitch.calls.restored import RestoredLeg
from softswitch.calls.signals import (
    AcceptOffer,
    Answer,
    Answered,
    Credentials,
    HangUp,
    Offer,
    OfferAnswered,
    Offered,
    SendDigit,
    TransferAsked,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Srtp
from tests.support.ua_story import CALLER, LEG, ON_HOLD, OURS, PEER, Story, sdp


def killed(before: Story, leg: LegId) -> tuple[Story, RestoredLeg]:
    """The process dies, and another comes: what it knows of a leg is what was written down."""
    written = before.agent.remembered(leg, before.now)
    assert written is not None
    after = Story(seed=2)
    after.now = before.now
    restored = after.agent.restore(leg, written, after.now)
    after.settle()
    return after, restored


def quiet(story: Story) -> Story:
    """What is said on coming back is passed over."""
    story.said()
    return story


def called() -> tuple[Story, SipResponse]:
    story = Story()
    answer = story.talking_as_called()
    return quiet(killed(story, CALLER)[0]), answer


def calling() -> tuple[Story, SipRequest]:
    story = Story()
    invite = story.talking_as_caller()
    return quiet(killed(story, LEG)[0]), invite


def test_what_was_agreed_is_known_again() -> None:
    story = Story()
    story.talking_as_called()
    _, restored = killed(story, CALLER)
    assert restored.local == OURS
    assert restored.remote is not None
    assert restored.remote.address == ("192.0.2.9", 30000)
    assert not restored.offering


def test_a_leg_that_is_not_established_is_not_remembered() -> None:
    story = Story()
    story.calls()
    assert story.agent.remembered(CALLER, story.now) is None
    story.dials()
    assert story.agent.remembered(LEG, story.now) is None
    assert story.agent.remembered(LegId("nobody"), story.now) is None


def test_the_party_hangs_up() -> None:
    story, answer = called()
    story.in_call("BYE", answer, 2)
    assert story.lines() == ["200 BYE"]
    assert [(end.cause, end.by_party) for end in story.ended] == [(Cause.NORMAL_CLEARING, True)]
    assert story.is_clean()


def test_a_party_that_we_called_hangs_up() -> None:
    story, invite = calling()
    story.in_called("BYE", invite, 1)
    assert story.lines() == ["200 BYE"]
    assert len(story.ended) == 1
    assert story.is_clean()


def test_we_hang_up_by_a_number_far_ahead_of_what_was_written() -> None:
    story, invite = calling()
    story.commands(HangUp())
    bye = story.only_request("BYE")
    assert (bye.call_id, bye.from_tag, bye.to_tag) == (invite.call_id, invite.from_tag, "r1")
    assert bye.uri == "sip:1002@192.0.2.9:5060"
    assert bye.cseq > 100
    assert story.wire[-1][1] == PEER
    story.replies(bye, 200)
    assert story.is_clean()


def test_the_party_holds_and_the_version_of_our_description_rises() -> None:
    before = Story()
    answer = before.talking_as_called()
    story, _ = killed(before, CALLER)
    story.in_call("INVITE", answer, 2, body=sdp(direction="sendonly"))
    offered = story.told[-1]
    assert isinstance(offered, Offered) and offered.media is not None
    assert not offered.media.direction.receives
    story.commands(AcceptOffer(ON_HOLD), CALLER)
    accepted = story.only_response(200)
    first = answer.body.split(b"o=")[1].split(b"\r\n")[0].split()
    second = accepted.body.split(b"o=")[1].split(b"\r\n")[0].split()
    assert first[1] == second[1]
    assert int(second[2]) > int(first[2])
    story.in_call("ACK", answer, 2)
    story.in_call("BYE", answer, 3)
    assert story.is_clean()


def test_we_offer_and_the_party_answers() -> None:
    story, _ = calling()
    story.commands(Offer(ON_HOLD))
    invite = story.only_request("INVITE")
    story.replies(invite, 200, body=sdp(direction="recvonly"))
    ack = story.only_request("ACK")
    assert ack.cseq == invite.cseq
    assert isinstance(story.told[-1], OfferAnswered)


def test_an_offer_of_theirs_that_nobody_answered_is_taken_when_it_comes_again() -> None:
    before = Story()
    answer = before.talking_as_called()
    before.in_call("INVITE", answer, 7, body=sdp(direction="sendonly"))
    story, restored = killed(before, CALLER)
    assert restored.remote is not None and restored.remote.direction.receives, "what was not answered does not hold"
    story.in_call("INVITE", answer, 7, body=sdp(direction="sendonly"))
    assert isinstance(story.told[-1], Offered)


def test_an_offer_of_ours_that_nobody_answered_is_told() -> None:
    before = Story()
    invite = before.talking_as_caller()
    before.commands(Offer(ON_HOLD))
    again = before.only_request("INVITE")
    story, restored = killed(before, LEG)
    assert restored.offering and restored.local == OURS
    # The party may have taken it, and would go on saying so until somebody acknowledges it.
    ack = story.only_request("ACK")
    assert (ack.call_id, ack.cseq, ack.body) == (invite.call_id, again.cseq, b"")


def test_an_ack_that_was_still_due_does_not_matter() -> None:
    before = Story()
    before.calls()
    before.commands(Answer(OURS), CALLER)
    answer = before.only_response(200)
    story, restored = killed(before, CALLER)
    assert restored.local == OURS
    quiet(story)
    story.in_call("ACK", answer, 1)
    story.in_call("BYE", answer, 2)
    assert story.lines() == ["200 BYE"]
    assert story.is_clean()


def test_our_ack_goes_out_again_since_their_answer_finds_nobody() -> None:
    before = Story()
    invite = before.dials()
    before.replies(invite, 200, body=sdp())
    assert isinstance(before.told[-1], Answered)
    story, _ = killed(before, LEG)
    assert story.only_request("ACK").cseq == invite.cseq


def test_the_party_transfers() -> None:
    story, answer = called()
    story.in_call("REFER", answer, 2, headers=["Refer-To: <sip:1003@192.0.2.1>"])
    assert any(isinstance(signal, TransferAsked) and signal.target == "1003" for signal in story.told)
    assert [line for line in story.lines() if line != "NOTIFY"] == ["202 REFER"]


def test_keys_go_by_info() -> None:
    story, _ = calling()
    story.commands(SendDigit("5", 160))
    assert b"Signal=5" in story.only_request("INFO").body


def test_the_route_stays() -> None:
    before = Story()
    invite = before.dials()
    before.replies(invite, 200, body=sdp(), headers=["Record-Route: <sip:192.0.2.77;lr>", "Record-Route: <sip:p2;lr>"])
    story, _ = killed(before, LEG)
    story.commands(HangUp())
    assert story.only_request("BYE").headers("Route") == ["<sip:p2;lr>", "<sip:192.0.2.77;lr>"]


def test_a_session_timer_goes_on_where_it_was() -> None:
    before = Story()
    invite = before.dials()
    headers = ["Session-Expires: 200;refresher=uac", "Allow: INVITE, UPDATE"]
    before.replies(invite, 200, body=sdp(), headers=headers)
    before.said()
    before.passes(60)
    story, _ = killed(before, LEG)
    story.replies(story.only_request("OPTIONS"), 200, tag=None)
    story.passes(39)
    assert story.lines() == []
    story.passes(1.3)
    update = story.only_request("UPDATE")
    assert update.header("Session-Expires") == Terms(200, True).in_request()[1]
    story.replies(update, 200, headers=["Session-Expires: 200;refresher=uac"])
    story.passes(99)
    assert story.lines() == []


def test_a_refresh_that_was_due_meanwhile_is_sent_at_once() -> None:
    before = Story()
    invite = before.dials()
    before.replies(invite, 200, body=sdp(), headers=["Session-Expires: 200;refresher=uac"])
    written = before.agent.remembered(LEG, before.now)
    assert written is not None
    story = Story(seed=2)
    story.now = before.now + 110
    story.agent.restore(LEG, written, story.now)
    story.passes(0.1)
    assert story.only_request("INVITE").header("Session-Expires") == "200;refresher=uac"


def test_keys_of_encrypted_sound_stay_the_same() -> None:
    before = Story()
    invite = before.dials(srtp=Srtp.OPTIONAL)
    before.replies(invite, 200, body=sdp())
    before.said()
    crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"
    protected = sdp().replace("RTP/AVP", "RTP/SAVP") + crypto
    before.in_called("INVITE", invite, 1, body=protected)
    before.commands(AcceptOffer(OURS))
    ours = before.only_response(200).body
    before.in_called("ACK", invite, 1)
    story, restored = killed(before, LEG)
    assert restored.remote is not None and restored.remote.security is not None
    story.commands(Offer(ON_HOLD))
    key = ours.split(b"inline:")[1].split(b"\r\n")[0]
    assert key in story.only_request("INVITE").body


def test_what_is_written_shows_no_secret_in_its_form() -> None:
    """It is JSON, which whoever stores it seals: nothing of it may reach a log by a `repr`."""
    before = Story()
    invite = before.dials(credentials=Credentials("us", "very secret"))
    before.replies(invite, 200, body=sdp())
    written = before.agent.remembered(LEG, before.now)
    assert written is not None and b"very secret" in written
    session = before.agent._context.legs[LEG]
    assert "very secret" not in repr(session.dialog.auth)


def test_we_prove_ourselves_without_being_asked_again() -> None:
    before = Story()
    invite = before.dials(credentials=Credentials("us", "secret"))
    asked = 'WWW-Authenticate: Digest realm="them", nonce="n1", qop="auth", algorithm=MD5'
    before.replies(invite, 401, headers=[asked])
    again = next(m for m in before.said() if isinstance(m, SipRequest) and m.method == "INVITE")
    before.replies(again, 200, body=sdp())
    story, _ = killed(before, LEG)
    story.commands(HangUp())
    credentials = story.only_request("BYE").header("Authorization")
    assert credentials is not None and 'nonce="n1"' in credentials
    count = int(credentials.split("nc=")[1][:8], 16)
    assert count > 100
    assert 'username="us"' in credentials


def test_a_dialog_on_a_connection_that_is_gone_goes_on_by_the_one_that_the_party_makes() -> None:
    before = Story()
    before.connect(5)
    text = before.request("INVITE", body=sdp(), transport="TCP", contact="<sip:1001@192.0.2.9:5060;transport=tcp>")
    before.hears(text, transport=5)
    before.commands(Answer(OURS), CALLER)
    answer = before.only_response(200)
    story, _ = killed(before, CALLER)
    story.connect(9)
    to = answer.header("To")
    assert to is not None
    info = story.request("OPTIONS", to=to, cseq=2, transport="TCP", uri="sip:192.0.2.1:5060;transport=tcp")
    story.hears(info, transport=9)
    assert story.lines() == ["200 OPTIONS"]
    story.commands(HangUp(), CALLER)
    assert story.wire[-1][0] == 9
    story.replies(story.only_request("BYE"), 200, transport=9)
    assert story.is_clean()


def test_a_dialog_on_a_connection_that_is_gone_is_ended_over_a_new_one() -> None:
    before = Story()
    before.connect(5)
    text = before.request("INVITE", body=sdp(), transport="TCP", contact="<sip:1001@192.0.2.9:5060;transport=tcp>")
    before.hears(text, transport=5)
    before.commands(Answer(OURS), CALLER)
    story, _ = killed(before, CALLER)
    story.connect(7)
    story.commands(HangUp(), CALLER)
    assert story.wire[-1][0] == 7
    assert story.only_request("BYE").uri == "sip:1001@192.0.2.9:5060;transport=tcp"


def test_a_party_that_knows_nothing_of_it_any_more_has_ended() -> None:
    before = Story()
    before.talking_as_called()
    story, _ = killed(before, CALLER)
    asked = story.only_request("OPTIONS")
    story.replies(asked, 481, tag=None, contact=None)
    assert [(end.by_party, end.status) for end in story.ended] == [(True, 481)]
    assert story.is_clean()


@pytest.mark.parametrize("status", [200, 405, 408, 501])
def test_whatever_else_a_party_says_of_it_it_goes_on(status: int) -> None:
    before = Story()
    before.talking_as_called()
    story, _ = killed(before, CALLER)
    story.replies(story.only_request("OPTIONS"), status, tag=None, contact=None)
    assert not story.ended
    story.commands(HangUp(), CALLER)
    assert story.lines() == ["BYE"]


def test_a_leg_that_was_restored_is_restored_again() -> None:
    first = Story()
    invite = first.talking_as_caller()
    second, _ = killed(first, LEG)
    third, _ = killed(second, LEG)
    third.commands(HangUp())
    assert third.only_request("BYE").call_id == invite.call_id
