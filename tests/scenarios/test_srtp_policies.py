"""What the policies of encrypted sound make of calls between phones that speak plain RTP, on virtual time.

The phones here are at 10.0.0.x and come by UDP: keys would cross the network in the clear.
"""

from functools import partial

import pytest
from msgspec import structs

from softswitch.events import CallTraced
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import Srtp
from tests.support.invariants import records
from tests.support.phone_calls import PhoneCall
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch


def renegotiated(call: PhoneCall, before: int) -> bool:
    return len(call.renegotiations) > before


def settle_policy(house: SimulatedSwitch, number: str, srtp: Srtp) -> None:
    directory = house.features.directory
    account = directory._accounts[number]
    directory._accounts[number] = structs.replace(account, origin=structs.replace(account.origin, srtp=srtp))


@pytest.mark.parametrize("caller", [Srtp.OFF, Srtp.OPTIONAL, Srtp.PREFERRED])
@pytest.mark.parametrize("callee", [Srtp.OFF, Srtp.OPTIONAL, Srtp.PREFERRED])
async def test_where_srtp_is_not_required_plain_phones_talk_hold_and_resume(
    house: SimulatedSwitch, caller: Srtp, callee: Srtp
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    settle_policy(house, "1001", caller)
    settle_policy(house, "1002", callee)
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await out.until("up")
    assert house.hear_each_other(out, back)
    for side in (out, back):
        for direction in ("sendonly", "sendrecv"):
            done = len(side.renegotiations)
            assert side.offer_again(direction)
            await side.when(partial(renegotiated, side, done))
    assert {*out.renegotiations, *back.renegotiations} == {200}
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert cdr.disposition == "answered"


async def test_a_caller_that_must_have_srtp_is_refused_where_it_has_none(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    settle_policy(house, "1001", Srtp.REQUIRED)
    out = alice.call("1002")
    await out.until("over")
    await house.settled()
    assert out.status == 488
    assert bob.incoming.empty()
    (cdr,) = records(house.facts).values()
    assert (cdr.disposition, cdr.cause) == ("failed", Cause.INCOMPATIBLE_DESTINATION)


async def test_a_phone_that_must_have_srtp_is_not_rung_over_unencrypted_signalling(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    settle_policy(house, "1002", Srtp.REQUIRED)
    out = alice.call("1002")
    await out.until("over")
    await house.settled()
    assert out.status == 488
    assert bob.incoming.empty()
    (traced,) = [fact for fact in house.facts if isinstance(fact, CallTraced)]
    assert any("SRTP is required" in line.what for line in traced.lines)
