"""Queues with an exact answer, and a simulation of one that has nothing in common with the engine."""

import heapq
from collections.abc import Iterable
from math import exp, fsum


def erlang_c(agents: int, load: float) -> float:
    """The chance to wait of M/M/n (Erlang 1917), by the recursion of Erlang B."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / agents * (1 - blocked))


def level_c(agents: int, load: float, threshold_over_handling: float) -> float:
    """The part of M/M/n's callers that are answered within a time."""
    return 1 - erlang_c(agents, load) * exp(-(agents - load) * threshold_over_handling)


def erlang_a(agents: int, rate: float, handling: float, patience: float) -> tuple[float, float]:
    """Of M/M/n+M (Palm 1946): the chance to wait, and to hang up. From the states' balance, summed far enough."""
    weights, weight = [1.0], 1.0
    for number in range(1, agents + 3_000):
        leaving = min(number, agents) / handling + max(0, number - agents) / patience
        weight *= rate / leaving
        weights.append(weight)
    whole = fsum(weights)
    waiting = fsum(weights[agents:]) / whole
    hanging_up = fsum((number - agents) * weights[number] for number in range(agents, len(weights))) / whole / patience
    return waiting, hanging_up / rate


def first_come_first_served(agents: int, calls: Iterable[tuple[int, int, int | None]]) -> list[tuple[int, bool]]:
    """Each call's wait and whether it was answered: arrival, handling, patience. In eight lines, and no events."""
    free = [0] * agents
    heapq.heapify(free)
    waits = []
    for at, handling, patience in calls:
        wait = max(0, free[0] - at)
        if patience is not None and wait > patience:
            waits.append((patience, False))
        else:
            heapq.heapreplace(free, at + wait + handling)
            waits.append((wait, True))
    return waits
