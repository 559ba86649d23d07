"""How conference rooms join the switch."""

from softswitch.feature import Feature
from softswitch.features.conference.api import build_router
from softswitch.features.conference.call_app import conference_app, factory_app
from softswitch.features.conference.content_api import build_content_router
from softswitch.features.conference.files import MeetingFiles
from softswitch.features.conference.roster import HEARD, RoomRosters
from softswitch.features.conference.schedule import Schedule
from softswitch.features.conference.service import Conferences


def build(conferences: Conferences, schedule: Schedule, rosters: RoomRosters, files: MeetingFiles) -> Feature:
    """Takes the calls for `conference/NUMBER` and `conference-factory`. What is stored is to be loaded before the
    first, and `rosters` are to be connected."""
    router = build_router(conferences, schedule, files)
    router.include_router(build_content_router(conferences))
    return Feature(
        "conference",
        call_apps={"conference": conference_app(conferences), "conference-factory": factory_app(conferences)},
        subscriptions=[*conferences.subscriptions(), *((kind, rosters.heard) for kind in HEARD)],
        router=router,
    )
