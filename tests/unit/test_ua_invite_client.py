"""Legs that we call, as stories."""

from collections.abc import Callable, Sequence

import pytest
from msgspec import structs

from gateways._native import SipRequest
from gateways.sip.ua.server_location import Hop, Sought
from softswitch.calls.signals import Answered, Confirm, HangUp, Invitation, Progressed, Target
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import Codec
from tests.support.ua_story import LEG, OURS, PEER, UDP, Story, sdp

FIRST, SECOND = Hop("udp", "192.0.2.9", 5060, "phones.example"), Hop("udp", "192.0.2.10", 5070, "phones.example")


@pytest.fixture
def story() -> Story:
    return Story()


def test_an_invitation_carries_who_calls_whom_and_our_offer() -> None:
    story = Story()
    invite = story.dials(from_=Party("1001", 'Ann "A" Lee'))
    assert invite.uri == "sip:1002@192.0.2.9:5060"
    assert (invite.header("From") or "").startswith('"Ann \\"A\\" Lee" <sip:1001@192.0.2.1>;tag=')
    assert invite.header("To") == "<sip:1002@192.0.2.9>"
    assert invite.header("Contact") == "<sip:192.0.2.1:5060>"
    assert invite.header("Max-Forwards") == "70"
    assert invite.content_type == "application/sdp"
    assert b"m=audio 40000 RTP/AVP 0 8" in invite.body
    assert story.wire[-1][:2] == (1, ("192.0.2.9", 5060))


def test_a_call_that_is_answered_rings_is_acknowledged_and_ends_by_the_party() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 100, tag=None)
    story.replies(invite, 180)
    story.replies(invite, 200, body=sdp())
    ack = story.only_request("ACK")
    assert ack.uri == "sip:1002@192.0.2.9:5060"
    assert (ack.cseq, ack.to_tag, ack.from_tag) == (1, "r1", invite.from_tag)
    story.in_called("BYE", invite, 1, headers=["Reason: Q.850;cause=31"])
    assert story.lines() == ["200 BYE"]
    progressed, answered, ended = story.told
    assert progressed == Progressed(ringing=True)
    assert isinstance(answered, Answered)
    assert answered.media is not None and answered.media.address == HostPort("192.0.2.9", 30000)
    assert (ended.cause, ended.by_party) == (Cause.NORMAL_UNSPECIFIED, True)  # type: ignore[union-attr]
    assert story.is_clean()


def test_we_end_a_call_by_bye_and_the_switch_need_not_wait_for_its_response() -> None:
    story = Story()
    story.talking_as_caller()
    story.commands(HangUp(Cause.NORMAL_CLEARING))
    assert len(story.ended) == 1 and not story.ended[0].by_party
    bye = story.only_request("BYE")
    assert bye.cseq == 2
    assert bye.header("Reason") == 'Q.850;cause=16;text="normal clearing"'
    story.replies(bye, 200)
    story.commands(HangUp())
    assert story.lines() == []
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_bye_that_is_never_answered_leaves_nothing_behind() -> None:
    story = Story()
    story.talking_as_caller()
    story.commands(HangUp())
    assert story.is_clean()
    assert len(story.ended) == 1


def test_two_byes_that_cross_end_the_call_once() -> None:
    story = Story()
    invite = story.talking_as_caller()
    story.commands(HangUp())
    bye = story.only_request("BYE")
    story.in_called("BYE", invite, 1)
    assert story.lines() == ["200 BYE"]
    story.replies(bye, 481)
    assert len(story.ended) == 1
    assert story.is_clean()


def test_every_retransmitted_2xx_is_acknowledged_alike() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 200, body=sdp())
    first = story.only_request("ACK")
    for _ in range(3):
        story.replies(invite, 200, body=sdp())
        again = story.only_request("ACK")
        assert (again.uri, again.cseq, again.to_tag) == (first.uri, first.cseq, first.to_tag)
    assert len(story.told) == 1


def test_a_refusal_ends_the_leg_with_its_status_and_cause() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 486)
    assert story.lines() == ["ACK"]
    (ended,) = story.ended
    assert (ended.cause, ended.by_party, ended.status) == (Cause.USER_BUSY, True, 486)
    assert story.is_clean()


def test_a_gateway_may_name_the_cause_of_its_refusal() -> None:
    story = Story()
    story.replies(story.dials(), 503, headers=["Reason: Q.850;cause=34"])
    assert story.ended[0].cause is Cause.NO_CIRCUIT_AVAILABLE


def test_a_party_that_never_answers_at_all_is_a_time_out() -> None:
    story = Story()
    story.dials()
    story.passes(40.0)
    (ended,) = story.ended
    assert (ended.cause, ended.by_party, ended.status) == (Cause.RECOVERY_ON_TIMER_EXPIRY, False, 408)
    assert story.is_clean()


# Giving up ---------------------------------------------------------------------------------------------------


def test_hanging_up_while_it_rings_cancels_and_says_when_another_took_the_call() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 180)
    story.commands(HangUp(Cause.ANSWERED_ELSEWHERE, elsewhere=True))
    cancel = story.only_request("CANCEL")
    assert cancel.branch == invite.branch and cancel.cseq == invite.cseq
    assert cancel.header("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'
    assert [e.cause for e in story.ended] == [Cause.ANSWERED_ELSEWHERE]
    story.replies(cancel, 200)
    story.replies(invite, 487)
    assert story.lines() == ["ACK"]
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_cancel_waits_for_the_first_provisional_response() -> None:
    story = Story()
    invite = story.dials()
    story.commands(HangUp())
    assert story.lines() == []
    story.replies(invite, 100, tag=None)
    assert story.lines() == ["CANCEL"]
    story.replies(invite, 487)
    assert story.is_clean()


def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_ended() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 180)
    story.commands(HangUp())
    cancel = story.only_request("CANCEL")
    story.replies(invite, 200, body=sdp())
    ack, bye = story.said()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert bye.cseq == 2
    story.replies(cancel, 481)
    story.replies(invite, 200, body=sdp())
    assert story.lines() == ["ACK"]
    story.replies(bye, 200)  # type: ignore[arg-type]
    assert [type(s).__name__ for s in story.told] == ["Progressed", "Ended"]
    assert story.is_clean()


def test_a_late_offer_that_crosses_our_cancel_is_answered_by_taking_nothing() -> None:
    story = Story()
    invite = story.dials(None)
    story.replies(invite, 180)
    story.commands(HangUp())
    story.said()
    story.replies(invite, 200, body=sdp())
    ack, bye = story.said()
    assert b"m=audio 0 RTP/AVP" in ack.body
    assert bye.method == "BYE"
    story.replies(invite, 200, body=sdp())
    assert story.only_request("ACK").body == ack.body
    assert story.is_clean()


def test_a_cancelled_party_that_falls_silent_leaves_nothing_behind() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 180)
    story.commands(HangUp())
    assert story.is_clean()
    assert len(story.ended) == 1


# Early media and forks ---------------------------------------------------------------------------------------


def test_early_media_reaches_the_switch_and_repetition_does_not() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, body=sdp(30002))
    story.replies(invite, 183, body=sdp(30002))
    story.replies(invite, 180)
    early, ringing = story.told
    assert isinstance(early, Progressed) and early.media is not None
    assert (early.ringing, early.media.address.port) == (False, 30002)
    assert ringing == Progressed(ringing=True)


def test_an_answer_without_a_description_keeps_the_early_one_of_the_same_branch() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, tag="a", body=sdp(30002))
    story.replies(invite, 183, tag="b", body=sdp(30004))
    story.replies(invite, 200, tag="b")
    answered = story.told[-1]
    assert isinstance(answered, Answered) and answered.media is not None
    assert answered.media.address.port == 30004


def test_broken_early_media_is_passed_over() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 183, body="nonsense")
    story.replies(invite, 200, body=sdp())
    assert [type(signal) for signal in story.told] == [Answered]


def test_of_two_branches_that_answer_the_second_is_acknowledged_and_ended() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 180, tag="a")
    story.replies(invite, 180, tag="b")
    story.replies(invite, 200, tag="a", body=sdp())
    story.said()
    story.replies(invite, 200, tag="b", body=sdp(), contact="<sip:other@192.0.2.9:5070>")
    ack, bye = story.said()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert {ack.uri, bye.uri} == {"sip:other@192.0.2.9:5070"}  # type: ignore[union-attr]
    assert (ack.to_tag, bye.to_tag) == ("b", "b")
    assert story.wire[-1][1] == ("192.0.2.9", 5070)
    story.replies(bye, 200)  # type: ignore[arg-type]
    assert sum(isinstance(signal, Answered) for signal in story.told) == 1
    assert story.ended == []
    # The winner still talks.
    story.in_called("BYE", invite, 1, tag="a")
    assert story.lines() == ["200 BYE"]
    assert story.is_clean()


def test_a_branch_that_answers_after_the_call_is_over_is_ended_too() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 200, tag="a", body=sdp())
    story.in_called("BYE", invite, 1, tag="a")
    story.said()
    story.replies(invite, 200, tag="b", body=sdp())
    assert story.lines() == ["ACK", "BYE"]
    assert len(story.ended) == 1
    assert story.is_clean()


# Late offer --------------------------------------------------------------------------------------------------


def test_a_late_offer_is_answered_in_the_ack() -> None:
    story = Story()
    invite = story.dials(None)
    assert invite.body == b"" and invite.content_type == ""
    story.replies(invite, 200, body=sdp(30008))
    assert story.lines() == []
    (answered,) = story.told
    assert isinstance(answered, Answered) and answered.media is not None
    story.replies(invite, 200, body=sdp(30008))
    assert story.lines() == []
    story.commands(Confirm(OURS))
    ack = story.only_request("ACK")
    assert b"m=audio 40000 RTP/AVP" in ack.body and ack.content_type == "application/sdp"
    story.replies(invite, 200, body=sdp(30008))
    assert story.only_request("ACK").body == ack.body


def test_hanging_up_on_a_late_offer_acknowledges_it_before_the_bye() -> None:
    story = Story()
    story.replies(story.dials(None), 200, body=sdp())
    story.commands(HangUp())
    ack, bye = story.said()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert b"m=audio 0 RTP/AVP" in ack.body
    assert len(story.ended) == 1
    assert story.is_clean()


def test_a_party_that_leaves_before_its_late_offer_is_answered_ends_once() -> None:
    story = Story()
    invite = story.dials(None)
    story.replies(invite, 200, body=sdp())
    story.in_called("BYE", invite, 1)
    assert story.lines() == ["200 BYE"]
    story.commands(Confirm(OURS))
    assert story.lines() == []
    assert len(story.ended) == 1
    assert story.is_clean()


def test_an_answer_with_a_broken_description_is_acknowledged_and_ended() -> None:
    for offer, body in ((OURS, "v=0\r\nnonsense"), (OURS, ""), (None, ""), (OURS, sdp(0))):
        story = Story()
        story.replies(story.dials(offer), 200, body=body)
        assert story.lines() == ["ACK", "BYE"]
        assert [e.cause for e in story.ended] == [Cause.PROTOCOL_ERROR]
        assert story.is_clean()


# Routes ------------------------------------------------------------------------------------------------------


def test_the_route_of_a_call_is_its_record_route_reversed() -> None:
    story = Story()
    invite = story.dials()
    routes = ["Record-Route: <sip:192.0.2.80;lr>", "Record-Route: <sip:192.0.2.70:5070;lr>"]
    story.replies(invite, 200, body=sdp(), headers=routes)
    ack = story.only_request("ACK")
    assert ack.uri == "sip:1002@192.0.2.9:5060"
    assert ack.headers("Route") == ["<sip:192.0.2.70:5070;lr>", "<sip:192.0.2.80;lr>"]
    assert story.wire[-1][1] == ("192.0.2.70", 5070)


def test_a_strict_router_finds_itself_in_the_request_uri() -> None:
    story = Story()
    invite = story.dials()
    story.replies(invite, 200, body=sdp(), headers=["Record-Route: <sip:192.0.2.80;lr>, <sip:192.0.2.70>"])
    ack = story.only_request("ACK")
    assert ack.uri == "sip:192.0.2.70"
    assert ack.headers("Route") == ["<sip:192.0.2.80;lr>", "<sip:1002@192.0.2.9:5060>"]


def test_a_path_of_a_registration_becomes_the_route_of_the_invitation() -> None:
    story = Story()
    target = Target("sip:1002@192.168.1.5", path=("<sip:192.0.2.80;lr>",))
    invite = story.dials(target=target)
    assert invite.uri == "sip:1002@192.168.1.5"
    assert invite.headers("Route") == ["<sip:192.0.2.80;lr>"]
    assert story.wire[-1][1] == ("192.0.2.80", 5060)


def test_a_phone_behind_nat_is_called_where_it_was_seen_and_so_are_later_requests() -> None:
    story = Story()
    seen = HostPort("192.0.2.99", 40123)
    invite = story.dials(target=Target("sip:1002@192.168.1.5:5060", address=seen))
    assert story.wire[-1][1] == seen
    story.replies(invite, 200, body=sdp(), contact="<sip:1002@192.168.1.5:5060>", source=seen)
    ack = story.only_request("ACK")
    assert ack.uri == "sip:1002@192.168.1.5:5060"
    assert story.wire[-1][1] == seen


def test_the_transport_of_a_target_may_be_written_in_capitals() -> None:
    story = Story()
    invite = story.dials(target=Target("sip:1002@192.0.2.9:5060;transport=UDP"))
    assert story.wire[-1][:2] == (1, ("192.0.2.9", 5060))
    story.replies(invite, 200, body=sdp(), contact="<sip:192.0.2.9:5060;transport=UDP>")
    assert story.only_request("ACK").uri == "sip:192.0.2.9:5060;transport=UDP"


def test_a_target_by_tcp_uses_its_connection_and_our_contact_says_so() -> None:
    story = Story()
    story.connect(7)
    invite = story.dials(target=Target("sip:1002@192.0.2.9:5060;transport=TCP"))
    assert story.wire[-1][0] == 7
    assert invite.header("Contact") == "<sip:192.0.2.1:5060;transport=tcp>"
    assert (invite.header("Via") or "").startswith("SIP/2.0/TCP 192.0.2.1:5060")


def test_a_registered_connection_is_used_while_it_lives() -> None:
    story = Story()
    story.connect(7)
    target = Target("sip:1002@192.168.1.5", "tcp", address=PEER, connection=7)
    story.dials(target=target)
    assert story.wire[-1][:2] == (7, PEER)
    story.agent.close_transport(7, story.now)
    story.settle()
    assert [(e.cause, e.status) for e in story.ended] == [(Cause.DESTINATION_OUT_OF_ORDER, 503)]


def test_a_target_without_a_way_ends_the_leg_and_raises_nothing() -> None:
    for uri in ("sip:1002@192.0.2.9;transport=tcp", "tel:+431234", "what?"):
        story = Story()
        story.accounts.strict = True
        from softswitch.calls.signals import Invitation
        from tests.support.ua_story import LEG

        story.agent.dial(LEG, Invitation(Target(uri), Party("1001"), Party("1002"), OURS), story.now)
        assert story.told == []
        story.settle()
        assert [e.cause for e in story.ended] == [Cause.NO_ROUTE_TO_DESTINATION]
        assert story.is_clean()


def _named(story: Story) -> Callable[[Sequence[Hop]], None]:
    """A call to a name; gives what takes the answer of the DNS."""
    target = Target("sip:1002@phones.example")
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS), story.now)
    ((sought, found),) = story.lookups
    assert sought == Sought("phones.example", None, None)
    return found


def test_a_name_is_looked_up_before_the_invitation_leaves() -> None:
    for hops, hung_up in (([FIRST], False), ([], False), ([FIRST], True)):
        story = Story()
        found = _named(story)
        if hung_up:
            story.commands(HangUp())
        found(hops)
        story.settle()
        if hops and not hung_up:
            assert story.only_request("INVITE").uri == "sip:1002@phones.example"
            assert story.wire[-1][1] == ("192.0.2.9", 5060)
        else:
            assert story.lines() == []
            assert len(story.ended) == 1
            assert story.is_clean()


def test_the_next_server_of_a_name_is_tried_when_one_is_out_of_service(story: Story) -> None:
    _named(story)([FIRST, SECOND])
    story.settle()
    first = story.only_request("INVITE")
    story.replies(first, 503)
    second = story.only_request("INVITE")
    assert story.wire[-1][1] == ("192.0.2.10", 5070)
    # RFC 3263 section 4.3: the same request, but for the branch.
    assert (second.call_id, second.cseq, second.from_tag) == (first.call_id, first.cseq, first.from_tag)
    assert second.branch != first.branch
    story.replies(second, 503)
    assert [ended.status for ended in story.ended] == [503]


def test_a_server_that_has_rung_is_not_left_for_the_next(story: Story) -> None:
    _named(story)([FIRST, SECOND])
    story.settle()
    invite = story.only_request("INVITE")
    story.replies(invite, 180)
    story.replies(invite, 503)
    assert [ended.status for ended in story.ended] == [503]


def test_a_server_that_does_not_answer_is_left_for_the_next(story: Story) -> None:
    _named(story)([FIRST, SECOND])
    story.settle()
    story.only_request("INVITE")
    story.passes(32.1)
    assert story.wire[-1][1] == ("192.0.2.10", 5070)
    assert story.ended == []


def test_a_phone_is_called_by_the_connection_that_it_registered_on(story: Story) -> None:
    story.connect(7, HostPort("192.0.2.9", 40000))
    target = Target("sip:x@abc.invalid;transport=ws", "ws", HostPort("192.0.2.9", 40000), 7)
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS), story.now)
    story.settle()
    assert story.wire[-1][:2] == (7, ("192.0.2.9", 40000))


def test_a_connection_that_has_died_is_told_as_such_and_no_new_one_is_tried(story: Story) -> None:
    story.connect(7, HostPort("192.0.2.9", 40000))
    story.agent.close_transport(7, story.now)
    story.connect(8, HostPort("192.0.2.9", 40000))  # whoever is behind the same NAT now
    target = Target("sip:x@abc.invalid;transport=ws", "tcp", HostPort("192.0.2.9", 40000), 7)
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS), story.now)
    story.settle()
    assert story.lines() == []
    # RFC 5626 section 5.3
    assert [(ended.status, ended.cause) for ended in story.ended] == [(430, Cause.DESTINATION_OUT_OF_ORDER)]
    assert story.is_clean()


# A gateway that is silent ----------------------------------------------------------------------------------


def _impatient(story: Story, *hops: Hop) -> None:
    target = Target("sip:1002@phones.example", patience=4.0)
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS), story.now)
    ((_, found),) = story.lookups
    found(hops)
    story.settle()


def test_a_gateway_that_says_nothing_in_time_is_left_for_the_next(story: Story) -> None:
    _impatient(story, FIRST, SECOND)
    first = story.only_request("INVITE")
    story.passes(3.9)
    assert {to for _, to, _ in story.wire} == {("192.0.2.9", 5060)}
    story.said()
    story.passes(0.2)
    second = story.only_request("INVITE")
    assert story.wire[-1][1] == ("192.0.2.10", 5070)
    story.replies(second, 200, body=sdp())
    story.only_request("ACK")
    # The first one wakes up, and answers too: it is told that nobody is there, and the call goes on.
    story.replies(first, 200, body=sdp(), tag="late", contact="<sip:late@192.0.2.9>")
    told = [message for message in story.said() if isinstance(message, SipRequest)]
    assert [(each.method, each.uri, each.to_tag) for each in told] == [
        ("ACK", "sip:late@192.0.2.9", "late"),
        ("BYE", "sip:late@192.0.2.9", "late"),
    ]
    assert not story.ended
    story.commands(HangUp())
    bye = story.only_request("BYE")
    assert bye.to_tag == "r1"
    story.replies(bye, 200)
    story.passes(40)
    assert story.is_clean()


def test_a_gateway_that_rings_too_late_is_cancelled_and_the_switch_hears_nothing(story: Story) -> None:
    _impatient(story, FIRST, SECOND)
    first = story.only_request("INVITE")
    story.passes(3.9)
    story.said()
    story.passes(0.2)
    second = story.only_request("INVITE")
    story.replies(first, 180, tag="late")
    story.only_request("CANCEL")
    assert story.told == []
    story.replies(first, 487, tag="late")
    story.only_request("ACK")
    story.replies(second, 180)
    assert story.told == [Progressed(ringing=True)]


def test_when_all_gateways_are_silent_the_leg_ends_as_a_time_out(story: Story) -> None:
    _impatient(story, FIRST, SECOND)
    story.passes(8.1)
    assert [ended.status for ended in story.ended] == [408]
    story.passes(40)
    assert story.is_clean()


def test_a_100_is_a_first_word(story: Story) -> None:
    _impatient(story, FIRST, SECOND)
    story.replies(story.only_request("INVITE"), 100, tag=None)
    story.passes(25.0)
    assert story.said() == []
    assert not story.ended


# Too long for UDP (RFC 3261 section 18.1.1) ------------------------------------------------------------------

LONG = structs.replace(OURS, codecs=tuple(Codec(96 + number, "L" * 40) for number in range(25)))


def _long(story: Story, *, tcp_if_large: bool = True, connection: int | None = None, patience: float = 0.0) -> None:
    target = Target(
        "sip:1002@192.0.2.9", address=PEER, tcp_if_large=tcp_if_large, connection=connection, patience=patience
    )
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), LONG), story.now)
    story.settle()


def test_an_invitation_that_is_too_long_for_udp_goes_over_tcp() -> None:
    story = Story()
    story.connect(7)
    _long(story)
    invite = story.only_request("INVITE")
    assert len(invite.raw) > 1300
    assert story.wire[-1][0] == 7
    assert story.wire[-1][1] == PEER
    assert (invite.header("Via") or "").startswith("SIP/2.0/TCP ")
    assert "transport=tcp" in (invite.header("Contact") or "")


@pytest.mark.parametrize(
    ("tcp", "tcp_if_large", "connection"), [(False, True, None), (True, False, None), (True, True, UDP)]
)
def test_it_goes_over_udp_where_there_is_no_tcp_where_it_may_not_and_on_a_flow(
    tcp: bool, tcp_if_large: bool, connection: int | None
) -> None:
    story = Story()
    if tcp:
        story.connect(7)
    _long(story, tcp_if_large=tcp_if_large, connection=connection)
    invite = story.only_request("INVITE")
    assert len(invite.raw) > 1300
    assert story.wire[-1][0] == UDP


def test_a_short_invitation_stays_on_udp() -> None:
    story = Story()
    story.connect(7)
    target = Target("sip:1002@192.0.2.9", address=PEER, tcp_if_large=True)
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS), story.now)
    story.settle()
    assert len(story.only_request("INVITE").raw) <= 1300
    assert story.wire[-1][0] == UDP


@pytest.mark.parametrize("silent", [False, True])
def test_when_tcp_fails_udp_is_taken_and_the_peer_is_not_asked_again_for_a_while(silent: bool) -> None:
    story = Story()
    story.connect(7)
    _long(story, patience=4.0)
    by_tcp = story.only_request("INVITE")
    assert story.wire[-1][0] == 7
    if silent:
        story.passes(4.1)
    else:
        story.agent.close_transport(7, story.now)
        story.settle()
    by_udp = story.only_request("INVITE")
    assert story.wire[-1][0] == UDP
    assert (by_udp.call_id, by_udp.cseq) == (by_tcp.call_id, by_tcp.cseq)
    story.replies(by_udp, 200, body=sdp())
    assert story.only_request("ACK").to_tag == "r1"
    story.commands(HangUp())
    story.replies(story.only_request("BYE"), 200)
    story.passes(40)
    _long(story)
    story.only_request("INVITE")
    assert story.wire[-1][0] == UDP
