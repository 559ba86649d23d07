"""How presence joins the switch."""

from softswitch.events import (
    AccountRegistered,
    AccountUnregistered,
    CallAnswered,
    CallEnded,
    CallOffered,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRang,
)
from softswitch.feature import Feature
from softswitch.features.presence.api import build_router
from softswitch.features.presence.service import PresenceService


def build(presence: PresenceService) -> Feature:
    """Hears of calls and registrations; phones ask the service itself."""
    calls = (CallOffered, LegDialed, LegRang, LegAnswered, CallAnswered, LegEnded, CallEnded)
    return Feature(
        "presence",
        subscriptions=[
            *((kind, presence.hear_call) for kind in calls),
            (AccountRegistered, presence.hear_registration),
            (AccountUnregistered, presence.hear_registration),
        ],
        router=build_router(presence),
    )
