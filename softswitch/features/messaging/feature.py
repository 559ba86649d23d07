"""How messages join the switch."""

from softswitch.events import AccountRegistered
from softswitch.feature import Feature
from softswitch.features.messaging.api import build_router
from softswitch.features.messaging.service import Messaging


def build(messaging: Messaging) -> Feature:
    """Delivers what waits when a phone registers; phones give their messages to the service itself."""
    return Feature(
        "messaging",
        subscriptions=[(AccountRegistered, messaging.hear_registration)],
        router=build_router(messaging),
    )
