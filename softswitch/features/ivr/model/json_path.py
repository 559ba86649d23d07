"""Where in a JSON value something is: `account.balance`, `orders[0].id`. Pure."""

import re
from typing import Any

PATH = re.compile(r"(?:[^.\[\]]+|\[\d{1,6}\])(?:\.[^.\[\]]+|\[\d{1,6}\])*")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def find(value: Any, path: str) -> Any:
    """What is there; None: nothing. Raises ValueError for what is no path."""
    if not PATH.fullmatch(path):
        raise ValueError(f"{path!r} is no path: write account.balance or orders[0].id")
    for name, place in _STEP.findall(path):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(place)] if isinstance(value, list) and int(place) < len(value) else None
    return value
