"""Random days on which phones acknowledge what rings, take UPDATE and are refreshed (RFC 3262, 3311, 4028)."""

import asyncio

import pytest

from tests.support.phones import Extras
from tests.support.simulation import simulate
from tests.support.stories import disposition, registered
from tests.support.switch import SimulatedSwitch


@pytest.mark.parametrize("seed", range(80))
def test_a_random_day_of_phones_with_extensions_leaves_nothing_behind(seed: int) -> None:
    findings = simulate(seed, extensions=True)
    assert not findings, f"seed {seed}:\n" + "\n".join(findings)


@pytest.mark.parametrize("seed", range(40))
def test_nor_does_one_on_which_they_are_transferred_as_well(seed: int) -> None:
    findings = simulate(seed, extensions=True, transfers=True)
    assert not findings, f"seed {seed}:\n" + "\n".join(findings)


async def test_all_of_it_in_one_call(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    alice.extras = bob.extras = Extras(True, True, True, True)
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    await asyncio.sleep(1)
    assert (out.pracks_sent, back.pracks_heard) == (1, 1)
    back.answer()
    await out.until("up")
    await back.until("up")
    await asyncio.sleep(200)
    assert out.updates_heard >= 3, "refreshed every 45 seconds, by UPDATE since it takes that"
    assert out.state == "up" and back.state == "up"
    out.hang_up()
    await house.settled()
    assert disposition(house) == "answered"
