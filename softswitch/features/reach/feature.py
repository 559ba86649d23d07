"""How being reached joins the switch."""

from softswitch.feature import Feature
from softswitch.features.reach.api import build_router
from softswitch.features.reach.call_app import account_app, speed_dial_app
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach


def build(reach: Reach, lines: Lines) -> Feature:
    """Takes the calls for `account/NUMBER` and `speeddial/DIGITS`."""
    return Feature(
        "reach",
        call_apps={"account": account_app(reach), "speeddial": speed_dial_app(reach)},
        subscriptions=lines.subscriptions(),
        router=build_router(reach),
    )
