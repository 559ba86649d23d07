"""Random days of conference rooms, also with kills: nobody is in two mixes, the roster is the mix, who is heard may be,
and all ends."""

import pytest

from tests.support.rooms_days import live_a_day


@pytest.mark.parametrize("seed", range(12))
def test_a_random_day(seed: int) -> None:
    assert live_a_day(seed) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_random_day_of_kills(seed: int) -> None:
    assert live_a_day(seed, kills=True) == []
