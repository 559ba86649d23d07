"""How queues and agents join the switch."""

from softswitch.feature import Feature
from softswitch.features.acd.api import build_router
from softswitch.features.acd.call_app import queue_app
from softswitch.features.acd.service import Queues


def build(queues: Queues) -> Feature:
    """Takes the calls for `queue/NAME`. `queues.load(database)` is to be awaited before the first. Hears of legs after
    whoever knows which account is on a call."""
    return Feature(
        "acd",
        call_apps={"queue": queue_app(queues)},
        subscriptions=queues.subscriptions(),
        router=build_router(queues),
    )
