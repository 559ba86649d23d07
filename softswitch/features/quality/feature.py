"""How the media doctor joins the switch."""

from softswitch.events import CallTraced, LegEnded
from softswitch.feature import Feature
from softswitch.features.quality.service import Doctor


def build(doctor: Doctor) -> Feature:
    """The feature. It must hear a call's facts before those who make its record."""
    return Feature("quality", subscriptions=[(LegEnded, doctor.leg_ended), (CallTraced, doctor.call_traced)])
