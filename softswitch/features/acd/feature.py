"""How queues and agents join the switch."""

from softswitch.feature import Feature
from softswitch.features.acd import calling_back
from softswitch.features.acd.api import build_router
from softswitch.features.acd.call_app import agent_app, queue_app
from softswitch.features.acd.service import Queues
from softswitch.platform.database import Database


def build(queues: Queues, database: Database) -> Feature:
    """Takes the calls for `queue/NAME` and `agent/WHAT`. `queues.load(database)` is to be awaited before the first.
    Hears of legs after whoever knows which account is on a call."""
    return Feature(
        "acd",
        call_apps={
            "queue": queue_app(queues),
            "agent": agent_app(queues, database),
            calling_back.KIND: queues.calling_back.app(),
        },
        subscriptions=queues.subscriptions(),
        router=build_router(queues),
    )
