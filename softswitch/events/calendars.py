"""What happens to calendars."""

from softswitch.events.base import Fact


class CalendarOverridden(Fact, frozen=True, gc=False, kw_only=True):
    """A calendar was opened or closed by hand, or goes by its hours again."""

    calendar: str
    open: bool | None
    """None: it goes by its hours again."""
    until: int | None = None
    """Wall milliseconds; None: until it is taken back."""
    by: str = ""
    """The account or the user."""
