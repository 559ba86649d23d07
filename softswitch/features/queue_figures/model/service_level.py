"""Service level, never without its formula: the six that are in use, computed from the same counts."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import Struct


class Counts(Struct, frozen=True, gc=False):
    """What the formulas are made of. T is the threshold, s that of a short abandon."""

    answered: int
    answered_within: int
    """After T at the most."""
    abandoned: int
    abandoned_within: int
    """After T at the most."""
    abandoned_short: int
    """After s at the most."""


class Formula(NamedTuple):
    """One way to count."""

    text: str
    part: Callable[[Counts], int]
    whole: Callable[[Counts], int]


FORMULAS: Mapping[str, Formula] = {
    "answered": Formula(
        "answered within T / answered",
        lambda counts: counts.answered_within,
        lambda counts: counts.answered,
    ),
    "abandons_credited": Formula(
        "(answered within T + abandoned within T) / (answered + abandoned)",
        lambda counts: counts.answered_within + counts.abandoned_within,
        lambda counts: counts.answered + counts.abandoned,
    ),
    "late_abandons": Formula(
        "answered within T / (answered + abandoned after T)",
        lambda counts: counts.answered_within,
        lambda counts: counts.answered + counts.abandoned - counts.abandoned_within,
    ),
    "short_credited": Formula(
        "(answered within T + abandoned within s) / (answered + abandoned)",
        lambda counts: counts.answered_within + counts.abandoned_short,
        lambda counts: counts.answered + counts.abandoned,
    ),
    "short_excluded": Formula(
        "answered within T / (answered + abandoned - abandoned within s)",
        lambda counts: counts.answered_within,
        lambda counts: counts.answered + counts.abandoned - counts.abandoned_short,
    ),
    "all_abandons": Formula(
        "answered within T / (answered + abandoned)",
        lambda counts: counts.answered_within,
        lambda counts: counts.answered + counts.abandoned,
    ),
}
DEFAULT = "short_excluded"
THRESHOLD_MS, SHORT_MS = 20_000, 5_000


def service_level(counts: Counts, formula: str = DEFAULT) -> float | None:
    """In percent; None where there is nothing to divide by. Raises KeyError for a formula that there is not."""
    part, whole = FORMULAS[formula].part(counts), FORMULAS[formula].whole(counts)
    return 100 * part / whole if whole else None
