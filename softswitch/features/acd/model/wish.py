"""What a call asks for of a queue, beside to wait there, as the name of its destination says it."""

from typing import NamedTuple

from softswitch.features.acd.model.rules import Need
from softswitch.kernel.errors import Invalid

_MOST = 1_000_000


class Wish(NamedTuple):
    """`sales;priority=2;score=3;skill=english:3;skill=billing;agent=alice`."""

    queue: str
    priority: int = 0
    """Higher goes first, whoever has waited how long."""
    score: int = 0
    """VIP points, each worth some waiting time."""
    needs: tuple[Need, ...] = ()
    """Beside the queue's."""
    agent: str = ""
    """To be waited for."""

    @classmethod
    def parse(cls, name: str) -> "Wish":
        """Raises Invalid naming what it is that cannot be."""
        queue, *parts = name.split(";")
        priority = score = 0
        needs: list[Need] = []
        agent = ""
        for part in parts:
            key, _, value = part.partition("=")
            match key:
                case "priority":
                    priority = _number("priority", value)
                case "score":
                    score = _number("score", value)
                case "skill":
                    skill, _, level = value.partition(":")
                    if not skill:
                        raise Invalid(f"queue {queue}: skill", "must be named")
                    needs.append(Need(skill, _number("skill", level) if level else 1))
                case "agent":
                    agent = value
                case _:
                    raise Invalid(f"queue {queue}: {key[:40]!r}", "is none of priority, score, skill, agent")
        return cls(queue, priority, score, tuple(needs), agent)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) <= _MOST):
        raise Invalid(name, f"{value[:40]!r} is no number from 0 to {_MOST}")
    return int(value)
