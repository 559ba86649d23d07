"""How parking and pickup join the switch."""

from softswitch.feature import Feature
from softswitch.features.parking.api import build_router
from softswitch.features.parking.call_app import fetch_app, park_app, pickup_app
from softswitch.features.parking.lot import Lot
from softswitch.features.parking.needs import Accounts, Switchboard


def build(lot: Lot, switchboard: Switchboard, accounts: Accounts) -> Feature:
    """Takes the calls for `park`, `park/SLOT`, `parked/SLOT`, `pickup/NUMBER` and `pickup`."""
    return Feature(
        "parking",
        call_apps={
            "park": park_app(lot),
            "parked": fetch_app(lot, switchboard),
            "pickup": pickup_app(accounts, switchboard),
        },
        router=build_router(lot),
    )
