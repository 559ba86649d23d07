"""How registrations join the switch."""

from softswitch.feature import Feature
from softswitch.features.registrar.api import build_router
from softswitch.features.registrar.call_app import build_call_app
from softswitch.features.registrar.needs import Accounts
from softswitch.features.registrar.service import Registrations
from softswitch.kernel.clock import Clock


def build(registrations: Registrations, accounts: Accounts, clock: Clock) -> Feature:
    """Takes the calls for `account/NUMBER`."""
    return Feature(
        "registrar",
        call_apps={"account": build_call_app(accounts, registrations)},
        router=build_router(registrations, clock),
    )
