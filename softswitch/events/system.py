"""What happens to the switch itself."""

from softswitch.events.base import Fact


class SwitchStarted(Fact, frozen=True, gc=False, kw_only=True):
    version: str


class SwitchStopped(Fact, frozen=True, gc=False, kw_only=True):
    """The switch stopped as asked. A start without it before tells of a crash."""
