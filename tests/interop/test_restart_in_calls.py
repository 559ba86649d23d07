"""A switch whose media engine is a process of its own is killed while calls talk: the short form of the soak."""

import asyncio
from pathlib import Path

from tests.bench.soak_restart import RestartSoak, Round


def test_calls_talk_on_and_are_on_record_when_the_switch_is_killed(tmp_path: Path) -> None:
    rounds: list[Round] = []
    soak = RestartSoak(tmp_path, calls=6, seed=1, timed=False)
    asyncio.run(soak.live(2, lambda number, one: rounds.append(one)))
    assert [one.calls for one in rounds] == [6, 6]
