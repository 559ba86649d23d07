"""Peers that write nonsense, or say that they are where they are not: their call is answered as far as it can be, and
nobody else's is touched."""

import asyncio
from collections.abc import Callable

import pytest

from softswitch.kernel.address import HostPort
from tests.support.network import Packet
from tests.support.stories import disposition, registered, talking
from tests.support.switch import SWITCH, SimulatedSwitch

ELSEWHERE = HostPort("203.0.113.9", 5060)
HOME, ROUTER = HostPort("192.168.1.20", 5060), HostPort("198.51.100.7", 31337)


def breaks(house: SimulatedSwitch, source: HostPort, start: str, change: Callable[[bytes], bytes]) -> list[bytes]:
    """The first packet from an address that starts so arrives as `change` makes it; gives what was sent instead."""
    broken: list[bytes] = []

    def meddle(packet: Packet) -> float | None:
        if broken or packet.source != source or not packet.starts(start):
            return 0.0
        changed = change(packet.data)
        assert changed != packet.data
        broken.append(changed)
        house.network.send(changed, packet.source, packet.destination)
        return None

    house.network.meddle = meddle
    return broken


@pytest.mark.parametrize(
    ("old", "new", "unreadable"),
    [
        (b"\r\nCSeq: ", b"\r\nX-Seq: ", True),
        (b"\r\nFrom: <sip:", b"\r\nFrom: <sip;", True),
        (b";tag=", b";tug=", False),
    ],
)
async def test_a_malformed_ack_is_passed_over_and_the_next_one_counts(
    house: SimulatedSwitch, old: bytes, new: bytes, unreadable: bool
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    broken = breaks(house, alice.address, f"ACK sip:{SWITCH}", lambda data: data.replace(old, new))
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await out.until("up")
    await back.until("up")
    await asyncio.sleep(40)
    assert len(broken) == 1 and out.acks_sent >= 2  # the 200 came again (RFC 3261 section 13.3.1.4)
    assert (out.state, back.state) == ("up", "up") and house.hear_each_other(out, back)
    out.hang_up()
    await back.until("over")
    # An ACK cannot be answered: that it was unreadable is counted, and no more.
    assert await house.reckoning() == (["the engine counts rejected: 1"] if unreadable else [])
    assert disposition(house) == "answered"


async def test_an_offer_that_cannot_be_read_is_refused_and_the_call_goes_on(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    breaks(house, alice.address, "INVITE", lambda data: data.replace(b"m=audio ", b"m=audoi!"))
    out.offer_again("sendonly")
    await out.when(lambda: bool(out.renegotiations))
    assert out.renegotiations[0] in (400, 488)
    assert (out.state, back.state) == ("up", "up") and house.hear_each_other(out, back)
    out.offer_again("sendonly")
    await out.when(lambda: len(out.renegotiations) == 2)
    assert out.renegotiations[1] == 200
    out.hang_up()
    await house.settled()


async def test_an_answer_that_cannot_be_read_leaves_no_call_half_changed(house: SimulatedSwitch) -> None:
    """It has accepted what nobody can tell: the other party's offer is refused, and the call ended (RFC 3261 section
    13.2.2.4 for the first INVITE)."""
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    breaks(house, bob.address, "SIP/2.0 200", lambda data: data.replace(b"c=IN IP4", b"c=NO IP4"))
    out.offer_again("sendonly")
    await out.until("over")
    await back.until("over")
    assert (out.renegotiations, out.how, back.how) == ([488], "cleared", "cleared")
    await house.settled()


@pytest.mark.parametrize("length", [60, 300, 3000])
async def test_a_number_without_end_is_refused_and_not_carried_along(house: SimulatedSwitch, length: int) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("4" * length)
    await out.until("over")
    assert out.how == "refused" and out.status in (404, 414, 484)
    await house.settled()


async def test_names_of_calls_may_hold_whatever_a_word_may(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    name, made = alice.name, iter(("()<>:\\\"/[]?{}%00'--+~`*!@<script>", "z" * 1000))
    alice.name = lambda prefix: next(made) if prefix == "call" else name(prefix)  # type: ignore[method-assign]
    for _ in range(2):
        out, back = await talking(house, alice, bob)
        out.hang_up()
        await back.until("over")
    await house.settled()


async def test_more_codecs_than_anybody_knows_are_one_offer(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    alice.offered = ("8", *(str(number) for number in range(35, 72)), *(str(number) for number in range(96, 128)))
    bob.offered = ("8",)
    out, _ = await talking(house, alice, bob)
    out.hang_up()
    await house.settled()


async def test_a_contact_elsewhere_is_not_where_the_phone_is_called(house: SimulatedSwitch) -> None:
    """Whoever registers cannot have the switch send to a third party: all goes back to where the REGISTER came from."""
    alice, bob = house.phone("1001"), house.phone("1002")
    bob.contact = f"sip:1002@{ELSEWHERE}"
    for phone in (alice, bob):
        assert await phone.register() == 200
    out, back = await talking(house, alice, bob)
    back.offer_again("sendonly")
    await back.when(lambda: bool(back.renegotiations))
    out.hang_up()
    await back.until("over")
    assert await bob.register(0) == 200
    await house.settled()
    assert not [packet for packet in house.network.packets if packet.destination.host == ELSEWHERE.host]


async def test_a_phone_behind_a_nat_is_reached_by_the_way_it_came(house: SimulatedSwitch) -> None:
    """Its Via, Contact and SDP name a private address; only its router's is seen (RFC 3581)."""
    alice, bob = house.phone("1001"), house._attach(HOME, "1002", "demo-1002")
    house.network.detach(HOME)
    house.network.attach(ROUTER, lambda data, source: bob.receive(data, source))
    bob.transmit = lambda data, to: house.network.send(data, ROUTER, to)  # type: ignore[method-assign,assignment]
    for phone in (alice, bob):
        assert await phone.register() == 200
    (binding,) = house.location.bindings("1002")
    assert (binding.natted, binding.source) == (True, ROUTER)
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await out.until("up")
    await back.until("up")
    back.hang_up()
    await out.until("over")
    back = bob.call("1001")
    there = await alice.rings()
    there.answer()
    await back.until("up")
    there.hang_up()
    await back.until("over")
    assert await bob.register(0) == 200  # or it is asked by OPTIONS until its router forgets it
    await house.settled()
    assert not [packet for packet in house.network.packets if packet.destination == HOME]
