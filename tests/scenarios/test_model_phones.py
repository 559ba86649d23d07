"""The model phones judge the switch; here they judge each other, so that a finding is the switch's fault."""

import asyncio

import pytest

from softswitch.kernel.address import HostPort
from tests.support.network import Conditions, Network, Packet
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.virtual_time import VirtualTimeLoop, run

ALICE, BOB = HostPort("10.0.0.11", 5060), HostPort("10.0.0.12", 5060)


def pair(loop: VirtualTimeLoop, conditions: Conditions | None = None) -> tuple[Network, Phone, Phone]:
    network = Network(loop, conditions, seed=loop.seed)
    return (
        network,
        Phone(network, loop, ALICE, "alice", server=BOB, seed=loop.seed),
        Phone(network, loop, BOB, "bob", server=ALICE, seed=loop.seed),
    )


async def finish(network: Network, *phones: Phone) -> None:
    """Let every timer run out; nothing may be left, and nobody may complain."""
    await asyncio.sleep(200)
    for phone in phones:
        assert phone.violations == [], network.ladder()
        assert phone.left() == [], network.ladder()


async def test_two_phones_talk_and_the_caller_hangs_up(loop: VirtualTimeLoop) -> None:
    network, alice, bob = pair(loop)
    out = alice.call(bob.contact)
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    back.answer()
    await out.until("up")
    await back.until("up")
    assert out.remote_sdp is not None and out.remote_sdp.address == back.local_rtp
    assert back.remote_sdp is not None and back.remote_sdp.address == out.local_rtp
    out.hang_up()
    await back.until("over")
    assert (out.how, back.how, out.rang) == ("hung up", "cleared", 1)
    await finish(network, alice, bob)


async def test_a_caller_gives_up(loop: VirtualTimeLoop) -> None:
    network, alice, bob = pair(loop)
    out = alice.call(bob.contact)
    out.cancel()
    back = await bob.rings()
    assert back.state == "calling"  # no CANCEL before a provisional response
    back.ring()
    await back.until("over")
    await out.until("over")
    assert (out.how, out.status, back.how) == ("cancelled", 487, "cancelled")
    await finish(network, alice, bob)


async def test_a_cancel_that_crosses_the_200_becomes_a_bye(loop: VirtualTimeLoop) -> None:
    network, alice, bob = pair(loop)
    out = alice.call(bob.contact)
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    out.cancel()
    back.answer()
    await back.until("over")
    assert (out.how, back.how) == ("hung up", "cleared")
    await finish(network, alice, bob)


async def test_hold_and_glare_and_late_offer(loop: VirtualTimeLoop) -> None:
    network, alice, bob = pair(loop)
    out = alice.call(bob.contact, offer=False)
    back = await bob.rings()
    back.answer()
    await back.until("up")
    assert back.remote_sdp is not None and back.remote_sdp.address == out.local_rtp
    assert out.offer_again("sendonly")
    await out.when(lambda: out.renegotiations == [200])
    assert back.remote_sdp.direction == "sendonly"
    assert out.remote_sdp is not None and out.remote_sdp.direction == "recvonly"
    await asyncio.sleep(1)
    assert out.offer_again() and back.offer_again()
    await out.when(lambda: out.renegotiations[1:] == [491, 200])
    await back.when(lambda: back.renegotiations == [491, 200])
    out.hang_up()
    back.hang_up()  # a BYE that crosses a BYE
    assert (out.how, back.how) == ("hung up", "hung up")
    await finish(network, alice, bob)


async def test_a_callee_whose_ack_never_comes_ends_the_call(loop: VirtualTimeLoop) -> None:
    network, alice, bob = pair(loop)

    def no_acks(packet: Packet) -> float | None:
        return None if packet.starts("ACK") else 0.0

    network.meddle = no_acks
    out = alice.call(bob.contact)
    back = await bob.rings()
    back.answer()
    await out.until("over", within=40)
    assert (back.how, out.how) == ("no ack", "cleared")
    assert ["no ACK came" in breach for breach in bob.violations] == [True]
    bob.violations.clear()
    assert sum(packet.starts("SIP/2.0 200") for packet in network.packets if packet.source == BOB) == 11
    await finish(network, alice, bob)


async def test_a_phone_complains_of_what_it_may_not_be_sent(loop: VirtualTimeLoop) -> None:
    network, alice, bob = pair(loop)
    out = alice.call(bob.contact)
    back = await bob.rings()
    back.answer()
    await back.until("up")
    invite = next(packet.data for packet in network.packets if packet.starts("INVITE"))
    for wrong in (
        invite.replace(b"Max-Forwards: 70", b"Max-Forwards: 7"),  # not the bytes it sent before
        invite.replace(b"branch=z9hG4bK", b"branch=z9hG4bKother"),  # the same request by a second branch
        invite.replace(b"INVITE sip:bob@", b"INVITE sip:carol@").replace(b"z9hG4bK", b"z9hG4bKcarol"),
        b"BYE sip:bob SIP/2.0\r\n\r\n",
        next(packet.data for packet in network.packets if packet.starts("ACK")).replace(b" ACK\r\n", b"9 ACK\r\n"),
    ):
        before = len(bob.violations)
        bob.receive(wrong, ALICE)
        assert len(bob.violations) > before, wrong
    ok = next(packet.data for packet in network.packets if packet.starts("SIP/2.0 200"))
    alice.receive(ok.replace(b"z9hG4bK", b"z9hG4bKx"), BOB)
    assert "answers nothing" in alice.violations[-1]
    out.hang_up()


@pytest.mark.parametrize("seed", range(40))
def test_calls_between_phones_end_in_any_weather(seed: int) -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        chance = loop.random
        network, alice, bob = pair(loop, Conditions(0.3 * chance.random(), 0.3, 0.3 * chance.random(), 0.05, 0.1))

        async def one() -> None:
            await asyncio.sleep(chance.random() * 5)
            out = alice.call(bob.contact, offer=chance.random() < 0.8)
            for action in (out.cancel, out.offer_again, out.hang_up):
                loop.call_later(chance.random() * 12, action)
            loop.call_later(20, out.hang_up)
            await out.until("over")

        def scripted(back: PhoneCall) -> None:
            loop.call_later(chance.random() * 2, back.ring)
            loop.call_later(chance.random() * 9, chance.choice([back.answer, back.refuse]))
            loop.call_later(chance.random() * 12, back.offer_again)
            loop.call_later(60, back.hang_up)

        bob.on_call = scripted
        await asyncio.gather(*(one() for _ in range(10)))
        await finish(network, alice, bob)

    run(main, seed=seed)
