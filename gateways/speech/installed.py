"""Which optional packages are there."""

import importlib.util
from functools import cache
from pathlib import Path

from softswitch.kernel.errors import Unavailable


@cache
def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def need(package: str, extra: str) -> Path:
    """Where a package is, without importing it. Raises Unavailable with what is to be installed."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise Unavailable(f"the package {package} is needed: pip install 'softswitch[{extra}]'")
    return Path(next(iter(found.submodule_search_locations)))
