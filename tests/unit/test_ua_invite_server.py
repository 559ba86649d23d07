"""Legs that call us, as stories."""

import pytest

from softswitch.calls.signals import Answer, Confirm, Confirmed, HangUp, Incoming, Ring
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import LocalProtocolError, Rejected
from softswitch.kernel.ids import LegId
from tests.support.ua_story import CALLER, OURS, PEER, Story, sdp


def test_the_switch_hears_who_calls_whom_and_what_is_offered() -> None:
    story = Story()
    story.calls(from_='"Ann" <sip:%2B431@192.0.2.9>;tag=p1', uri="sip:9196@192.0.2.1", max_forwards=33)
    (asked,) = story.switch.incoming_calls
    assert (asked.from_, asked.to) == (Party("+431", "Ann"), Party("9196"))
    assert (asked.source, asked.hops_left) == (PEER, 33)
    assert asked.offer is not None
    assert asked.offer.address == HostPort("192.0.2.9", 30000)
    assert [codec.name for codec in asked.offer.codecs] == ["PCMU", "PCMA"]
    assert story.lines() == []


def test_a_call_rings_is_answered_acknowledged_and_ended_by_the_caller() -> None:
    story = Story()
    story.calls()
    story.commands(Ring(), CALLER)
    ringing = story.only_response(180)
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    assert answer.to_tag == ringing.to_tag != ""
    assert answer.header("Contact") == "<sip:192.0.2.1:5060>"
    assert {"replaces", "timer", "100rel"} <= set(answer.headers("Supported"))
    assert b"m=audio 40000 RTP/AVP 0 8" in answer.body
    assert story.told == []
    story.in_call("ACK", answer, 1)
    story.in_call("BYE", answer, 2)
    assert story.lines() == ["200 BYE"]
    assert story.told == [Confirmed(), *story.ended]
    (ended,) = story.ended
    assert (ended.cause, ended.by_party) == (Cause.NORMAL_CLEARING, True)
    assert story.is_clean()


def test_we_end_a_call_that_came_to_us() -> None:
    story = Story()
    story.talking_as_called()
    story.commands(HangUp(Cause.NORMAL_CLEARING), CALLER)
    bye = story.only_request("BYE")
    assert bye.uri == "sip:1001@192.0.2.9:5060"
    assert (bye.header("From") or "").startswith("<sip:1002@192.0.2.1>;tag=")
    assert bye.header("To") == "<sip:1001@192.0.2.9>;tag=p1"
    story.replies(bye, 200)
    assert len(story.ended) == 1
    assert story.is_clean()


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (HangUp(Cause.USER_BUSY), 486),
        (HangUp(Cause.UNALLOCATED_NUMBER), 404),
        (HangUp(Cause.NORMAL_CLEARING, 603), 603),
        (HangUp(Cause.NORMAL_CLEARING, 200), 480),
        (HangUp(Cause.SWITCH_CONGESTION), 503),
    ],
)
def test_hanging_up_before_the_answer_refuses_by_status_or_cause(command: HangUp, status: int) -> None:
    story = Story()
    story.calls()
    story.commands(command, CALLER)
    refusal = story.only_response(status)
    assert refusal.header("Retry-After") == ("5" if status == 503 else None)
    (ended,) = story.ended
    assert (ended.cause, ended.by_party, ended.status) == (command.cause, False, status)
    story.in_call("ACK", refusal, 1)
    story.commands(HangUp(), CALLER)
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_refusal_that_is_never_acknowledged_leaves_nothing_behind() -> None:
    story = Story()
    story.calls()
    story.commands(HangUp(Cause.USER_BUSY), CALLER)
    assert story.is_clean()
    assert len(story.ended) == 1


def test_ringing_twice_says_it_once_and_reminds_after_a_minute() -> None:
    story = Story()
    story.calls()
    story.commands(Ring(), CALLER)
    story.commands(Ring(), CALLER)
    assert story.lines() == ["180 INVITE"]
    story.passes(125.0)
    assert story.lines() == ["180 INVITE", "180 INVITE"]


def test_early_media_is_an_answer_in_a_183_that_a_later_ring_does_not_drown() -> None:
    story = Story()
    story.calls()
    story.commands(Ring(), CALLER)
    story.commands(Ring(OURS), CALLER)
    _, early = story.said()
    assert early.status == 183  # type: ignore[union-attr]
    assert b"m=audio 40000" in early.body
    story.commands(Ring(), CALLER)
    assert story.lines() == []
    story.commands(Answer(OURS), CALLER)
    assert story.only_response(200).body == early.body


def test_a_cancelled_call_gets_487_and_ends_by_the_party() -> None:
    story = Story()
    invite = story.calls()
    story.commands(Ring(), CALLER)
    story.said()
    story.cancels(invite)
    assert sorted(story.lines()) == ["200 CANCEL", "487 INVITE"]
    (ended,) = story.ended
    assert (ended.cause, ended.by_party, ended.status) == (Cause.NORMAL_CLEARING, True, 487)
    # The switch had the answer on its lips: a race, and not its mistake.
    story.commands(Answer(OURS), CALLER)
    story.commands(HangUp(), CALLER)
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_cancel_that_comes_after_the_answer_changes_nothing() -> None:
    story = Story()
    invite = story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.cancels(invite)
    assert story.ended == []
    story.in_call("ACK", answer, 1)
    story.in_call("BYE", answer, 2)
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_bye_on_the_early_dialog_ends_the_call() -> None:
    story = Story()
    story.calls()
    story.commands(Ring(), CALLER)
    ringing = story.only_response(180)
    story.in_call("BYE", ringing, 2)
    assert sorted(story.lines()) == ["200 BYE", "487 INVITE"]
    assert len(story.ended) == 1
    assert story.is_clean()


# The ACK -----------------------------------------------------------------------------------------------------


def test_a_2xx_is_sent_again_at_growing_intervals_until_its_ack() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    times = []
    for _ in range(200):
        story.passes(0.1)
        times += [round(story.now - 1000.0, 1)] * len(story.said())
        if story.now > 1014.0:
            break
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5]
    story.in_call("ACK", answer, 1)
    story.in_call("ACK", answer, 1)
    story.passes(60.0)
    assert story.lines() == []
    assert story.told == [Confirmed()]


def test_without_an_ack_the_call_is_ended_by_bye_after_64_t1() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    story.passes(31.9)
    assert story.ended == []
    story.said()
    story.passes(0.2)
    assert "BYE" in story.lines()
    (ended,) = story.ended
    assert (ended.cause, ended.by_party) == (Cause.RECOVERY_ON_TIMER_EXPIRY, False)
    assert story.is_clean()


def test_hanging_up_before_the_ack_waits_for_it_with_the_bye() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.commands(HangUp(Cause.USER_BUSY), CALLER)
    assert len(story.ended) == 1
    assert story.lines() == []
    story.passes(0.6)
    assert story.lines() == ["200 INVITE"]
    story.in_call("ACK", answer, 1)
    assert story.only_request("BYE").header("Reason") == 'Q.850;cause=17;text="user busy"'
    assert story.is_clean()
    assert len(story.ended) == 1


def test_hanging_up_before_an_ack_that_never_comes_still_says_bye() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    story.commands(HangUp(), CALLER)
    story.passes(33.0)
    assert "BYE" in story.lines()
    assert story.is_clean()
    assert len(story.ended) == 1


def test_a_bye_that_overtakes_the_ack_ends_the_call_and_its_retransmissions() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("BYE", answer, 2)
    assert story.lines() == ["200 BYE"]
    story.in_call("ACK", answer, 1)
    story.passes(10.0)
    assert story.lines() == []
    assert len(story.ended) == 1
    assert story.is_clean()


def test_an_ack_of_another_sequence_number_is_none() -> None:
    story = Story()
    story.calls()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("ACK", answer, 5)
    assert story.told == []
    story.in_call("ACK", answer, 1)
    assert story.told == [Confirmed()]


# Late offer --------------------------------------------------------------------------------------------------


def test_a_caller_without_an_offer_gets_ours_and_answers_in_its_ack() -> None:
    story = Story()
    story.calls("")
    assert story.switch.incoming_calls[0].offer is None
    story.commands(Ring(OURS), CALLER)  # it has offered nothing that early media could answer
    assert story.lines() == []
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    assert b"m=audio 40000" in answer.body
    story.in_call("ACK", answer, 1, body=sdp(30010))
    (confirmed,) = story.told
    assert isinstance(confirmed, Confirmed) and confirmed.media is not None
    assert confirmed.media.address.port == 30010


def test_a_late_offer_that_is_acknowledged_with_nonsense_ends_the_call() -> None:
    story = Story()
    story.calls("")
    story.commands(Answer(OURS), CALLER)
    story.in_call("ACK", story.only_response(200), 1, body="v=0\r\nnonsense")
    assert story.lines() == ["BYE"]
    assert [e.cause for e in story.ended] == [Cause.PROTOCOL_ERROR]
    assert story.is_clean()


def test_an_answer_without_a_common_codec_is_a_488() -> None:
    story = Story()
    story.calls(sdp(codecs="18"))
    story.commands(Answer(OURS), CALLER)
    story.only_response(488)
    assert [e.cause for e in story.ended] == [Cause.INCOMPATIBLE_DESTINATION]
    assert story.is_clean()


# The switch's side -------------------------------------------------------------------------------------------


def test_what_the_state_does_not_allow_is_our_own_mistake() -> None:
    story = Story()
    story.calls()
    with pytest.raises(LocalProtocolError, match="Confirm in state offered"):
        story.commands(Confirm(OURS), CALLER)
    story.commands(Answer(OURS), CALLER)
    for command in (Ring(), Answer(OURS)):
        with pytest.raises(LocalProtocolError):
            story.commands(command, CALLER)


def test_commands_may_come_before_the_switch_has_named_the_leg() -> None:
    story = Story()

    def incoming(asked: Incoming) -> LegId:
        story.agent.command(CALLER, Ring(), story.now)
        story.agent.command(CALLER, HangUp(Cause.USER_BUSY), story.now)
        return CALLER

    story.switch.incoming = incoming  # type: ignore[method-assign,assignment]
    story.calls()
    assert story.lines() == ["180 INVITE", "486 INVITE"]
    assert story.switch.ladder == [
        "in INVITE sip:1002@192.0.2.1",
        "out 180 Ringing (INVITE)",
        "out 486 Busy Here (INVITE)",
    ]
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_switch_that_takes_no_call_refuses_it_by_cause_and_a_fault_in_it_is_a_500() -> None:
    for error, status in ((Rejected(Cause.SWITCH_CONGESTION), 503), (RuntimeError("bug"), 500)):
        story = Story()

        def incoming(asked: Incoming, error: Exception = error) -> LegId:
            raise error

        story.switch.incoming = incoming  # type: ignore[method-assign,assignment]
        story.calls()
        story.only_response(status)
        assert story.told == []
        assert story.is_clean()


def test_a_caller_whose_connection_is_cut_before_the_answer_is_gone() -> None:
    story = Story()
    story.connect(7)
    story.hears(story.request("INVITE", body=sdp(), transport="TCP"), transport=7)
    story.commands(Ring(), CALLER)
    story.agent.close_transport(7, story.now)
    story.settle()
    (ended,) = story.ended
    assert (ended.cause, ended.by_party) == (Cause.NETWORK_OUT_OF_ORDER, True)
    assert story.is_clean()


def test_record_route_is_kept_in_order_for_our_requests() -> None:
    story = Story()
    invite = story.calls(headers=["Record-Route: <sip:192.0.2.80;lr>, <sip:192.0.2.70;lr>"])
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    assert answer.headers("Record-Route") == invite.headers("Record-Route")
    story.in_call("ACK", answer, 1)
    story.commands(HangUp(), CALLER)
    bye = story.only_request("BYE")
    assert bye.headers("Route") == ["<sip:192.0.2.80;lr>", "<sip:192.0.2.70;lr>"]
    assert story.wire[-1][1] == ("192.0.2.80", 5060)


def test_a_refusal_says_why_and_a_cancel_is_asked_why() -> None:
    story = Story()
    story.calls()
    story.commands(HangUp(Cause.NO_CIRCUIT_AVAILABLE), CALLER)
    assert story.only_response(503).header("Reason") == 'Q.850;cause=34;text="no circuit available"'
    story = Story()
    invite = story.calls()
    cancel = story.request("CANCEL", uri=invite.uri, branch=invite.branch, headers=("Reason: SIP;cause=200",))
    story.hears(cancel)
    assert [ended.cause for ended in story.ended] == [Cause.ANSWERED_ELSEWHERE]


def test_a_redirection_that_is_passed_on_names_its_contacts_and_one_that_is_not_leads_nowhere() -> None:
    story = Story()
    story.calls()
    story.commands(HangUp(Cause.NUMBER_CHANGED, 301, contacts=("sip:1@192.0.2.7", "tel:+1")), CALLER)
    assert story.only_response(301).headers("Contact") == ["<sip:1@192.0.2.7>", "<tel:+1>"]
    story = Story()
    story.calls()
    story.commands(HangUp(Cause.INTERWORKING, 302), CALLER)
    assert story.only_response(480).header("Contact") is None
