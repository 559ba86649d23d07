"""What a caller hears before the answer: the other party, ringing of the switch's own, or what its own phone makes."""

import asyncio

import pytest
from msgspec.structs import replace

from softswitch.calls.leg_rules import LegRules
from softswitch.engine.caller import Caller
from softswitch.kernel.destination import Destination
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch


def set_rules(house: SimulatedSwitch, account: str, rules: LegRules) -> None:
    accounts = house.features.directory._accounts
    known = accounts[account]
    accounts[account] = replace(known, origin=replace(known.origin, rules=rules))


async def early(alice: Phone, bob: Phone, **how: str) -> tuple[PhoneCall, PhoneCall]:
    out = alice.call(bob.user)
    back = await bob.rings()
    back.ring(early_media=True, **how)
    await out.until("ringing")
    return out, back


async def test_where_early_media_is_not_wanted_the_callers_phone_makes_the_ringing(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    set_rules(house, "1002", LegRules(early_media="ring"))
    out, back = await early(alice, bob)
    assert out.rang == 1 and not out.early_media and not house.hears(out, back)
    back.answer()
    await out.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_trunk_may_be_refused_its_early_media_too(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    trunk = house.features.trunks.trunk("uas")
    assert trunk is not None
    house.features.trunks._remember(
        {"uas": replace(trunk, origin=replace(trunk.origin, rules=LegRules(early_media="ring")))}
    )
    out = alice.call("80001")
    far = await house.trunk.rings()
    far.ring(early_media=True)
    await out.until("ringing")
    assert out.rang == 1 and not out.early_media
    far.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("", False),
        ("P-Early-Media: sendrecv", True),
        ("P-Early-Media: sendonly", True),
        ("P-Early-Media: inactive", False),
        ("P-Early-Media: gated, sendrecv", True),
    ],
)
async def test_early_media_is_heard_where_the_network_authorises_it(
    house: SimulatedSwitch, said: str, heard: bool
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    set_rules(house, "1002", LegRules(early_media="authorised"))
    out, back = await early(alice, bob, extra=said)
    assert back.invitation.header("p-early-media") == "supported"
    assert (out.early_media, out.rang) == (heard, 0 if heard else 1)
    assert house.hears(out, back) is heard
    out.cancel()
    await house.settled()


async def test_early_media_that_is_authorised_later_is_heard_from_then_on(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    set_rules(house, "1002", LegRules(early_media="authorised"))
    out, back = await early(alice, bob)
    back.ring(early_media=True, extra="P-Early-Media: sendrecv")
    await asyncio.sleep(1)
    assert out.early_media and house.hears(out, back)
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_others_are_not_asked_whether_they_know_of_it(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await early(alice, bob)
    assert not back.invitation.header("p-early-media")
    out.cancel()
    await house.settled()


# Callers who hear us already ----------------------------------------------------------------------------


def greeting(house: SimulatedSwitch, *numbers: str) -> None:
    """9198 answers, says something and then rings accounts, one after the other."""

    async def greet(caller: Caller, name: str) -> Destination | None:
        await caller.play("main/welcome")
        for number in numbers:
            outcome = await house.features.reach.phones.ring(caller, number, 10)
            if outcome.answered:
                return None
        await caller.play("main/nobody")
        return None

    house.features.apps["clock"] = greet


def callers_ear(house: SimulatedSwitch, call: PhoneCall) -> object:
    """What the media engine does for a caller."""
    return house.media.doing.get(house.leg_of(call))


async def test_an_answered_caller_hears_that_it_rings(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    greeting(house, "1002", "1003")
    out = alice.call("9198")
    back = await bob.rings()
    assert callers_ear(house, out) is None
    back.ring()
    await asyncio.sleep(1)
    assert callers_ear(house, out) == "ringback"
    back.refuse(486)
    await asyncio.sleep(0.2)
    third = await carol.rings()
    assert callers_ear(house, out) is None  # until that one rings
    third.ring()
    await asyncio.sleep(1)
    assert callers_ear(house, out) == "ringback"
    third.answer()
    await third.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


async def test_an_answered_caller_hears_no_more_ringing_when_nobody_answers(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    greeting(house, "1002")
    out = alice.call("9198")
    (await bob.rings()).ring()
    await asyncio.sleep(9)
    assert callers_ear(house, out) == "ringback"
    await asyncio.sleep(2)
    assert callers_ear(house, out) == "prompt"
    await out.until("over")
    await house.settled()


async def test_an_answered_caller_hears_early_media_that_it_understands(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    greeting(house, "1002")
    out = alice.call("9198")
    back = await bob.rings()
    back.ring()
    await asyncio.sleep(1)
    back.ring(early_media=True)
    await asyncio.sleep(1)
    assert house.hears(out, back)
    back.answer()
    await back.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_who_asks_somebody_before_a_transfer_hears_that_it_rings(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await out.until("up")
    house.press(back, "*21003#")
    (await carol.rings()).ring()
    await asyncio.sleep(1)
    assert (callers_ear(house, out), callers_ear(house, back)) == ("music", "ringback")
    house.press(back, "*2")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_caller_who_heard_one_party_early_hears_that_the_next_rings(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")

    async def both(caller: Caller, name: str) -> Destination | None:
        for number in ("1002", "1003"):
            if (await house.features.reach.phones.ring(caller, number, 10)).answered:
                return None
        return None

    house.features.apps["clock"] = both
    out = alice.call("9198")
    back = await bob.rings()
    back.ring(early_media=True)
    await out.until("ringing")
    back.refuse(486)
    third = await carol.rings()
    third.ring()
    await asyncio.sleep(1)
    assert callers_ear(house, out) == "ringback"
    third.answer()
    await out.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


# Forks on the way (RFC 6228) ----------------------------------------------------------------------------


async def test_when_a_fork_that_was_heard_is_gone_the_caller_hears_ringing(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await early(alice, bob, fork="first")
    assert "199" in back.invitation.header("supported")
    assert house.hears(out, back)
    back.fork_gone("other")
    await asyncio.sleep(0.5)
    assert house.hears(out, back)
    back.fork_gone("first")
    await asyncio.sleep(0.5)
    assert callers_ear(house, out) == "ringback" and out.state == "ringing"
    back.answer()
    await out.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_when_one_of_two_forks_is_gone_the_other_is_heard(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await early(alice, bob, fork="first")
    back.ring(early_media=True, fork="second")
    back.fork_gone("second")
    await asyncio.sleep(0.5)
    assert house.hears(out, back)
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
