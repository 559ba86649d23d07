"""How flows join the switch."""

from softswitch.events import FlowEnded
from softswitch.feature import Feature, hears
from softswitch.features.ivr.api import router_for
from softswitch.features.ivr.call_app import flow_app
from softswitch.features.ivr.needs import Sounds
from softswitch.features.ivr.service import IvrFlows


def build(flows: IvrFlows, sounds: Sounds) -> Feature:
    """The feature. `flows.load(database)` is to be awaited before the first call."""
    return Feature(
        "ivr",
        call_apps={"flow": flow_app(flows)},
        subscriptions=(hears(FlowEnded, flows.ended),),
        router=router_for(flows, sounds),
    )
