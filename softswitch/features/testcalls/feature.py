"""How test calls join the switch."""

from softswitch.feature import Feature
from softswitch.features.testcalls.call_app import announce, clock, echo, hang_up, tone


def build() -> Feature:
    """The feature."""
    return Feature(
        "testcalls",
        call_apps={"echo": echo, "tone": tone, "announce": announce, "clock": clock, "hangup": hang_up},
    )
