"""Queues in any weather: a seed is a day of callers, agents, supervisors and, each third, deaths of the switch.

At every fact the accounts of all queues add up. A failing seed replays exactly: `pytest FILE --seed 12`.
"""

import pytest

from tests.support.queue_days import simulate

SEEDS = 60


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one = metafunc.config.getoption("--seed")
    metafunc.parametrize("seed", range(SEEDS) if one is None else [one])


def test_a_random_day_of_queues(seed: int) -> None:
    findings = simulate(seed)
    if findings:
        pytest.fail(f"seed {seed}:\n" + "\n".join(findings), pytrace=False)
