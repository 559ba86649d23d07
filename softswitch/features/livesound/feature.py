"""How live sound joins the switch."""

from softswitch.feature import Feature
from softswitch.features.livesound.api import build_router
from softswitch.features.livesound.service import LiveSound


def build(live: LiveSound) -> Feature:
    return Feature("livesound", router=build_router(live))
