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
        self._ms = 0 if length in ("day", "month") else int(length) * 60_000

    def begin(self, at: int) -> int:
        """When the interval began in which a moment lies (wall milliseconds)."""
        local = datetime.fromtimestamp(at / 1000, self._zone)
        if self._length == "month":
            return _midnight(local.replace(day=1))
        if self._length == "day":
            return _midnight(local)
        begin = at - self._past_mark(at)
        change = self._change(begin, at)
        if change is None:
            return begin
        return self.begin(change - 1) if self._past_mark(change) else change

    def next(self, begin: int) -> int:
        """When the interval after one begins."""
        if self._length == "month":
            local = datetime.fromtimestamp(begin / 1000, self._zone)
            return _midnight((local + timedelta(days=32)).replace(day=1))
        if self._length == "day":
            local = datetime.fromtimestamp(begin / 1000, self._zone)
            return _midnight(local + timedelta(hours=36))
        following = begin + self._ms - self._past_mark(begin)
        change = self._change(begin, following)
        if change is None:
            return following
        past = self._past_mark(change)
        return change + self._ms - past if past else change

    def _past_mark(self, at: int) -> int:
        """How long before a moment the clock showed a whole multiple of the length, if it was not set meanwhile."""
        return (at + self._offset(at)) % self._ms

    def _offset(self, at: int) -> int:
        """From UTC to the clock, in milliseconds."""
        offset = datetime.fromtimestamp(at / 1000, self._zone).utcoffset()
        assert offset is not None
        return round(offset.total_seconds() * 1000)

    def _change(self, after: int, until: int) -> int | None:
        """When the clock was set, behind one moment and up to another that is at most an hour later. An interval that
        would begin then begins then; one in whose middle it was set is longer or shorter."""
        offset = self._offset(after)
        if self._offset(until) == offset:
            return None
        while until - after > 1:
            middle = (after + until) // 2
            if self._offset(middle) == offset:
                after = middle
            else:
                until = middle
        return until


def _midnight(local: datetime) -> int:
    """When a day began (wall milliseconds): the first time where it came twice, when the clock was set where it did not
    come."""
    return round(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp() * 1000)
