"""How being reached joins the switch."""

from softswitch.feature import Feature
from softswitch.features.reach.api import build_router
from softswitch.features.reach.call_app import account_app, callback_app, setting_app, speed_dial_app, withheld_app
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach
from softswitch.platform.database import Database


def build(reach: Reach, lines: Lines, callbacks: Callbacks, database: Database) -> Feature:
    """Takes the calls for `account/NUMBER`, `speeddial/DIGITS`, `callback/NUMBER`, `setting/NAME:VALUE` and
    `withheld/NUMBER`."""
    return Feature(
        "reach",
        call_apps={
            "account": account_app(reach),
            "speeddial": speed_dial_app(reach),
            "callback": callback_app(reach, callbacks),
            "setting": setting_app(reach, database),
            "withheld": withheld_app(reach),
        },
        subscriptions=lines.subscriptions(),
        router=build_router(reach, callbacks),
    )
