"""How the figures join the switch."""

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


def build(figures: Figures) -> Feature:
    """The feature. `figures.recover()` is to be awaited before the first call.

    The event log must hear the same facts from the same bus, after this feature: what is published in one turn is
    stored together.
    """
    heard = [hears(kind, figures.hear) for kind in _HEARD]
    return Feature("queue_figures", subscriptions=heard, router=build_router(figures))
