"""What happens to a call that arrives at the dial plan."""

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.routing.model import RouteRequest
from softswitch.features.routing.service import DialPlan
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected


def dial_plan_app(dial_plan: DialPlan) -> CallApp:
    """Routes a caller in a context: `dialplan/<context>`, or the caller's own where none is named."""

    async def route(caller: Caller, context: str) -> Destination | None:
        plan, origin = dial_plan.plan, caller.routed_as
        context = context or origin.context
        routed = plan.route(
            RouteRequest(caller.to.number, caller.from_.number, context, origin.kind, origin.name, caller.wall_ms())
        )
        caller.routed(routed.destination, f"dialplan:{context}", plan.version, routed.steps)
        if routed.destination is None:
            raise Rejected(routed.cause or Cause.NO_ROUTE_TO_DESTINATION, routed.steps[-1].reason)
        if routed.number != caller.to.number:
            caller.to = caller.to._replace(number=routed.number)
        if routed.caller is not None:
            caller.from_ = caller.from_._replace(number=routed.caller)
        return routed.destination

    return route
