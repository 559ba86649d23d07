"""A dialled phone sends the call elsewhere (3xx): followed by the dial plan, and in a circle by nobody."""

import asyncio

import pytest

from softswitch.calls.redirect import Redirects
from softswitch.events import CallForwarded
from softswitch.features.reach.model import ReachRules
from tests.support.phones import Phone
from tests.support.stories import disposition, registered
from tests.support.switch import SimulatedSwitch


def redirects(phone: Phone, *contacts: str, status: int = 302) -> None:
    """Every call to this phone is sent elsewhere."""
    phone.on_call = lambda call: call.refuse(status, "Contact: " + ", ".join(contacts))


async def test_a_phone_that_redirects_forwards_the_call_in_its_owners_name(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    redirects(bob, "<sip:1009@10.66.66.66>;q=0.1", "<sip:1003@10.66.66.66>;q=0.7")
    out = alice.call("1002")
    back = await carol.rings()
    back.answer()
    await out.until("up")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    (forwarded,) = [fact for fact in house.facts if isinstance(fact, CallForwarded)]
    assert (forwarded.number, forwarded.reason) == ("1003", "deflection")
    (cdr,) = house.records.values()
    redirected = next(leg for leg in cdr.legs if leg.status == 302)
    assert redirected.redirected_to == ("sip:1003@10.66.66.66", "sip:1009@10.66.66.66")
    # The place that it named was never written to.
    assert not [packet for packet in house.network.packets if packet.destination.host == "10.66.66.66"]


async def test_phones_that_redirect_to_each_other_end_the_call(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    redirects(bob, "<sip:1003@10.0.0.1>")
    redirects(carol, "<sip:1002@10.0.0.1>")
    out = alice.call("1002")
    await out.until("over")
    assert out.how == "refused" and out.status == 404
    await house.settled()
    assert len([fact for fact in house.facts if isinstance(fact, CallForwarded)]) == 2
    assert disposition(house) == "failed"


async def test_a_redirection_to_a_number_that_the_plan_does_not_know_leads_nowhere(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    redirects(bob, "<sip:0900666@10.66.66.66>")
    out = alice.call("1002")
    await out.until("over")
    assert out.how == "refused" and out.status == 404
    await house.settled()


@pytest.mark.parametrize("contact", ["<sip:10.66.66.66>", "<http://example.org/>"])
async def test_a_redirection_without_a_number_is_a_refusal(house: SimulatedSwitch, contact: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    redirects(bob, contact)
    out = alice.call("1002")
    await out.until("over")
    assert out.how == "refused" and out.status == 480
    await house.settled()


async def test_who_passes_redirections_on_lets_the_caller_decide(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    house.features.reach._take("1002", ReachRules(redirects=Redirects.PASS))
    redirects(bob, "<sip:1003@10.66.66.66>", status=301)
    out = alice.call("1002")
    await out.until("over")
    assert out.how == "refused" and out.status == 301
    told = next(
        packet for packet in house.network.packets if packet.starts("SIP/2.0 301") and packet.source == alice.server
    )
    assert b"Contact: <sip:1003@10.66.66.66>" in told.data
    await house.settled()


async def test_who_refuses_redirections_is_not_reached(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    house.features.reach._take("1002", ReachRules(redirects=Redirects.REFUSE))
    redirects(bob, "<sip:1003@10.66.66.66>")
    out = alice.call("1002")
    await out.until("over")
    assert out.status == 480 and carol.calls == []
    await house.settled()


async def test_another_phone_of_the_same_person_may_still_take_the_call(house: SimulatedSwitch) -> None:
    alice, bob, desk = await registered(house, "1001", "1002", "1002")
    redirects(bob, "<sip:1003@10.0.0.1>")
    out = alice.call("1002")
    back = await desk.rings()
    await asyncio.sleep(1)
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    assert not [fact for fact in house.facts if isinstance(fact, CallForwarded)]
