"""How the figures join the switch."""

from fastapi import APIRouter

from softswitch.events import (
    AgentReleased,
    AgentStateChanged,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
)
from softswitch.feature import Feature, hears
from softswitch.features.queue_figures.alarm_api import build_router as build_alarm_router
from softswitch.features.queue_figures.alarming import Alarms
from softswitch.features.queue_figures.api import build_router
from softswitch.features.queue_figures.service import Figures

_HEARD = (
    CallerQueued,
    CallerLeftQueue,
    AgentStateChanged,
    AgentReleased,
    ConversationEnded,
    CallbackRequested,
    CallbackEnded,
)


def build(figures: Figures, alarms: Alarms) -> Feature:
    """The feature. `figures.recover()` is to be awaited before the first call; then `alarms.start()`.

    The event log must hear the same facts from the same bus, after this feature: what is published in one turn is
    stored together.
    """
    router = APIRouter()
    router.include_router(build_router(figures))
    router.include_router(build_alarm_router(alarms))
    heard = [hears(kind, figures.hear) for kind in _HEARD]
    return Feature("queue_figures", subscriptions=heard, router=router)
