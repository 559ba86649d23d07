"""The batched UDP socket between a real network and the real SIP engine."""

import contextlib
import errno
import select
import socket
from collections.abc import Iterator

import pytest

from gateways._native import Rejected, RequestReceived, SipEngine, TransactionFailed, UdpSocket

OPTIONS = (
    "OPTIONS sip:switch@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {host};branch=z9hG4bK{number};rport\r\n"
    "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
    "Call-ID: {number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
TRANSPORT = 1


@pytest.fixture
def engine() -> SipEngine:
    engine = SipEngine(seed=1)
    engine.open_transport(TRANSPORT, "udp", "127.0.0.1:5060")
    return engine


@pytest.fixture(params=["127.0.0.1", "::1"])
def bound(request: pytest.FixtureRequest) -> Iterator[UdpSocket]:
    bound = UdpSocket(request.param, 0)
    yield bound
    bound.close()


@contextlib.contextmanager
def peer_of(bound: UdpSocket) -> Iterator[socket.socket]:
    """A socket connected to the one under test."""
    family = socket.AF_INET6 if ":" in bound.address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.settimeout(5)
        peer.connect(bound.address)
        yield peer


def wait_readable(bound: UdpSocket) -> None:
    assert select.select([bound.fileno()], [], [], 5)[0], "nothing arrived"


def test_a_hundred_requests_reach_the_engine_in_one_go(engine: SipEngine, bound: UdpSocket) -> None:
    with peer_of(bound) as peer:
        for number in range(100):
            peer.send(OPTIONS.format(host="127.0.0.1:9", number=number).encode())
        wait_readable(bound)
        counts = [bound.receive(engine, TRANSPORT, 1.0) for _ in range(2)]
        assert counts == [100, 0]
        events = engine.drain().events
        assert all(isinstance(event, RequestReceived) for event in events)
        calls = [event.request.call_id for event in events if isinstance(event, RequestReceived)]
        assert calls == [str(number) for number in range(100)]
        assert {event.source for event in events if isinstance(event, RequestReceived)} == {peer.getsockname()[:2]}


def test_answers_go_out_to_where_the_requests_came_from(engine: SipEngine, bound: UdpSocket) -> None:
    with peer_of(bound) as peer:
        for number in range(3):
            peer.send(OPTIONS.format(host="192.0.2.1:9", number=number).encode())
        wait_readable(bound)
        bound.receive(engine, TRANSPORT, 1.0)
        for event in engine.drain().events:
            assert isinstance(event, RequestReceived)
            engine.respond(event.transaction, 200, [], b"", 1.0)
        drained = engine.drain()
        assert drained.transmits == [], "datagrams pass by Python"
        assert bound.flush(engine, TRANSPORT) == 0
        answers = [peer.recv(2000).decode() for _ in range(3)]
        assert all(answer.startswith("SIP/2.0 200") for answer in answers)
        assert [f"Call-ID: {number}" in answer for number, answer in enumerate(answers)] == [True] * 3


def test_bytes_that_are_no_sip_are_an_event_and_the_rest_of_the_batch_is_heard(
    engine: SipEngine, bound: UdpSocket
) -> None:
    with peer_of(bound) as peer:
        peer.send(b"\x00\x01\x02")
        peer.send(b"")
        peer.send(OPTIONS.format(host="127.0.0.1:9", number=1).encode())
        wait_readable(bound)
        bound.receive(engine, TRANSPORT, 1.0)
        kinds = [type(event) for event in engine.drain().events]
        assert kinds[-1] is RequestReceived
        assert Rejected in kinds


def test_a_request_that_the_kernel_refuses_fails_its_transaction(engine: SipEngine) -> None:
    bound = UdpSocket("127.0.0.1", 0)
    headers = [("From", "<sip:a@x>;tag=1"), ("To", "<sip:b@x>"), ("Call-ID", "1"), ("CSeq", "1 OPTIONS")]
    # An IPv6 destination on an IPv4 socket cannot be.
    refused = engine.request(TRANSPORT, ("::1", 9), "OPTIONS", "sip:b@x", headers, b"", 1.0)
    too_long = engine.request(TRANSPORT, ("127.0.0.1", 9), "OPTIONS", "sip:b@x", headers, b"x" * 65_300, 1.0)
    engine.request(TRANSPORT, ("127.0.0.1", 9), "OPTIONS", "sip:b@x", headers, b"", 1.0)
    assert bound.flush(engine, TRANSPORT) == 0
    failed = [event for event in engine.drain().events if isinstance(event, TransactionFailed)]
    assert [(event.transaction, event.reason) for event in failed] == [(refused, "transport"), (too_long, "transport")]
    assert engine.stats()["client_transactions"] == 1
    bound.close()


def test_binding_a_port_in_use_raises_as_bind_does() -> None:
    first = UdpSocket("127.0.0.1", 0)
    with pytest.raises(OSError) as raised:
        UdpSocket("127.0.0.1", first.address[1])
    assert raised.value.errno == errno.EADDRINUSE
    port = first.address[1]
    first.close()
    UdpSocket("127.0.0.1", port).close()


def test_a_host_that_is_no_address_cannot_be_bound() -> None:
    with pytest.raises(OSError, match="no IP address"):
        UdpSocket("switch.example.com", 5060)
