"""How registrations join the switch."""

from softswitch.feature import Feature
from softswitch.features.registrar.api import build_router
from softswitch.features.registrar.service import Registrations
from softswitch.kernel.clock import Clock


def build(registrations: Registrations, clock: Clock) -> Feature:
    """Shows who is registered."""
    return Feature("registrar", router=build_router(registrations, clock))
