"""Setting up a call when messages are lost, crossed or refused at every point."""

import asyncio

import pytest

from tests.support.network import Packet
from tests.support.stories import disposition, registered, talking
from tests.support.switch import SimulatedSwitch


def loses(house: SimulatedSwitch, start: str, count: int = 1) -> list[Packet]:
    """The first packets that start so are lost; gives them."""
    lost: list[Packet] = []

    def meddle(packet: Packet) -> float | None:
        if packet.starts(start) and len(lost) < count:
            lost.append(packet)
            return None
        return 0.0

    house.network.meddle = meddle
    return lost


@pytest.mark.parametrize("lost", ["SIP/2.0 100", "SIP/2.0 180", "SIP/2.0 200", "INVITE", "ACK"])
async def test_a_message_that_is_lost_once_loses_no_call(house: SimulatedSwitch, lost: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    gone = loses(house, lost)
    out = alice.call("1002")
    back = await bob.rings()
    await asyncio.sleep(0.5)
    back.ring()
    await asyncio.sleep(1)
    back.answer()
    await out.until("up")
    await back.until("up")
    await asyncio.sleep(3)
    assert len(gone) == 1 and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert disposition(house) == "answered"


@pytest.mark.parametrize("ringing", [False, True])
@pytest.mark.parametrize("status", [404, 408, 480, 486, 488, 500, 503, 600, 603])
async def test_a_refusal_reaches_the_caller_before_ringing_and_after(
    house: SimulatedSwitch, status: int, ringing: bool
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    if ringing:
        back.ring()
        await out.until("ringing")
    back.refuse(status)
    await out.until("over")
    assert (out.how, out.status) == ("refused", status)
    await house.settled()


async def test_a_caller_who_gives_up_before_anything_was_heard_is_let_go(house: SimulatedSwitch) -> None:
    loses(house, "SIP/2.0 100")
    out = house.guest().call("80001")
    out.cancel()  # goes out with the first provisional response
    back = await house.trunk.rings()
    back.ring()
    await out.until("over")
    assert out.how == "cancelled"
    await back.until("over")
    await house.settled()
    assert disposition(house) == "cancelled"


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_party_that_vanishes_in_the_middle_of_an_offer_ends_the_call(house: SimulatedSwitch, who: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    asks, gone = (out, bob) if who == "caller" else (back, alice)
    gone.die()
    assert asks.offer_again("sendonly")
    await asks.until("over", within=120)
    assert asks.how in ("cleared", "hung up")
