"""How lists that agents call join the switch."""

from softswitch.feature import Feature
from softswitch.features.campaigns.api import build_router
from softswitch.features.campaigns.call_app import campaign_app
from softswitch.features.campaigns.service import Campaigns
from softswitch.features.campaigns.under_way import KIND


def build(campaigns: Campaigns) -> Feature:
    """The feature. `campaigns.load(database)` is to be awaited before `start`, which comes when calls can be made."""
    return Feature(
        "campaigns",
        call_apps={KIND: campaign_app(campaigns)},
        subscriptions=campaigns.subscriptions(),
        router=build_router(campaigns),
    )
