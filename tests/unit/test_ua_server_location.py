"""RFC 3263 and RFC 2782 as functions."""

import random
from collections import Counter

import pytest

from gateways._native import SipUri
from gateways.sip.ua.server_location import Hop, Naptr, Service, Sought, Srv, in_order, services_guessed, services_named


def sought(uri: str) -> Sought:
    parsed = SipUri.parse(uri)
    assert parsed is not None
    return Sought.by(parsed)


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:a@192.0.2.1", Hop("udp", "192.0.2.1", 5060)),
        ("sip:a@192.0.2.1:5070;transport=TCP", Hop("tcp", "192.0.2.1", 5070)),
        ("sip:a@[2001:db8::1];transport=tls", Hop("tls", "2001:db8::1", 5061)),
        ("sips:a@192.0.2.1", Hop("tls", "192.0.2.1", 5061)),
        ("sips:a@192.0.2.1;transport=tcp", Hop("tls", "192.0.2.1", 5061)),
        ("sips:a@192.0.2.1;transport=ws", Hop("wss", "192.0.2.1", 443)),
        ("sip:a@192.0.2.1;transport=ws", Hop("ws", "192.0.2.1", 80)),
        ("sip:a@proxy.example;maddr=192.0.2.1", Hop("udp", "192.0.2.1", 5060)),
    ],
)
def test_an_address_needs_no_questions(uri: str, hop: Hop) -> None:
    asked = sought(uri)
    assert asked.at(asked.host) == hop


def test_services_are_tried_by_order_and_then_by_preference() -> None:
    records = [
        Naptr(20, 1, "s", "SIP+D2U", "c"),
        Naptr(10, 2, "S", "sip+d2t", "b"),
        Naptr(10, 1, "s", "SIPS+D2T", "a"),
        Naptr(1, 1, "u", "E2U+sip", "no service"),
        Naptr(1, 1, "", "SIP+D2U", "no SRV follows"),
    ]
    kinds = ("udp", "tcp", "tls")
    assert services_named(records, kinds, secure=False) == [
        Service("tls", "a"),
        Service("tcp", "b"),
        Service("udp", "c"),
    ]
    assert services_named(records, kinds, secure=True) == [Service("tls", "a")]


def test_a_secure_uri_guesses_no_open_transport() -> None:
    assert services_guessed(sought("sips:h.example"), ("udp", "tcp", "tls")) == [Service("tls", "_sips._tcp.h.example")]


def test_servers_come_by_priority_and_within_it_by_weight() -> None:
    records = [
        Srv(2, 0, 1, "last"),
        Srv(1, 90, 1, "often"),
        Srv(1, 10, 1, "seldom"),
        Srv(0, 5, 1, "."),
        Srv(1, 0, 1, "z"),
    ]
    draw = random.Random(7).randint
    orders = Counter(tuple(record.target for record in in_order(records, draw)) for _ in range(1000))
    assert all(order[-1] == "last" and sorted(order[:3]) == ["often", "seldom", "z"] for order in orders)
    first = Counter({name: sum(n for order, n in orders.items() if order[0] == name) for name in ("often", "seldom")})
    assert 850 < first["often"] < 950
    assert 50 < first["seldom"] < 150
