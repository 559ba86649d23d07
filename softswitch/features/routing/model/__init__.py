"""The dial plan as values and rules, pure."""

from softswitch.features.routing.model.demo import demo_plan
from softswitch.features.routing.model.document import Callers, Context, PlanDocument, Rewrite, Rule, TimeWindow
from softswitch.features.routing.model.plan import Plan, Routed, RouteRequest

__all__ = [
    "Callers",
    "Context",
    "Plan",
    "PlanDocument",
    "Rewrite",
    "RouteRequest",
    "Routed",
    "Rule",
    "TimeWindow",
    "demo_plan",
]
