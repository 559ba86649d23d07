"""How trunks join the switch."""

from softswitch.feature import Feature
from softswitch.features.trunks.api import build_router
from softswitch.features.trunks.call_app import build_call_app
from softswitch.features.trunks.needs import Accounts
from softswitch.features.trunks.service import Trunks


def build(trunks: Trunks, accounts: Accounts) -> Feature:
    """Takes the calls for `trunk/NAME`."""
    return Feature("trunks", call_apps={"trunk": build_call_app(trunks, accounts)}, router=build_router(trunks))
