"""Days on which the switch is killed now and then, at moments that nobody can foresee, and comes back."""

import os

import pytest

from tests.support.simulation import simulate

SEEDS = 25


def seeds(config: pytest.Config) -> range:
    """`--seed 7`; else SOFTSWITCH_SEEDS as in `test_simulation`."""
    one = config.getoption("--seed")
    if one is not None:
        return range(one, one + 1)
    first, dash, last = os.environ.get("SOFTSWITCH_SEEDS", str(SEEDS)).partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config))


@pytest.mark.parametrize("transfers", [False, True], ids=["talks", "transfers"])
def test_a_day_of_kills_breaks_no_call_that_is_on_record(seed: int, transfers: bool) -> None:
    findings = simulate(seed, kills=True, transfers=transfers)
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)
