"""A switch with two addresses: one for our own networks, one for the rest."""

from ipaddress import ip_network

import pytest

from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.vicinity import Vicinity
from softswitch.calls.signals import Answer, Invitation, Target
from softswitch.kernel.address import HostPort, Party
from tests.support.ua_story import LEG, OURS, UDP, Story, sdp

INSIDE, OUTSIDE = HostPort("192.0.2.9", 5060), HostPort("203.0.113.7", 5060)
LOCAL, WORLD = HostPort("192.0.2.1", 5060), HostPort("198.51.100.1", 5060)


@pytest.fixture
def story() -> Story:
    vicinity = Vicinity((ip_network("192.0.2.0/24"),), OURS.address.host, "10.0.0.1")
    story = Story(UserAgentSettings(host="192.0.2.1", vicinity=vicinity))
    story.agent.open_transport(UDP, "udp", WORLD, inside=LOCAL)
    return story


@pytest.mark.parametrize(
    ("peer", "contact", "media"), [(INSIDE, LOCAL, "10.0.0.1"), (OUTSIDE, WORLD, OURS.address.host)]
)
def test_whom_we_call_is_told_the_addresses_that_lead_back_from_there(
    story: Story, peer: HostPort, contact: HostPort, media: str
) -> None:
    target = Target(f"sip:1002@{peer}", "udp", peer)
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS), story.now)
    story.settle()
    invite = story.only_request("INVITE")
    assert invite.header("Contact") == f"<sip:{contact}>"
    assert f"c=IN IP4 {media}\r\n".encode() in invite.body


def test_a_caller_from_inside_is_answered_with_inside_addresses(story: Story) -> None:
    story.hears(story.request("INVITE", body=sdp()), source=INSIDE)
    story.commands(Answer(OURS), leg=story.switch.on_incoming)
    ok = story.only_response(200)
    assert ok.header("Contact") == f"<sip:{LOCAL}>"
    assert b"c=IN IP4 10.0.0.1\r\n" in ok.body
