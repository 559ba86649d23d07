"""How the dial plan joins the switch."""

from softswitch.feature import Feature
from softswitch.features.routing.api import router_for
from softswitch.features.routing.call_app import dial_plan_app
from softswitch.features.routing.service import DialPlan


def build(dial_plan: DialPlan) -> Feature:
    """The feature. `dial_plan.load(database)` is to be awaited before the first call."""
    return Feature("routing", call_apps={"dialplan": dial_plan_app(dial_plan)}, router=router_for(dial_plan))
