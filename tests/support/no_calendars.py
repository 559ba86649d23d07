"""For a dial plan in a place without calendars."""

from softswitch.kernel.errors import NotFound
from softswitch.kernel.opening import Opening


class NoCalendars:
    def exists(self, name: str) -> bool:
        return False

    def opening(self, calendar: str, at_ms: int) -> Opening:
        raise NotFound("calendar", calendar)
