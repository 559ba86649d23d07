"""How call control joins the switch."""

from softswitch.engine.bus import Bus
from softswitch.feature import Feature
from softswitch.features.callcontrol.api import router_for
from softswitch.features.callcontrol.needs import CallControl, LiveCalls
from softswitch.features.callcontrol.service import Calls, History
from softswitch.features.callcontrol.stream import EventStream


def build(control: CallControl, live: LiveCalls, history: History, bus: Bus) -> Feature:
    """The feature. `history` is the event log; `bus` brings the facts of the event stream."""
    return Feature("callcontrol", router=router_for(Calls(control, live, history), EventStream(bus)))
