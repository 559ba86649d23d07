"""Where callers leave a flow. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from softswitch.events import FlowStep


class NodeFigures(Struct):
    """What became of calls at a node."""

    node: str
    kind: str
    calls: int = 0
    """That came to it."""
    visits: int = 0
    """A call may come more than once."""
    left: int = 0
    """Calls whose callers hung up there."""
    seconds: float = 0.0
    """All visits together."""
    results: dict[str, int] = {}
    """Visits by what came of them."""


def figures(paths: Iterable[tuple[int, str, Sequence[FlowStep]]]) -> list[NodeFigures]:
    """By node, in the order in which callers come to them. Each path: how long it took in milliseconds, its outcome,
    and its steps."""
    found: dict[str, NodeFigures] = {}
    results: dict[str, Counter[str]] = {}
    for lasted_ms, outcome, steps in paths:
        seen: set[str] = set()
        for place, step in enumerate(steps):
            figure = found.setdefault(step.node, NodeFigures(step.node, step.kind))
            end = steps[place + 1].after_ms if place + 1 < len(steps) else lasted_ms
            figure.visits += 1
            figure.calls += step.node not in seen
            figure.seconds += max(0, end - step.after_ms) / 1000
            last = place + 1 == len(steps)
            if last and outcome == "left":
                figure.left += 1
            results.setdefault(step.node, Counter())[step.result or ("left" if last else "")] += 1
            seen.add(step.node)
    for name, figure in found.items():
        figure.results = dict(results[name].most_common())
        figure.seconds = round(figure.seconds, 3)
    return list(found.values())
