"""What calendars ask of others."""

from collections.abc import Sequence
from typing import Protocol


class Users(Protocol):
    """Who goes by calendars."""

    def users_of(self, calendar: str) -> Sequence[str]:
        """Who asks this calendar, in words: `dial plan rule default/day`; none: it can be deleted."""
        ...
