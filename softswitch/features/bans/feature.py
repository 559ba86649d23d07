"""How bans join the switch."""

from softswitch.feature import Feature
from softswitch.features.bans.api import build_router
from softswitch.features.bans.service import Bans


def build(bans: Bans) -> Feature:
    """The feature."""
    return Feature("bans", router=build_router(bans))
