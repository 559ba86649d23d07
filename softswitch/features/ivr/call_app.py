"""What happens to a call that arrives at a flow."""

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.ivr.runtime import run
from softswitch.features.ivr.service import IvrFlows
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected


def flow_app(flows: IvrFlows) -> CallApp:
    """Takes the calls for `flow/NAME`."""

    async def take(caller: Caller, name: str) -> Destination | None:
        try:
            return await run(caller, name, flows.live, flows.parts, flows.publish)
        except NotFound as missing:  # the flow, or a prompt that it cannot do without
            raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, str(missing)) from missing

    return take
