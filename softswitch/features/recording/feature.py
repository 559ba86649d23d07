"""How recordings join the switch."""

from softswitch.feature import Feature
from softswitch.features.recording.api import build_router
from softswitch.features.recording.service import Recordings


def build(recordings: Recordings) -> Feature:
    """Recordings over HTTP; the service hears the bus itself, while a policy wants calls recorded."""
    return Feature("recording", router=build_router(recordings))
