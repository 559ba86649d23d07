"""What happens to those who mean it ill."""

from softswitch.events.base import Fact


class SourceBanned(Fact, frozen=True, gc=False, kw_only=True):
    """Nothing from a network is read any more."""

    network: str
    reason: str
    """The offence, or `manual`."""
    detail: str
    until: int | None
    """Wall milliseconds; None: for ever."""
    by: str
    """The user, or `switch`."""


class BanLifted(Fact, frozen=True, gc=False, kw_only=True):
    """A ban ended before its time."""

    network: str
    by: str
