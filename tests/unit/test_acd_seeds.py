"""Random days of the queue engine. `SOFTSWITCH_SEEDS=1000-1999` says which; a thousand otherwise."""

import os
from collections import Counter

import pytest

from softswitch.events import AgentReserved, AgentStateChanged, CallerLeftQueue, CallerQueued, ConversationEnded
from tests.support.acd_world import World

_first, _, _last = os.environ.get("SOFTSWITCH_SEEDS", "0-999").partition("-")
SEEDS = range(int(_first), int(_last or _first) + 1)
BATCHES = [SEEDS[start : start + 50] for start in range(0, len(SEEDS), 50)]


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_days_of_chance(seeds: range) -> None:
    for seed in seeds:
        try:
            day(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


def day(seed: int) -> None:
    world = World(seed)
    world.run()

    began = [fact.stay for fact in world.facts if isinstance(fact, CallerQueued)]
    ended = Counter(fact.stay for fact in world.facts if isinstance(fact, CallerLeftQueue))
    assert len(set(began)) == len(began) >= 60
    assert ended == Counter(began), "a stay has not exactly one end"
    assert not world.callbacks, "somebody was never called back, nor given up"
    answered = {fact.stay for fact in world.facts if isinstance(fact, CallerLeftQueue) and fact.outcome == "answered"}
    reserved = {fact.stay for fact in world.facts if isinstance(fact, AgentReserved)}
    assert answered <= reserved
    assert not world.ringing and not world.talking and not world.on_line
    assert answered <= {fact.stay for fact in world.facts if isinstance(fact, ConversationEnded)}
    since: dict[str, AgentStateChanged] = {}
    for fact in world.facts:
        if isinstance(fact, AgentStateChanged):
            before = since.get(fact.agent)
            assert fact.at - fact.before_ms == (before.at if before else 0)
            assert fact.before == (before.state if before else "logged_out")
            since[fact.agent] = fact
