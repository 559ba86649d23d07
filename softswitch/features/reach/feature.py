"""How being reached joins the switch."""

from softswitch.feature import Feature
from softswitch.features.reach.api import build_router
from softswitch.features.reach.call_app import account_app, callback_app, speed_dial_app
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach


def build(reach: Reach, lines: Lines, callbacks: Callbacks) -> Feature:
    """Takes the calls for `account/NUMBER`, `speeddial/DIGITS` and `callback/NUMBER`."""
    return Feature(
        "reach",
        call_apps={
            "account": account_app(reach),
            "speeddial": speed_dial_app(reach),
            "callback": callback_app(reach, callbacks),
        },
        subscriptions=lines.subscriptions(),
        router=build_router(reach, callbacks),
    )
