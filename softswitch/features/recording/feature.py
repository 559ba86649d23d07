"""How recordings join the switch."""

from softswitch.events import CallerLeftQueue
from softswitch.feature import Feature, hears
from softswitch.features.recording.api import build_router
from softswitch.features.recording.service import Recordings


def build(recordings: Recordings) -> Feature:
    """Recordings over HTTP; the service hears the bus itself, while a policy or a rule wants calls recorded."""
    return Feature(
        "recording",
        subscriptions=[hears(CallerLeftQueue, recordings.agent_answered)],
        router=build_router(recordings),
    )
