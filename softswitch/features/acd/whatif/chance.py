"""Arrivals, handling times and patience made by chance; a seed makes the same ones again."""

import random
from collections.abc import Callable, Sequence
from math import log, sqrt

from softswitch.kernel.errors import Invalid

Draw = Callable[[random.Random], int]
"""Makes one span in milliseconds."""


def exponential(mean_ms: float) -> Draw:
    return lambda chance: round(chance.expovariate(1 / mean_ms))


def lognormal(mean_ms: float, deviation_ms: float) -> Draw:
    """As handling times are: seldom very short, now and then very long."""
    variance = log(1 + (deviation_ms / mean_ms) ** 2)
    mu = log(mean_ms) - variance / 2
    return lambda chance: round(chance.lognormvariate(mu, sqrt(variance)))


def constant(ms: float) -> Draw:
    return lambda chance: round(ms)


def sampled(values: Sequence[int]) -> Draw:
    """One of these. Raises Invalid without any."""
    if not values:
        raise Invalid("sample", "there is nothing to take from")
    return lambda chance: chance.choice(values)


def poisson(begin: int, end: int, per_ms: float, chance: random.Random) -> list[int]:
    """Times of arrival at a steady rate."""
    times, at = [], float(begin)
    while per_ms > 0 and (at := at + chance.expovariate(per_ms)) < end:
        times.append(round(at))
    return times


def spread(begin: int, length_ms: int, counts: Sequence[int], chance: random.Random) -> list[int]:
    """Times of arrival of so many in each interval: where within it is chance, as it is for a Poisson process."""
    return sorted(
        begin + number * length_ms + chance.randrange(length_ms)
        for number, count in enumerate(counts)
        for _ in range(count)
    )
