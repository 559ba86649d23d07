"""Calls in which nobody is heard any more."""

import asyncio

from softswitch.events import CallEnded
from softswitch.kernel.cause import Cause
from tests.support.phones import Phone
from tests.support.stories import causes, registered, talking
from tests.support.switch import SILENCE_SECONDS, SimulatedSwitch


def loses_power(house: SimulatedSwitch, phone: Phone) -> None:
    phone.die()
    house.media.dumb.add(phone.address.host)


async def test_a_call_of_two_phones_that_lost_power_is_ended(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    await talking(house, alice, bob)
    await asyncio.sleep(1000)
    assert house.switch.live == 1
    loses_power(house, alice)
    loses_power(house, bob)
    await asyncio.sleep(SILENCE_SECONDS - 60)
    assert house.switch.live == 1
    await asyncio.sleep(120)
    assert house.switch.live == 0
    (ended,) = (fact for fact in house.facts if isinstance(fact, CallEnded))
    assert (ended.cause, ended.note) == (Cause.RECOVERY_ON_TIMER_EXPIRY, "silence")
    await house.settled()


async def test_a_call_in_which_one_party_is_heard_goes_on(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, _ = await talking(house, alice, bob)
    house.media.dumb.add(bob.address.host)
    await asyncio.sleep(3 * SILENCE_SECONDS)
    out.hang_up()
    await house.settled()
    assert causes(house) == [Cause.NORMAL_CLEARING]


async def test_silence_on_hold_is_as_it_should_be(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, _ = await talking(house, alice, bob)
    assert out.offer_again("inactive")
    await asyncio.sleep(1)
    house.media.dumb |= {alice.address.host, bob.address.host}
    await asyncio.sleep(3 * SILENCE_SECONDS)
    assert out.offer_again("sendrecv")
    await asyncio.sleep(SILENCE_SECONDS - 60)
    assert house.switch.live == 1  # only now it is counted again
    await asyncio.sleep(120)
    assert causes(house) == [Cause.RECOVERY_ON_TIMER_EXPIRY]
    await house.settled()


async def test_a_caller_of_the_echo_who_is_not_heard_is_hung_up_on(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("9196")
    await out.until("up")
    loses_power(house, alice)
    await asyncio.sleep(SILENCE_SECONDS + 60)
    assert causes(house) == [Cause.RECOVERY_ON_TIMER_EXPIRY]
    await house.settled()
