"""How accounts join the switch."""

from softswitch.feature import Feature
from softswitch.features.directory.api import build_router
from softswitch.features.directory.service import Directory


def build(directory: Directory) -> Feature:
    """Accounts over HTTP; calls ask the `Directory` itself."""
    return Feature("directory", router=build_router(directory))
