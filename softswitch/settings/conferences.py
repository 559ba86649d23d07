"""Conference rooms."""

from dataclasses import dataclass

from softswitch.settings.kinds import setting, whole


@dataclass(frozen=True)
class ConferenceSettings:
    """`[conferences]`"""

    keep_days: int = setting(0, whole(0, 36_500))
    """How long recordings are kept of rooms that say nothing else, and of those that are gone; 0: for ever."""
    most_megabytes: int = setting(0, whole(0, 1_000_000_000))
    """How large the recordings of all rooms together may be: beyond that the oldest are deleted; 0: without a limit."""
