"""Random days on which people also transfer, park, fetch and pick up: no leg is lost, every call has one record.

A failing seed replays exactly: `pytest tests/scenarios/test_moving_calls.py --seed 1234`.
"""

import pytest

from tests.scenarios.test_simulation import seeds
from tests.support.simulation import simulate


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("seed", seeds(metafunc.config))


def test_a_day_full_of_transfers_loses_no_leg_and_no_record(seed: int) -> None:
    findings = simulate(seed, transfers=True)
    if findings:
        pytest.fail(
            f"seed {seed}: replay with `pytest tests/scenarios/test_moving_calls.py --seed {seed}`\n"
            + "\n".join(findings),
            pytrace=False,
        )
