"""The levels of overload. How long new work may wait is tried with the engine (`waiting.rs`)."""

import pytest

from gateways.sip.ua.overload import Levels, Load, OverloadControl


def test_what_is_bounded_sheds_before_it_is_full_and_full_of_calls_lets_phones_register() -> None:
    control = OverloadControl()
    assert control.judge(Load(fullness=0.9)) == Levels(0, 0)
    assert control.judge(Load(fullness=0.95)) == Levels(50, 50)
    assert control.judge(Load(fullness=1.0)) == Levels(100, 100)
    assert control.judge(Load(calls=1.0)) == Levels(50, 50)


def test_peers_are_told_the_part_that_is_turned_away_and_that_it_is_over() -> None:
    control = OverloadControl()
    told = [control.judge(Load(admitted=100, shed=300)).told for _ in range(40)]
    assert told == sorted(told)
    assert told[0] < 20 < 74 < told[-1]
    over = [control.judge(Load(admitted=100)).told for _ in range(40)]
    assert over == sorted(over, reverse=True)
    assert over[-1] == 0
    assert control.judge(Load()) == Levels(0, 0)


@pytest.mark.parametrize("times", [1.5, 3.0, 10.0])
def test_peers_that_all_hold_back_come_to_rest_and_leave_the_server_enough_to_do(times: float) -> None:
    capacity = 1000
    control = OverloadControl()
    told = 0
    history = []
    for _ in range(200):
        asked = round(times * capacity * (100 - told) / 100)
        told = control.judge(Load(admitted=min(asked, capacity), shed=max(0, asked - capacity))).told
        history.append(told)
    assert max(history[50:]) - min(history[50:]) <= 2
    assert times * (100 - history[-1]) / 100 > 0.95
