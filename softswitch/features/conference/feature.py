"""How conference rooms join the switch."""

from softswitch.feature import Feature
from softswitch.features.conference.api import build_router
from softswitch.features.conference.call_app import conference_app
from softswitch.features.conference.service import Conferences


def build(conferences: Conferences) -> Feature:
    """Takes the calls for `conference/NUMBER`. `conferences.load(database)` is to be awaited before the first."""
    return Feature(
        "conference", call_apps={"conference": conference_app(conferences)}, router=build_router(conferences)
    )
