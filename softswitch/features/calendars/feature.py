"""How calendars join the switch."""

from softswitch.feature import Feature
from softswitch.features.calendars.api import build_router
from softswitch.features.calendars.call_app import calendar_app
from softswitch.features.calendars.service import Calendars
from softswitch.platform.database import Database


def build(calendars: Calendars, database: Database) -> Feature:
    """Takes the calls for `calendar/NAME:SETTING`. `calendars.load(database)` is to be awaited before the first."""
    return Feature(
        "calendars",
        call_apps={"calendar": calendar_app(calendars, database)},
        router=build_router(calendars),
    )
