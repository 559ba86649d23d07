"""The level of overload, on a model of a server with one queue."""

import random
from collections import deque

import pytest

from gateways.sip.ua.overload import Load, OverloadControl

PERIOD = 0.1
CALL, SHED = 0.001, 0.00001
"""Seconds of work: a call (half of it at once, half when it ends), and turning one away."""
CAPACITY = 1 / CALL


class Server:
    """One queue, one worker, and the control that is tried."""

    def __init__(self) -> None:
        self.control = OverloadControl()
        self.random = random.Random(1)
        self.queue: deque[tuple[float, bool]] = deque()
        self.level = 0
        self.free_at = 0.0
        self.completed: list[float] = []
        self.waits: list[float] = []

    def run(self, rate: float, start: float, seconds: float) -> None:
        """Calls come at a rate; each that is let in ends half a second after it began."""
        ends: list[float] = []
        now = start
        while now < start + seconds:
            period_end = now + PERIOD
            arrivals = [(now + self.random.random() * PERIOD, True) for _ in range(int(rate * PERIOD))]
            arrivals += [(at, False) for at in ends if at < period_end]
            ends = [at for at in ends if at >= period_end]
            self.queue.extend(sorted(arrivals))
            waited = 0.0
            while self.queue and max(self.free_at, self.queue[0][0]) < period_end:
                came, new = self.queue.popleft()
                begin = max(self.free_at, came)
                waited = max(waited, begin - came)
                if new and self.random.random() * 100 < self.level:
                    self.free_at = begin + SHED
                    continue
                self.free_at = begin + CALL / 2
                if new:
                    ends.append(self.free_at + 0.5)
                elif begin - came < 0.5:
                    self.completed.append(begin)
            self.waits.append(waited)
            self.level = self.control.judge(Load(waited))
            now = period_end


def test_below_its_capacity_a_server_turns_nobody_away() -> None:
    server = Server()
    server.run(0.8 * CAPACITY, 0.0, 20.0)
    assert server.level == 0
    assert len(server.completed) > 0.78 * CAPACITY * 19


@pytest.mark.parametrize("times", [1.5, 3.0, 10.0])
def test_however_much_is_asked_of_it_a_server_completes_nearly_what_it_can(times: float) -> None:
    server = Server()
    server.run(times * CAPACITY, 0.0, 30.0)
    done = sum(5.0 < at < 30.0 for at in server.completed) / 25.0
    assert done > 0.85 * CAPACITY, done
    assert max(server.waits[50:]) < 0.5  # T1: nothing is sent twice because of us


def test_when_the_rush_is_over_everybody_is_let_in_again() -> None:
    server = Server()
    server.run(3 * CAPACITY, 0.0, 10.0)
    assert server.level > 40
    server.run(0.5 * CAPACITY, 10.0, 10.0)
    assert server.level == 0


def test_a_pause_of_the_machine_turns_nobody_away() -> None:
    control = OverloadControl()
    waits = [0.0, 10.0, 3.0, 0.01, 0.0, 0.0, 0.4, 0.0, 0.0]
    assert [control.judge(Load(waited)) for waited in waits] == [0] * len(waits)


def test_what_is_bounded_sheds_before_it_is_full_and_full_of_calls_lets_phones_register() -> None:
    control = OverloadControl()
    assert control.judge(Load(0.0, fullness=0.9)) == 0
    assert control.judge(Load(0.0, fullness=0.95)) == 50
    assert control.judge(Load(0.0, fullness=1.0)) == 100
    assert control.judge(Load(0.0, calls=1.0)) == 50
