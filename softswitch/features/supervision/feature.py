"""How supervision joins the switch."""

from softswitch.feature import Feature
from softswitch.features.supervision.api import build_router
from softswitch.features.supervision.call_app import supervise_app
from softswitch.features.supervision.service import Supervisors


def build(supervisors: Supervisors) -> Feature:
    """Takes the calls for `supervise/ACT:NUMBER` and `supervise/ACT`."""
    return Feature(
        "supervision",
        call_apps={"supervise": supervise_app(supervisors)},
        router=build_router(supervisors),
    )
