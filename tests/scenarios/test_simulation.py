"""The whole switch in bad weather: hundreds of seeds, each another network, other people and other calls.

A failing seed replays exactly: `pytest tests/scenarios/test_simulation.py --seed 1234`.
"""

import os

import pytest

from tests.support.network import Conditions
from tests.support.simulation import simulate, transcript


def seeds(config: pytest.Config) -> range:
    """`--seed 7`; else SOFTSWITCH_SEEDS, as `1000` (the first so many) or `1000-1999`."""
    one = config.getoption("--seed")
    if one is not None:
        return range(one, one + 1)
    first, dash, last = os.environ.get("SOFTSWITCH_SEEDS", "300").partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config))


def test_a_random_day_leaves_nothing_behind(seed: int) -> None:
    findings = simulate(seed)
    if findings:
        pytest.fail(
            f"seed {seed}: replay with `pytest tests/scenarios/test_simulation.py --seed {seed}`\n"
            + "\n".join(findings),
            pytrace=False,
        )


def test_the_same_seed_is_the_same_day_to_the_last_packet() -> None:
    assert transcript(11) == transcript(11) != transcript(12)


def test_two_thousand_calls_are_all_accounted_for() -> None:
    bad_luck = Conditions(loss=0.1, duplicate=0.1, reorder=0.1, delay=0.02, jitter=0.02)
    findings = simulate(2_000, calls=2_000, accounts=20, conditions=bad_luck)
    assert not findings, "\n".join(findings)
