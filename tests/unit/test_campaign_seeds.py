"""Random days of lists. `SOFTSWITCH_SEEDS=1000-1999` says which; a thousand otherwise."""

import os

import pytest

from softswitch.events import RecordTried
from tests.support.campaign_world import ListWorld, closed_once

_first, _, _last = os.environ.get("SOFTSWITCH_SEEDS", "0-999").partition("-")
SEEDS = range(int(_first), int(_last or _first) + 1)
BATCHES = [SEEDS[start : start + 100] for start in range(0, len(SEEDS), 100)]


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_days_of_lists(seeds: range) -> None:
    for seed in seeds:
        try:
            day(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


def day(seed: int) -> None:
    world = ListWorld(seed)
    world.run()

    assert not world.placed and not world.list.tasks and not world.loans
    assert not world.list.entries, "a record is neither closed nor called"
    assert all(entry.state == "closed" for entry in world.disk.values())
    tried = [(fact.record, fact.attempt) for fact in world.facts
             if isinstance(fact, RecordTried) and fact.result != "agent_missed"]  # fmt: skip
    assert len(set(tried)) == len(tried)
    assert {place for place, count in world.calls.items() if count} <= set(tried)
    assert closed_once(world.facts)
