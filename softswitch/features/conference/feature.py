"""How conference rooms join the switch."""

from softswitch.feature import Feature
from softswitch.features.conference.api import build_router
from softswitch.features.conference.call_app import conference_app
from softswitch.features.conference.content_api import build_content_router
from softswitch.features.conference.schedule import Schedule
from softswitch.features.conference.service import Conferences


def build(conferences: Conferences, schedule: Schedule) -> Feature:
    """Takes the calls for `conference/NUMBER`. What both have stored is to be loaded before the first."""
    router = build_router(conferences, schedule)
    router.include_router(build_content_router(conferences))
    return Feature("conference", call_apps={"conference": conference_app(conferences)}, router=router)
