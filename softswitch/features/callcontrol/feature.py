"""How call control joins the switch."""

from softswitch.events import Fact
from softswitch.feature import Feature
from softswitch.features.callcontrol.api import router_for
from softswitch.features.callcontrol.needs import CallControl, LiveCalls
from softswitch.features.callcontrol.service import Calls, History
from softswitch.features.callcontrol.stream import EventStream


def build(control: CallControl, live: LiveCalls, history: History) -> Feature:
    """The feature. `history` is the event log."""
    stream = EventStream()
    return Feature(
        "callcontrol",
        subscriptions=[(Fact, stream.hear)],
        router=router_for(Calls(control, live, history), stream),
    )
