"""Offers and answers through the switch: hold, glare, late offers, early media, refusals."""

import asyncio

import pytest

from tests.support.network import Packet
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_hold_and_resume_pass_through(house: SimulatedSwitch, who: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    holder, held = (out, back) if who == "caller" else (back, out)
    assert holder.offer_again("sendonly")
    await holder.when(lambda: holder.renegotiations == [200])
    assert held.theirs.direction == "sendonly" and holder.theirs.direction == "recvonly"
    assert "music" in house.media.doing.values()
    assert not house.hears(held, holder) and not house.hears(holder, held)
    assert holder.offer_again("sendrecv")
    await holder.when(lambda: holder.renegotiations == [200, 200])
    assert house.hear_each_other(out, back)
    holder.hang_up()
    await house.settled()
    names = [type(fact).__name__ for fact in house.facts]
    assert names.count("LegHeld") == names.count("LegResumed") == 1


async def test_offers_that_cross_meet_491_and_come_again(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    assert out.offer_again("sendonly") and back.offer_again("sendrecv")
    await out.when(lambda: out.renegotiations[-1:] == [200], within=30)
    await back.when(lambda: back.renegotiations[-1:] == [200], within=30)
    assert 491 in out.renegotiations + back.renegotiations
    assert out.state == back.state == "up"
    out.hang_up()
    await house.settled()


async def test_a_late_offer_goes_through_the_switch(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002", offer=False)
    back = await bob.rings()
    assert not back.invitation.body  # nobody has offered yet
    back.ring()
    await out.until("ringing")
    back.answer()
    await out.until("up")
    await back.until("up")
    assert house.hear_each_other(out, back)
    assert out.offer_again(offer=False)
    await out.when(lambda: out.renegotiations == [200])
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_late_offer_to_the_echo_is_made_by_the_switch(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("9196", offer=False)
    await out.until("up")
    await asyncio.sleep(0.1)
    assert house.hears_itself(out)
    assert out.offer_again("sendonly")
    await out.when(lambda: out.renegotiations == [200])
    assert out.theirs.direction == "recvonly"
    out.hang_up()
    await house.settled()


async def test_a_late_answer_whose_ack_was_lost_is_taken_after_an_early_re_invite(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    lost: list[Packet] = []

    def first_ack(packet: Packet) -> float | None:
        if packet.source == alice.address and packet.starts("ACK sip:10.0.0.1:5060") and not lost:
            lost.append(packet)
            return None
        return 0.0

    house.network.meddle = first_ack
    out = alice.call("1002", offer=False)
    back = await bob.rings()
    back.answer()
    await out.until("up")
    assert out.offer_again("sendrecv")
    await out.when(lambda: out.renegotiations == [491, 200])
    assert back.state == "up" and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_an_offer_that_comes_too_late_is_answered_and_then_cleared(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002", offer=False)
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    out.cancel()
    await asyncio.sleep(0.015)  # the switch has cancelled; bob does not know yet, and his 200 holds an offer
    back.answer()
    await back.until("over")
    assert back.how == "cleared" and back.remote_sdp is not None and back.theirs.address.port == 0
    await house.settled()


async def test_early_media_is_heard_before_the_answer(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring(early_media=True)
    await out.until("ringing")
    assert out.early_media and house.hears(out, back)
    await asyncio.sleep(2)
    back.answer()
    await out.until("up")
    assert house.hear_each_other(out, back)
    back.hang_up()
    await house.settled()


async def test_a_refused_offer_leaves_the_call_as_it_was(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.refuse_offers = 488
    assert out.offer_again("sendonly")
    await out.when(lambda: bool(out.renegotiations))
    assert out.renegotiations == [488]
    await asyncio.sleep(1)
    assert out.state == back.state == "up" and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_hang_up_while_an_offer_is_open_ends_everything(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.answer_delay = 5.0
    assert out.offer_again("sendonly")
    await asyncio.sleep(1)
    out.hang_up()
    await back.until("over")
    assert back.how == "cleared"
    await house.settled()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", [0.0, 0.015, 0.025, 0.035])
async def test_an_offer_taken_back_leaves_both_parties_as_they_were(
    house: SimulatedSwitch, late: bool, after: float
) -> None:
    # The CANCEL may come before the other party has the offer, while it thinks, and when it has agreed.
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.answer_delay = 0.02
    assert out.offer_again("sendonly", offer=not late)
    await asyncio.sleep(after)
    assert out.take_offer_back()
    await out.when(lambda: len(out.renegotiations) == 1)
    taken_back = out.renegotiations == [487]
    await asyncio.sleep(3)
    if taken_back or late:
        assert house.hear_each_other(out, back)
        assert back.theirs.direction == "sendrecv"
    else:
        assert back.theirs.direction == "sendonly"  # the CANCEL came too late
    assert out.offer_again("sendrecv")
    await out.when(lambda: out.renegotiations[-1] == 200)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
