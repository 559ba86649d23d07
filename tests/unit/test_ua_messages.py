"""MESSAGE (RFC 3428) over a real engine."""

import pytest

from gateways._native import SipRequest
from softswitch.calls.signals import Target
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.messages import MOST_BYTES, Delivery, Taken, TextMessage
from tests.support.ua_story import US
from tests.support.watching import Watching

HELLO = TextMessage(Party("1002", "Bob"), "1001", "text/plain;charset=utf-8", "你好".encode())
PHONE = Target("sip:1001@10.0.0.7:5060", "udp", HostPort("192.0.2.9", 5060))


class Texting(Watching):
    def texts(self, body: str = "hi", *headers: str, number: str = "1002") -> None:
        self.accounts.strict = True
        lines = headers or ("Content-Type: text/plain",)
        self.asks("MESSAGE", f"sip:{number}@{US.host}", lines, body=body, contact=None)

    def delivers(self, message: TextMessage = HELLO, target: Target = PHONE) -> list[Delivery]:
        said: list[Delivery] = []
        self.agent.deliver(target, message, said.append, self.now)
        assert said == []
        self.settle()
        return said


@pytest.mark.parametrize(
    ("taken", "status"),
    [
        (Taken.DELIVERED, 200),
        (Taken.KEPT, 202),
        (Taken.NO_SUCH_ACCOUNT, 404),
        (Taken.FULL, 480),
        (Taken.OFFLINE, 480),
        (Taken.UNABLE, 503),
    ],
)
def test_a_sender_hears_what_became_of_its_message(taken: Taken, status: int) -> None:
    story = Texting()
    story.texts("hi 你好", "Content-Type: text/plain;charset=utf-8", "Expires: 30")
    ((origin, message, lifetime, decided),) = story.accounts.messages
    assert (origin.kind, origin.name, lifetime) == ("account", "1001", 30)
    assert message == TextMessage(Party("1001"), "1002", "text/plain;charset=utf-8", "hi 你好".encode())
    assert story.lines() == []
    decided(taken)
    story.settle()
    assert story.only_response(status).header("Contact") is None
    assert story.is_clean()


def test_what_cannot_be_a_message_is_refused() -> None:
    story = Texting()
    story.texts("x" * (MOST_BYTES + 1))
    story.only_response(413)
    story.hears(story.request("MESSAGE", max_forwards=0))
    story.only_response(483)


def test_who_is_known_by_an_address_alone_sends_none() -> None:
    story = Texting()
    story.hears(story.request("MESSAGE", headers=["Content-Type: text/plain"], body="buy"))
    story.only_response(403)
    assert story.accounts.messages == []


def test_a_message_reaches_a_phone_where_it_registered() -> None:
    story = Texting()
    said = story.delivers()
    request = story.only_request("MESSAGE")
    assert (request.uri, request.body, request.header("Content-Type")) == (PHONE.uri, HELLO.body, HELLO.content_type)
    assert request.header("From") == f'"Bob" <sip:1002@192.0.2.1>;tag={request.from_tag}'
    assert request.header("Contact") is None
    assert story.wire[-1][1] == ("192.0.2.9", 5060)
    story.replies(request, 200)
    assert said == [Delivery.DELIVERED]
    assert story.is_clean()


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (202, Delivery.DELIVERED),
        (415, Delivery.NOT_UNDERSTOOD),
        (405, Delivery.REFUSED),
        (603, Delivery.REFUSED),
        (480, Delivery.UNREACHABLE),
        (500, Delivery.UNREACHABLE),
    ],
)
def test_what_a_phone_says_is_understood(status: int, means: Delivery) -> None:
    story = Texting()
    said = story.delivers()
    story.replies(story.only_request("MESSAGE"), status)
    assert said == [means]
    assert story.is_clean()


def test_a_silent_phone_is_unreachable() -> None:
    story = Texting()
    said = story.delivers()
    story.passes(33.0)
    assert said == [Delivery.UNREACHABLE]
    assert all(isinstance(m, SipRequest) for m in story.said())
    assert story.is_clean()


def test_a_phone_whose_connection_is_lost_is_unreachable() -> None:
    story = Texting()
    said = story.delivers(target=Target("sip:1001@10.0.0.7;transport=tcp", "tcp", HostPort("192.0.2.9", 5060), 7))
    story.passes(0.1)
    assert said == [Delivery.UNREACHABLE]
    assert story.is_clean()


def test_a_message_that_cannot_be_written_is_refused() -> None:
    story = Texting()
    said = story.delivers(TextMessage(Party("1002"), "1001", "text/plain\r\nVia: x", b"hi"))
    story.passes(0.1)
    assert said == [Delivery.REFUSED]
    assert story.is_clean()
