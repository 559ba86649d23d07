"""Where messages say that somebody is, and where we send: never to third parties because of a claim."""

import pytest

from gateways.sip.ua.digest import ha1_of
from softswitch.calls.signals import Answer, HangUp, Target
from softswitch.kernel.address import HostPort
from tests.support.ua_story import CALLER, LEG, OURS, PEER, Story, answer_to, sdp

VICTIM = "203.0.113.66"


def a_phone_calls(story: Story, contact: str, *headers: str) -> None:
    """A phone calls us, proves who it is, is answered and acknowledges."""
    story.accounts.strict = True
    for algorithm in ("MD5", "SHA-256"):
        story.accounts.secrets["1001", algorithm] = ha1_of("1001", "softswitch", "secret", algorithm)
    story.hears(story.request("INVITE", body=sdp(), contact=contact, headers=headers))
    proof = answer_to(story.only_response(401), "INVITE", "sip:1002@192.0.2.1")
    story.hears(
        story.request("INVITE", body=sdp(), cseq=2, contact=contact, headers=[*headers, f"Authorization: {proof}"])
    )
    story.said()
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("ACK", answer, 2, contact=None)
    story.wire.clear()


def sent_to(story: Story) -> set[str]:
    return {destination[0] for _, destination, _ in story.wire}


@pytest.mark.parametrize(
    ("contact", "headers"),
    [
        (f"<sip:1001@{VICTIM}:5060>", ()),
        (f"<sip:1001@{VICTIM}:5060;transport=tcp>", ()),
        ("<sip:1001@192.0.2.9:5060>", (f"Record-Route: <sip:{VICTIM};lr>",)),
        ("<sip:1001@224.0.0.1>", ()),
    ],
)
def test_a_phones_contact_and_record_route_send_us_nowhere_but_back(contact: str, headers: tuple[str, ...]) -> None:
    story = Story()
    a_phone_calls(story, contact, *headers)
    story.commands(HangUp(), CALLER)
    story.passes(40.0)  # our BYE and its retransmissions
    assert sent_to(story) == {PEER.host}


def test_a_called_phones_answer_sends_us_nowhere_but_to_where_it_registered_from() -> None:
    story = Story()
    invite = story.dials(target=Target("sip:1002@192.168.1.5", address=PEER))
    story.wire.clear()
    story.replies(invite, 200, body=sdp(), contact=f"<sip:1002@{VICTIM}>")
    story.commands(HangUp(), LEG)
    story.passes(40.0)
    assert sent_to(story) == {PEER.host}


def test_a_trunk_may_have_several_addresses() -> None:
    story = Story()
    story.calls(contact="<sip:carrier@203.0.113.10:5060>")
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("ACK", answer, 1)
    story.wire.clear()
    story.commands(HangUp(), CALLER)
    assert sent_to(story) == {"203.0.113.10"}


@pytest.mark.parametrize("rport", [";rport", ""])
def test_a_via_sends_our_responses_nowhere_but_back(rport: str) -> None:
    story = Story()
    text = story.request("OPTIONS").replace(f"{PEER}", f"{VICTIM}:5060").replace(";rport", rport)
    assert VICTIM in text
    story.hears(text.replace(";branch", f";maddr={VICTIM};received={VICTIM};branch"))
    assert story.wire
    assert sent_to(story) == {PEER.host}


def test_a_stranger_gets_no_more_than_it_sends_twice_over() -> None:
    """Who forges a source has us answer there: once for each request, and not much longer than what it sent."""
    story = Story()
    story.accounts.strict = True
    text = story.request("INVITE", body=sdp())
    story.hears(text, source=HostPort(VICTIM, 5060))
    story.passes(40.0)
    # RFC 3261 section 17.2.1 has an unacknowledged final response to an INVITE sent again for 32 seconds.
    first = story.wire[0][2]
    assert len(first) < 2 * len(text)
    assert sent_to(story) == {VICTIM}
