"""How trunks join the switch."""

from collections.abc import Callable

from fastapi import APIRouter

from softswitch.feature import Feature
from softswitch.features.trunks.api import build_router
from softswitch.features.trunks.call_app import build_call_apps
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.departure import Departures
from softswitch.features.trunks.group_api import build_group_router
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.needs import Accounts, Registered
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.features.trunks.verifier import Verifier


def build(
    trunks: Trunks,
    groups: Groups,
    traffic: Traffic,
    certificates: Certificates,
    accounts: Accounts,
    registered: Registered,
    chance: Callable[[], float],
) -> tuple[Feature, Departures]:
    """Takes the calls for `trunk/NAME` and `trunk-group/NAME`, and those that trunks bring. `chance` gives numbers from
    0 to 1, for the weights. The departures are for whoever explains where calls go."""
    departures = Departures(trunks, traffic, accounts, registered, chance)
    router = APIRouter()
    router.include_router(build_router(trunks, traffic, registered))
    router.include_router(build_group_router(groups))
    feature = Feature(
        "trunks",
        call_apps=build_call_apps(trunks, groups, traffic, departures, Verifier(certificates)),
        subscriptions=traffic.subscriptions(),
        router=router,
    )
    return feature, departures
