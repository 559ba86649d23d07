"""How listeners join the switch."""

from softswitch.feature import Feature
from softswitch.features.listeners.api import build_router
from softswitch.features.listeners.service import Listeners


def build(listeners: Listeners) -> Feature:
    """Shows, adds and removes them."""
    return Feature("listeners", router=build_router(listeners))
