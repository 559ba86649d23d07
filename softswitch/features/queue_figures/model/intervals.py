"""Intervals of a report: quarters and halves of an hour, hours, days and months, on the clocks of a time zone."""

from datetime import datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from softswitch.kernel.errors import Invalid

Length = Literal["15", "30", "60", "day", "month"]
"""Minutes, or a name."""


class Intervals:
    """Where intervals of a length begin. A day in which clocks change has 23 or 25 hours."""

    def __init__(self, length: Length, time_zone: str = "UTC") -> None:
        """Raises Invalid."""
        if length not in get_args(Length):
            raise Invalid("interval", f"{length!r} is none of {', '.join(get_args(Length))}")
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Invalid("time_zone", f"{time_zone!r} is no time zone, such as Europe/Berlin") from None
        self._length = length

    def begin(self, at: int) -> int:
        """When the interval began in which a moment lies (wall milliseconds)."""
        local = datetime.fromtimestamp(at / 1000, self._zone)
        if self._length == "month":
            return _ms(local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0))
        if self._length == "day":
            return _ms(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
        offset = local.utcoffset()
        assert offset is not None
        return at - (at + round(offset.total_seconds() * 1000)) % (int(self._length) * 60_000)

    def next(self, begin: int) -> int:
        """When the interval after one begins."""
        if self._length == "month":
            local = datetime.fromtimestamp(begin / 1000, self._zone)
            return _ms((local + timedelta(days=32)).replace(day=1, hour=0))
        if self._length == "day":
            local = datetime.fromtimestamp(begin / 1000, self._zone)
            return _ms((local + timedelta(hours=36)).replace(hour=0))
        return begin + int(self._length) * 60_000


def _ms(local: datetime) -> int:
    return round(local.timestamp() * 1000)
