"""Session timers (RFC 4028), as stories: whoever refreshes, a call whose far end has vanished ends."""

import pytest

from gateways._native import SipRequest, SipResponse
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.signals import Answer, Ended, Offer, OfferAnswered
from softswitch.kernel.cause import Cause
from tests.support.ua_story import CALLER, ON_HOLD, OURS, US, Story, sdp

TIMED = ("Supported: timer", "Session-Expires: 600;refresher=uac", "Allow: INVITE, ACK, BYE, UPDATE")
LEAST = UserAgentSettings(host=US.host, min_session_expires=200)


def called(story: Story, *headers: str) -> SipResponse:
    """They call with these headers, and talk: gives our 200."""
    story.calls(headers=headers)
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("ACK", answer, 1)
    story.said()
    story.switch.signals.clear()
    return answer


def calling(story: Story, *headers: str) -> SipRequest:
    """We call, and their 200 has these headers: gives our INVITE."""
    invite = story.dials()
    story.replies(invite, 200, body=sdp(), headers=headers)
    story.only_request("ACK")
    story.switch.signals.clear()
    return invite


def test_an_invite_of_ours_asks_for_a_timer_and_a_party_that_grants_none_has_none() -> None:
    story = Story()
    invite = calling(story)
    assert invite.header("Session-Expires") == "1800" and "timer" in invite.headers("Supported")
    story.passes(10_000.0)
    assert story.lines() == [] and story.told == []


@pytest.mark.parametrize(
    ("headers", "granted"),
    [
        (TIMED, "600;refresher=uac"),
        (("Supported: timer", "Session-Expires: 600"), "600;refresher=uac"),
        (("Supported: timer", "x: 600 ; Refresher=UAS"), "600;refresher=uas"),
        (("Session-Expires: 600;refresher=uac",), "600;refresher=uas"),
        (("Supported: timer", "Session-Expires: 7200"), "1800;refresher=uac"),
        (("Supported: timer", "Session-Expires: 7200", "Min-SE: 3600"), "3600;refresher=uac"),
    ],
)
def test_a_caller_is_granted_what_table_2_allows(headers: tuple[str, ...], granted: str) -> None:
    answer = called(Story(), *headers)
    assert answer.header("Session-Expires") == granted
    assert (answer.header("Require") == "timer") == ("Supported: timer" in headers)


def test_an_interval_too_brief_meets_422_and_the_least_that_is_allowed() -> None:
    story = Story(LEAST)
    story.hears(story.request("INVITE", body=sdp(), headers=("Supported: timer", "Session-Expires: 199")))
    refusal = story.only_response(422)
    assert refusal.header("Min-SE") == "200" and story.switch.incoming_calls == []
    # A proxy put it there, and the caller would not understand a 422: it gets no timer.
    assert called(Story(LEAST), "Session-Expires: 199").header("Session-Expires") is None


def test_a_session_expires_that_is_no_number_is_a_bad_request() -> None:
    for value in ("soon", "-1", "0", "99999999999999999999"):
        story = Story()
        story.hears(story.request("INVITE", body=sdp(), headers=(f"Session-Expires: {value}",)))
        story.only_response(400)


def test_our_call_is_placed_again_with_the_interval_that_a_422_names_and_only_once() -> None:
    story = Story()
    first = story.dials()
    story.replies(first, 422, headers=("Min-SE: 3600",))
    again = next(m for m in story.said() if isinstance(m, SipRequest) and m.method == "INVITE")
    assert again.header("Session-Expires") == "3600" and again.header("Min-SE") == "3600"
    assert again.cseq == first.cseq + 1 and again.call_id == first.call_id and again.body == first.body
    assert story.ended == []
    story.replies(again, 422, headers=("Min-SE: 7200",))
    assert [ended.status for ended in story.ended] == [422]
    assert story.is_clean()


def test_a_call_that_nobody_refreshes_ends_with_bye_and_says_why() -> None:
    story = Story()
    called(story, *TIMED)
    story.passes(600.0 - 32.0 - 0.1)
    assert story.lines() == []
    story.passes(0.2)
    bye = story.only_request("BYE")
    assert "Q.850;cause=102" in (bye.header("Reason") or "")
    assert [ended.cause for ended in story.ended] == [Cause.RECOVERY_ON_TIMER_EXPIRY]
    assert "note no session refresh came" in story.switch.ladder


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_partys_refresh_is_answered_here_and_the_switch_never_hears_of_it(method: str) -> None:
    story = Story()
    answer = called(story, *TIMED)
    for cseq in range(2, 6):
        story.passes(300.0)
        assert not [m for m in story.said() if isinstance(m, SipRequest)]
        story.in_call(method, answer, cseq, headers=TIMED, body=sdp() if method == "INVITE" else "")
        reply = story.only_response(200)
        assert reply.header("Session-Expires") == "600;refresher=uac"
        assert reply.body == (answer.body if method == "INVITE" else b"")  # not even its version has changed
        if method == "INVITE":
            story.in_call("ACK", reply, cseq)
    assert story.told == []


def test_we_refresh_by_update_where_the_party_takes_it() -> None:
    story = Story()
    calling(story, "Session-Expires: 600;refresher=uac", "Require: timer", "Allow: INVITE, UPDATE")
    for _ in range(4):
        story.passes(300.2)
        update = story.only_request("UPDATE")
        assert update.header("Session-Expires") == "600;refresher=uac" and update.body == b""
        story.replies(update, 200, headers=("Session-Expires: 600;refresher=uac",))
    assert story.told == []


def test_we_refresh_by_a_re_invite_that_repeats_what_was_agreed_where_the_party_does_not() -> None:
    story = Story()
    first = calling(story, "Session-Expires: 600;refresher=uac")
    for _ in range(4):
        story.passes(300.2)
        again = story.only_request("INVITE")
        assert again.body == first.body and again.header("Session-Expires") == "600;refresher=uac"
        story.replies(again, 200, body=sdp(), headers=("Session-Expires: 600;refresher=uac",))
        story.only_request("ACK")
    assert story.told == []


def test_an_answer_to_our_refresh_that_says_something_new_is_told() -> None:
    story = Story()
    calling(story, "Session-Expires: 600;refresher=uac")
    story.passes(300.2)
    story.replies(story.only_request("INVITE"), 200, body=sdp(31000, version=2))
    (told,) = story.told
    assert isinstance(told, OfferAnswered) and told.media is not None and told.media.address.port == 31000


def test_a_refresh_repeats_the_last_offer_that_was_accepted_not_one_that_was_refused() -> None:
    story = Story()
    first = calling(story, "Session-Expires: 600;refresher=uac")
    story.commands(Offer(ON_HOLD))
    story.replies(story.only_request("INVITE"), 488, headers=())
    story.passes(300.2)
    again = story.only_request("INVITE")
    assert again.body.partition(b"\r\nm=")[2] == first.body.partition(b"\r\nm=")[2]


@pytest.mark.parametrize("status", [481, 408])
def test_a_party_that_knows_nothing_of_the_call_any_more_ends_it(status: int) -> None:
    story = Story()
    calling(story, "Session-Expires: 600;refresher=uac", "Allow: UPDATE")
    story.passes(300.2)
    story.replies(story.only_request("UPDATE"), status)
    assert "BYE" in story.lines()
    assert [ended.cause for ended in story.ended] == [Cause.RECOVERY_ON_TIMER_EXPIRY]


def test_a_party_that_has_vanished_ends_the_call() -> None:
    for headers in (("Allow: UPDATE",), ()):
        story = Story()
        calling(story, "Session-Expires: 600;refresher=uac", *headers)
        story.passes(600.0)
        assert "BYE" in story.lines()
        assert [type(signal) for signal in story.told] == [Ended]
        assert story.is_clean()


def test_a_refresh_that_is_refused_is_tried_again_until_the_session_expires() -> None:
    story = Story()
    calling(story, "Session-Expires: 600;refresher=uac", "Allow: UPDATE")
    story.passes(300.2)
    story.replies(story.only_request("UPDATE"), 501)
    story.passes(10.2)
    again = story.only_request("INVITE")  # an UPDATE, it said, is unknown to it
    story.replies(again, 500)
    story.passes(10.2)
    story.replies(story.only_request("INVITE"), 422, headers=("Min-SE: 900",))
    story.passes(10.2)
    last = story.only_request("INVITE")
    assert last.header("Session-Expires") == "900;refresher=uac"
    assert story.told == []
    story.passes(600.0)
    assert story.ended


def test_the_switchs_own_offer_is_a_refresh_and_replaces_one_that_waits() -> None:
    story = Story()
    calling(story, "Session-Expires: 600;refresher=uac")
    story.passes(300.2)
    refresh = story.only_request("INVITE")
    story.commands(Offer(ON_HOLD))  # while the refresh is under way: next
    assert story.lines() == []
    story.replies(refresh, 200, body=sdp(), headers=("Session-Expires: 600;refresher=uac",))
    hold = story.only_request("INVITE")
    assert b"a=sendonly" in hold.body and hold.header("Session-Expires") == "600;refresher=uac"
    story.replies(hold, 491)
    story.said()
    story.passes(4.1)  # section 14.1 of RFC 3261
    hold = next(m for m in story.said() if isinstance(m, SipRequest))
    assert b"a=sendonly" in hold.body
    story.replies(hold, 200, body=sdp(direction="recvonly"), headers=("Session-Expires: 600;refresher=uac",))
    assert [type(signal) for signal in story.told] == [OfferAnswered]


def test_a_timer_ends_with_its_call() -> None:
    story = Story()
    answer = called(story, *TIMED)
    story.in_call("BYE", answer, 2)
    assert story.is_clean()
