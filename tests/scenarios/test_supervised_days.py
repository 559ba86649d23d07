"""Random days on which people are supervised while they hold, ask, transfer, talk in threes and hang up."""

import pytest

from tests.support.simulation import simulate


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_only_those_hear_a_supervisor_who_should_and_nothing_is_left(seed: int) -> None:
    findings = simulate(seed, supervised=True)
    assert not findings, f"seed {seed}:\n" + "\n".join(findings)
