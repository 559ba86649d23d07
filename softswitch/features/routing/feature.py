"""How the dial plan joins the switch."""

from fastapi import APIRouter

from softswitch.feature import Feature
from softswitch.features.routing import api, question_api
from softswitch.features.routing.call_app import dial_plan_app
from softswitch.features.routing.needs import History
from softswitch.features.routing.service import DialPlan


def build(dial_plan: DialPlan, history: History) -> Feature:
    """The feature. `dial_plan.load(database)` is to be awaited before the first call."""
    router = APIRouter()
    router.include_router(question_api.router_for(dial_plan, history))
    router.include_router(api.router_for(dial_plan))
    return Feature("routing", call_apps={"dialplan": dial_plan_app(dial_plan)}, router=router)
