"""The Rust SIP engine as Python meets it: bytes and time in, events and transmits out."""

from collections.abc import Sequence

import pytest

from gateways._native import (
    Cancelled,
    Drained,
    NameAddr,
    Netem,
    Rejected,
    RequestReceived,
    ResponseReceived,
    SipEngine,
    SipRequest,
    SipUri,
    TransactionFailed,
    parse_credentials,
)

ALICE = ("192.0.2.1", 5060)
BOB = ("192.0.2.2", 5060)
INVITE_HEADERS = [
    ("From", "<sip:alice@192.0.2.1>;tag=a1"),
    ("To", "<sip:bob@192.0.2.2>"),
    ("Call-ID", "one@192.0.2.1"),
    ("CSeq", "1 INVITE"),
    ("Contact", "<sip:alice@192.0.2.1>"),
]
NO_HEADERS: Sequence[tuple[str, str]] = []


def engine(seed: int, address: tuple[str, int]) -> SipEngine:
    made = SipEngine(seed=seed)
    made.open_transport(1, "udp", f"{address[0]}:{address[1]}")
    return made


def carry(drained: Drained, to: SipEngine, source: tuple[str, int], now: float) -> Drained:
    """Take one engine's transmits to the other; gives what comes of them."""
    for transmit in drained.transmits:
        to.receive(transmit.data, 1, source, now)
    return to.drain()


def invited(alice: SipEngine, bob: SipEngine) -> tuple[int, int]:
    """Alice has sent an INVITE, and Bob has it: the transaction's number on each side."""
    client = alice.request(1, BOB, "INVITE", "sip:bob@192.0.2.2", INVITE_HEADERS, b"v=0\r\n", 0.0)
    match carry(alice.drain(), bob, ALICE, 0.0).events:
        case [RequestReceived(server, request)]:
            assert request.method == "INVITE"
            assert request.body == b"v=0\r\n"
            assert request.max_forwards == 70
            return client, server
        case other:
            raise AssertionError(other)


def test_an_invite_is_answered_and_acknowledged_by_the_transaction_user() -> None:
    alice, bob = engine(1, ALICE), engine(2, BOB)
    client, server = invited(alice, bob)
    bob.respond(server, 180, NO_HEADERS, b"", 0.1)
    match carry(bob.drain(), alice, BOB, 0.1).events:
        case [ResponseReceived(transaction, response)]:
            assert (transaction, response.status, response.reason) == (client, 180, "Ringing")
            tag = response.to_tag
            assert tag
        case other:
            raise AssertionError(other)
    bob.respond(server, 200, [("Contact", "<sip:bob@192.0.2.2>")], b"", 0.2)
    match carry(bob.drain(), alice, BOB, 0.2).events:
        case [ResponseReceived(transaction, response)]:
            assert (transaction, response.status, response.to_tag) == (client, 200, tag)
        case other:
            raise AssertionError(other)
    headers = [*INVITE_HEADERS[:1], ("To", f"<sip:bob@192.0.2.2>;tag={tag}"), INVITE_HEADERS[2], ("CSeq", "1 ACK")]
    assert alice.request(1, BOB, "ACK", "sip:bob@192.0.2.2", headers, b"", 0.3) == 0
    match carry(alice.drain(), bob, ALICE, 0.3).events:
        case [RequestReceived(0, request)]:
            assert request.method == "ACK"
        case other:
            raise AssertionError(other)


def test_a_refused_invite_is_acknowledged_natively() -> None:
    alice, bob = engine(1, ALICE), engine(2, BOB)
    client, server = invited(alice, bob)
    bob.respond(server, 486, NO_HEADERS, b"", 0.1)
    answered = carry(bob.drain(), alice, BOB, 0.1)
    assert [(event.transaction, event.response.status) for event in answered.events] == [(client, 486)]  # type: ignore[union-attr]
    assert [transmit.data.split(b" ")[0] for transmit in answered.transmits] == [b"ACK"]
    assert carry(answered, bob, ALICE, 0.2).events == []
    assert bob.stats()["timers"] == 1, "timer I, and no longer G and H"


def test_a_request_without_an_answer_is_sent_again_and_then_fails() -> None:
    alice = engine(1, ALICE)
    client = alice.request(1, BOB, "INVITE", "sip:bob@192.0.2.2", INVITE_HEADERS, b"", 0.0)
    sent_at, now = [0.0], 0.0
    drained = alice.drain()
    while drained.deadline is not None:
        now = drained.deadline
        alice.timeout(now)
        drained = alice.drain()
        sent_at += [now] * len(drained.transmits)
    assert sent_at == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    match drained.events:
        case [TransactionFailed(transaction, "timeout")]:
            assert (transaction, now) == (client, 32.0)
        case other:
            raise AssertionError(other)
    assert alice.stats()["client_transactions"] == 0


def test_a_retransmitted_request_is_answered_without_the_transaction_user() -> None:
    alice, bob = engine(1, ALICE), engine(2, BOB)
    alice.request(1, BOB, "OPTIONS", "sip:bob@192.0.2.2", [*INVITE_HEADERS[:3], ("CSeq", "1 OPTIONS")], b"", 0.0)
    (transmit,) = alice.drain().transmits
    bob.receive(transmit.data, 1, ALICE, 0.0)
    (event,) = bob.drain().events
    assert isinstance(event, RequestReceived)
    bob.respond(event.transaction, 200, NO_HEADERS, b"", 0.0)
    (first,) = bob.drain().transmits
    bob.receive(transmit.data, 1, ALICE, 0.6)
    again = bob.drain()
    assert again.events == []
    assert [sent.data for sent in again.transmits] == [first.data]


def test_an_invite_is_cancelled_once_a_provisional_response_allows() -> None:
    alice, bob = engine(1, ALICE), engine(2, BOB)
    client, server = invited(alice, bob)
    alice.cancel(client, [("Reason", 'SIP;cause=200;text="Call completed elsewhere"')], 0.1)
    assert alice.drain().transmits == []
    bob.timeout(0.2)
    trying = carry(bob.drain(), alice, BOB, 0.2)
    assert trying.events == [], "a 100 allows the CANCEL and goes no further"
    cancelled = carry(trying, bob, ALICE, 0.3)
    match cancelled.events:
        case [Cancelled(transaction, request)]:
            assert transaction == server
            assert request.header("reason") == 'SIP;cause=200;text="Call completed elsewhere"'
        case other:
            raise AssertionError(other)
    assert carry(cancelled, alice, BOB, 0.3).events == [], "the 200 to the CANCEL is absorbed"
    bob.respond(server, 487, NO_HEADERS, b"", 0.4)
    match carry(bob.drain(), alice, BOB, 0.4).events:
        case [ResponseReceived(transaction, response)]:
            assert (transaction, response.status) == (client, 487)
        case other:
            raise AssertionError(other)


def test_bad_bytes_are_an_event() -> None:
    bob = engine(2, BOB)
    bob.receive(b"\x00\xff nonsense", 1, ALICE, 0.0)
    bob.receive(
        b"OPTIONS sip:bob@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;rport\r\nCSeq: 1 OPTIONS\r\n\r\n", 1, ALICE, 0.0
    )
    drained = bob.drain()
    match drained.events:
        case [Rejected(_, None), Rejected(reason, 400)]:
            assert reason == "From is missing"
        case other:
            raise AssertionError(other)
    (answer,) = drained.transmits
    assert answer.destination == ALICE
    assert answer.data.startswith(b"SIP/2.0 400 Bad Request (From is missing)\r\n")
    assert bob.stats()["rejected"] == 2


def test_a_mistake_of_ours_raises() -> None:
    alice = engine(1, ALICE)
    with pytest.raises(ValueError, match="line break"):
        alice.request(1, BOB, "OPTIONS", "sip:bob@h", [("Subject", "a\r\nEvil: b")], b"", 0.0)
    with pytest.raises(ValueError, match="no such transport"):
        alice.receive(b"", 9, BOB, 0.0)
    with pytest.raises(ValueError, match="From is missing"):
        SipRequest.parse(b"OPTIONS sip:bob@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCSeq: 1 OPTIONS\r\n\r\n")


def test_addresses_and_credentials_are_read_to_the_letter() -> None:
    uri = SipUri.parse("sip:user;par=u%40example.net@[2001:db8::1]:5070;transport=UDP;lr")
    assert uri is not None
    assert (uri.user, uri.host, uri.port) == ("user;par=u@example.net", "2001:db8::1", 5070)
    assert (uri.param("Transport"), uri.param("lr"), uri.param("maddr")) == ("UDP", "", None)
    assert SipUri.parse("http://example.com") is None
    contact = NameAddr.parse('"Bell, \\"A\\"" <sip:bell@example.com;lr>;q=0.5;expires=60')
    assert contact is not None
    assert (contact.display_name, contact.uri) == ('Bell, "A"', "sip:bell@example.com;lr")
    assert (contact.param("Q"), contact.param("lr")) == ("0.5", None)
    assert parse_credentials('Digest Username="a\\"b", nc=00000001,qop=auth') == (
        "digest",
        {"username": 'a"b', "nc": "00000001", "qop": "auth"},
    )
    assert parse_credentials('Digest username="unclosed') is None


def test_a_bad_network_treats_the_same_seed_alike() -> None:
    def fates(seed: int) -> list[list[float]]:
        network = Netem(seed, loss=0.3, duplicate=0.2, reorder=0.3, delay=0.05, jitter=0.02)
        return [network.send(float(packet)) for packet in range(100)]

    assert fates(1) == fates(1)
    assert fates(1) != fates(2)
    assert Netem(1, delay=0.25).send(1.0) == [1.25]
    with pytest.raises(ValueError, match="probabilities"):
        Netem(1, loss=1.5)
