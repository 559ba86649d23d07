"""Who may register and call, and for how long."""

import asyncio

import pytest

from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_phone_registers_and_calls_by_either_digest(house: SimulatedSwitch, algorithm: str) -> None:
    (bob,) = await registered(house, "1002")
    alice = house.phone("1001")
    alice.algorithm = algorithm
    assert await alice.register() == 200
    out = alice.call("1002")
    (await bob.rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_a_wrong_password_is_challenged_again_and_never_let_in(house: SimulatedSwitch) -> None:
    thief = house.phone("1001", password="guess")
    assert await thief.register() in (401, 403)
    out = thief.call("1002")
    await out.until("over")
    assert out.how == "refused" and out.status in (401, 403, 407)
    assert not house.location.bindings("1001")
    await house.settled()
    assert house.facts_of_calls == []


async def test_a_registration_runs_out(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    assert await bob.register(60) == 200
    await asyncio.sleep(61)
    out = alice.call("1002")
    await out.until("over")
    assert out.status == 480
    await house.settled()


async def test_a_phone_that_unregisters_rings_no_more(house: SimulatedSwitch) -> None:
    alice, desk, mobile = await registered(house, "1001", "1002", "1002")
    assert await desk.register(0) == 200
    out = alice.call("1002")
    (await mobile.rings()).answer()
    await out.until("up")
    assert desk.calls == []
    out.hang_up()
    await house.settled()


async def test_a_stale_nonce_is_renewed_without_a_question(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    old = alice.challenge
    await asyncio.sleep(3000)
    alice.challenge = old
    assert await alice.register() == 200
    out = alice.call("1002")
    back = await bob.rings()
    back.refuse()
    await out.until("over")
    assert out.status == 486
    await house.settled()
