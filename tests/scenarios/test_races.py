"""What crosses on the wire, is lost there or never comes: each ends the call once."""

import asyncio

from tests.support.network import Packet
from tests.support.stories import disposition, registered, ringing, talking
from tests.support.switch import SWITCH, SimulatedSwitch


async def test_a_cancel_that_crosses_the_200_ends_the_call(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await ringing(alice, bob)
    back.answer()
    await asyncio.sleep(0.015)  # the switch has bob's 200; alice does not know yet
    out.cancel()
    await out.until("over")
    await back.until("over")
    assert out.how == "hung up" and back.how == "cleared"
    await house.settled()
    assert disposition(house) == "answered"


async def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_cleared(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await ringing(alice, bob)
    out.cancel()
    await asyncio.sleep(0.015)  # the switch has cancelled; bob does not know yet
    back.answer()
    await out.until("over")
    await back.until("over")
    assert (out.how, out.status, back.how) == ("cancelled", 487, "cleared")
    await house.settled()
    assert disposition(house) == "cancelled"


async def test_a_caller_whose_ack_never_comes_is_cleared(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    out.mute_acks = True
    back = await bob.rings()
    back.answer()
    await back.until("over", within=40)
    await out.until("over", within=5)
    assert (out.how, back.how) == ("cleared", "cleared")
    await house.settled()


async def test_a_bye_that_crosses_a_bye_ends_both_once(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    out.hang_up()
    back.hang_up()
    await house.settled()
    assert (out.how, back.how, disposition(house)) == ("hung up", "hung up", "answered")


async def test_a_callee_who_hangs_up_before_the_callers_ack_is_not_lost(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    held_back: list[Packet] = []

    def late_acks(packet: Packet) -> float | None:
        if packet.source == alice.address and packet.starts("ACK"):
            held_back.append(packet)
            return 3.0
        return 0.0

    house.network.meddle = late_acks
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await back.until("up")
    back.hang_up()
    await out.until("over")
    assert held_back and out.how == "cleared"
    await house.settled()


async def test_a_lost_bye_is_sent_again(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    lost: list[Packet] = []

    def first_bye(packet: Packet) -> float | None:
        if packet.source == SWITCH and packet.starts("BYE") and len(lost) < 3:
            lost.append(packet)
            return None
        return 0.0

    house.network.meddle = first_bye
    out.hang_up()
    await back.until("over")
    assert len(lost) == 3
    await house.settled()
