"""People with one number in any weather: a seed is a day of callers, of devices that answer, decline, are dead, are
asked and say nothing. A failing seed replays exactly: `pytest tests/scenarios/test_one_number_days.py --seed 12`."""

import pytest

from tests.support.one_number_days import simulate

SEEDS = 100


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one = metafunc.config.getoption("--seed")
    metafunc.parametrize("seed", range(SEEDS) if one is None else [one])


def test_a_random_day_of_one_number(seed: int) -> None:
    findings = simulate(seed)
    if findings:
        pytest.fail(f"seed {seed}:\n" + "\n".join(findings), pytrace=False)
