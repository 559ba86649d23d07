"""What people do with phones, and what the switch makes of it: one sentence a test, on virtual time."""

import asyncio
import gc

import pytest

from gateways.sip.ua.session import Session
from softswitch.calls.leg import Leg
from softswitch.engine.call import LiveCall
from softswitch.engine.caller import Caller
from softswitch.events import LegEnded
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from tests.support.invariants import records
from tests.support.phone_calls import PhoneCall
from tests.support.stories import causes, disposition, registered, ringing, talking
from tests.support.switch import SimulatedSwitch


async def test_a_call_is_answered_and_both_hear_each_other(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002", label="Alice")
    back = await bob.rings()
    assert back.label == "Alice" and "sip:1001@" in back.invitation.header("from")
    assert int(back.invitation.header("max-forwards")) == 69  # one fewer than the caller's
    assert back.call_id != out.call_id  # two dialogs: a B2BUA
    back.ring()
    await out.until("ringing")
    assert out.rang == 1
    await asyncio.sleep(3)
    back.answer()
    await out.until("up")
    await back.until("up")
    assert house.hear_each_other(out, back)
    await asyncio.sleep(60)
    out.hang_up()
    await back.until("over")
    assert (out.how, back.how) == ("hung up", "cleared")
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert (cdr.disposition, cdr.from_, cdr.to) == ("answered", "1001", "1002")
    assert 60_000 <= cdr.billable_ms <= 60_100 and 63_000 <= cdr.duration_ms <= 63_200


async def test_the_callee_hangs_up_and_the_caller_is_told(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.hang_up()
    await out.until("over")
    assert (out.how, back.how) == ("cleared", "hung up")
    await house.settled()
    assert disposition(house) == "answered"


async def test_the_caller_gives_up_while_it_rings(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await ringing(alice, bob)
    out.cancel()
    await out.until("over")
    await back.until("over")
    assert (out.how, out.status, back.how) == ("cancelled", 487, "cancelled")
    await house.settled()
    assert disposition(house) == "cancelled"


async def test_all_bindings_ring_and_the_rest_stop_when_one_answers(house: SimulatedSwitch) -> None:
    alice, desk, mobile, soft = await registered(house, "1001", "1002", "1002", "1002")
    out = alice.call("1002")
    rings = [await phone.rings() for phone in (desk, mobile, soft)]
    for back in rings:
        back.ring()
    await out.until("ringing")
    rings[1].answer()
    await out.until("up")
    for loser in (rings[0], rings[2]):
        await loser.until("over")
        assert loser.how == "cancelled"
        assert loser.reason.replace(" ", "") == 'SIP;cause=200;text="Callcompletedelsewhere"'
    assert house.hear_each_other(out, rings[1])
    out.hang_up()
    await house.settled()
    assert disposition(house) == "answered"


async def test_two_bindings_that_answer_at_once_leave_one_call(house: SimulatedSwitch) -> None:
    alice, desk, mobile = await registered(house, "1001", "1002", "1002")
    out = alice.call("1002")
    backs = [await desk.rings(), await mobile.rings()]
    for back in backs:
        back.answer()
    await out.until("up")
    await asyncio.sleep(1)
    assert sorted(back.state for back in backs) == ["over", "up"]
    assert house.hear_each_other(out, next(back for back in backs if back.state == "up"))
    out.hang_up()
    await house.settled()
    assert len([fact for fact in house.facts if isinstance(fact, LegEnded)]) == 3


@pytest.mark.parametrize(
    ("status", "told", "became"), [(486, 486, "busy"), (603, 603, "failed"), (480, 480, "no_answer")]
)
async def test_what_the_callee_says_reaches_the_caller(
    house: SimulatedSwitch, status: int, told: int, became: str
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    (await bob.rings()).refuse(status)
    await out.until("over")
    assert (out.how, out.status) == ("refused", told)
    await house.settled()
    assert disposition(house) == became


async def test_one_busy_phone_does_not_stop_the_others(house: SimulatedSwitch) -> None:
    alice, desk, mobile = await registered(house, "1001", "1002", "1002")
    out = alice.call("1002")
    (await desk.rings()).refuse(486)
    back = await mobile.rings()
    await asyncio.sleep(2)
    assert out.state == "calling"
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_nobody_answers_within_the_ring_time(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await out.until("over")
    assert out.how == "refused" and out.status in (408, 480)
    assert 30 <= house.loop.time() < 31
    await back.until("over")
    assert back.how == "cancelled"
    await house.settled()
    assert disposition(house) == "no_answer"


async def test_a_call_to_an_account_without_a_phone_is_480(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("1005")
    await out.until("over")
    assert (out.how, out.status) == ("refused", 480)
    await house.settled()
    assert causes(house) == [Cause.SUBSCRIBER_ABSENT]


async def test_a_number_that_nobody_has_is_404(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("4711")
    await out.until("over")
    assert (out.how, out.status) == ("refused", 404)
    await house.settled()
    assert disposition(house) == "failed"


async def test_the_echo_answers_by_itself(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("9196")
    await out.until("up")
    assert house.hears_itself(out)
    await asyncio.sleep(5)
    out.hang_up()
    await house.settled()
    assert disposition(house) == "answered"


async def test_a_dead_phone_is_given_up_after_the_ring_time(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    bob.die()
    out = alice.call("1002")
    await out.until("over")
    assert out.how == "refused" and out.status in (408, 480, 503)
    await house.settled()


async def test_a_guest_calls_the_trunk_and_no_more(house: SimulatedSwitch) -> None:
    guest = house.guest()
    out = guest.call("81234")
    back = await house.trunk.rings()
    assert back.invitation.request_uri.startswith("sip:81234@")
    back.answer()
    await out.until("up")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await out.until("over")
    refused = guest.call("1002")
    await refused.until("over")
    assert refused.status in (401, 403, 407)
    await house.settled()


async def test_sound_bypasses_the_switch_where_the_trunk_says_so(house: SimulatedSwitch) -> None:
    house.features.trunks.anchor(False)
    guest = house.guest()
    out = guest.call("81234")
    back = await house.trunk.rings()
    back.answer()
    await out.until("up")
    assert out.theirs.address == back.local_rtp and back.theirs.address == out.local_rtp
    assert house.media.ever_opened == 0
    back.hang_up()
    await house.settled()


async def test_an_application_that_fails_ends_only_its_own_call(house: SimulatedSwitch) -> None:
    async def broken(caller: Caller, name: str) -> Destination | None:
        await caller.answer()
        raise RuntimeError("a bug")

    house.features.apps["tone"] = broken
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    unlucky = carol.call("9197")
    await unlucky.until("over")
    assert unlucky.how == "cleared" or unlucky.how == "refused"
    assert out.state == back.state == "up" and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_call_of_the_switchs_own_rings_one_party_and_then_the_other(house: SimulatedSwitch) -> None:
    desk, mobile, bob = await registered(house, "1001", "1001", "1002")
    house.originate("1001", "1002")
    first, other = await desk.rings(), await mobile.rings()
    other.ring()
    await asyncio.sleep(2)
    assert bob.calls == []  # nobody is called before the party that wants the call is there
    first, other = other, first
    first.answer()
    await other.until("over")
    assert other.how == "cancelled"
    back = await bob.rings()
    assert "sip:1001@" in back.invitation.header("from")
    back.answer()
    await back.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(first, back)
    back.hang_up()
    await first.until("over")
    assert first.how == "cleared"
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert (cdr.disposition, cdr.from_, cdr.to) == ("answered", "1001", "1002")
    (caller,) = (leg for leg in cdr.legs if leg.role == "caller")
    assert str(mobile.address) in caller.target


async def test_a_call_of_the_switchs_own_ends_when_the_other_party_is_busy(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    house.originate("1001", "1002")
    first = await alice.rings()
    first.answer()
    (await bob.rings()).refuse(486)
    await first.until("over")
    assert first.how == "cleared"
    await house.settled()


async def test_a_call_of_the_switchs_own_that_nobody_takes_is_recorded(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    house.originate("1001", "9196")
    first = await alice.rings()
    first.ring()
    await first.until("over")
    assert first.how == "cancelled"
    await house.settled()
    assert disposition(house) == "no_answer"


async def test_an_administrator_ends_a_call_for_both(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    (call,) = {fact.call for fact in house.facts_of_calls}
    assert house.switch.hang_up(call)
    await out.until("over")
    await back.until("over")
    assert (out.how, back.how) == ("cleared", "cleared")
    await house.settled()
    assert not house.switch.hang_up(call)


async def test_two_hundred_calls_at_once(house: SimulatedSwitch) -> None:
    guest = house.guest()

    def answer_soon(back: PhoneCall) -> None:
        house.loop.call_later(0.5, back.answer)

    house.trunk.on_call = answer_soon
    calls = [guest.call(f"8{number:04d}") for number in range(200)]
    for call in calls:
        await call.until("up")
    assert house.switch.live == 200
    assert len(house.media.open_legs) == 400
    for call in calls:
        call.hang_up()
    await house.settled()
    assert [cdr.disposition for cdr in records(house.facts).values()] == ["answered"] * 200


async def test_a_draining_switch_lets_calls_end_and_takes_no_more(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, _back = await talking(house, alice, bob)
    drained = asyncio.ensure_future(house.switch.drain(60))
    await asyncio.sleep(1)
    refused = carol.call("9196")
    await refused.until("over")
    assert refused.status == 503
    assert not drained.done()
    await asyncio.sleep(10)
    out.hang_up()
    await drained
    assert house.switch.live == 0
    await house.settled()


async def test_a_draining_switch_ends_what_does_not_end(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    await house.switch.drain(60)
    assert house.loop.time() >= 60
    await out.until("over")
    await back.until("over")
    assert (out.how, back.how) == ("cleared", "cleared")
    await house.settled()


async def test_a_call_that_is_over_is_gone_without_the_garbage_collector(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    gc.collect()
    gc.disable()
    # What earlier stories have left to their loops is no concern of this one.
    before = {id(thing) for thing in gc.get_objects() if isinstance(thing, LiveCall | Leg | Session)}
    try:
        out, back = await talking(house, alice, bob)
        out.hang_up()
        await back.until("over")
        await house.settled()
        left = [thing for thing in gc.get_objects() if isinstance(thing, LiveCall | Leg | Session)]
        assert not [thing for thing in left if id(thing) not in before]
    finally:
        gc.enable()
