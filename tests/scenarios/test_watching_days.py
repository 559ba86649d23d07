"""Random days of watching and writing; `--seed 1234` of the other simulation replays those, these are few and named."""

import pytest

from tests.support.network import Conditions
from tests.support.watching_days import simulate


@pytest.mark.parametrize("seed", range(40))
def test_watchers_know_the_truth_and_messages_arrive_in_any_weather(seed: int) -> None:
    found = simulate(seed)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_all_packets_may_be_lost(seed: int) -> None:
    found = simulate(seed, Conditions(loss=0.5, delay=0.05, jitter=0.05))
    assert not found, "\n".join(found)
