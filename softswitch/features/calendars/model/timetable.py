"""A calendar ready to be asked: what it says of a moment, and when that changes.

The clock on the calendar's wall decides. An hour that comes twice when clocks go back counts twice, one that is
skipped does not come; so every moment has one state, whatever the clocks do. Only a special time from one time to
another is one stretch of time: it begins when the clock first shows its start or jumps over it, and ends when it last
shows its end or jumps over that.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from softswitch.features.calendars.model import public_holidays
from softswitch.features.calendars.model.document import (
    DAY,
    WEEKDAYS,
    Calendar,
    Override,
    Span,
    SpecialTime,
    days_of,
    spans_of,
    time_of,
)
from softswitch.kernel.opening import Opening

HORIZON_DAYS = 400
"""How far ahead a change is looked for: beyond a year's end with its holidays."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_STEP = timedelta(hours=6)
"""No zone has changed its clocks twice within it."""


class Day(Struct, frozen=True, gc=False):
    """One day: when it is open (minutes from its midnight), and by which rule."""

    spans: tuple[Span, ...]
    kind: str
    """`hours`, `holiday`, `make-up workday` or `special`."""
    why: str
    """In words; empty for a day like any other of the week."""


class _Stretch(Struct, frozen=True, gc=False):
    """A special time from one moment until another, wall milliseconds."""

    start: int
    until: int
    special: SpecialTime


class _SpecialDays(Struct, frozen=True, gc=False):
    first: date
    last: date
    day: Day


class Timetable:
    """A calendar, compiled. Immutable but for what holidays are remembered."""

    __slots__ = ("_days", "_stretches", "_week", "_zone", "calendar", "override")

    def __init__(self, calendar: Calendar, override: Override | None = None) -> None:
        """`calendar` has been checked."""
        self.calendar = calendar
        self.override = override
        self._zone = ZoneInfo(calendar.timezone)
        self._week = tuple(spans_of(calendar.hours.get(day, ()), "hours") for day in WEEKDAYS)
        self._stretches = [self._stretch(special) for special in calendar.special if not special.dates]
        self._days = [self._special_days(special) for special in calendar.special if special.dates]

    # What it says of a moment --------------------------------------------------------------------------------

    def opening(self, at: int) -> Opening:
        """The state at a moment, wall milliseconds."""
        override = self.override
        if override is not None and override.holds(at):
            until = "" if override.until is None else f" until {_shown(self.local(override.until))}"
            return Opening(override.open, f"override by {override.by}{until}")
        for stretch in self._stretches:
            if stretch.start <= at < stretch.until:
                return Opening(stretch.special.open, _named(stretch.special))
        local = self.local(at)
        today, minute = local.date(), local.hour * 60 + local.minute
        day, yesterday = self.day(today), today - timedelta(days=1)
        # What runs past midnight belongs to the day on which it began.
        for began, rule, since in ((today, day, minute), (yesterday, self.day(yesterday), minute + DAY)):
            for first, last in rule.spans:
                if first <= since < last:
                    said = f"{WEEKDAYS[began.weekday()].capitalize()} {_clock(first)}-{_clock(last)}"
                    return Opening(True, f"{rule.why}, {said}" if rule.why else said)
        return Opening(False, day.why or f"{_shown(local)} in {self._zone.key} is outside its hours")

    def day(self, day: date) -> Day:
        """What holds for the spans that begin on a day."""
        for special in self._days:
            if special.first <= day <= special.last:
                return special.day
        year = public_holidays.of_year(self.calendar.country, self.calendar.subdivision, day.year)
        if day in year.worked:
            like = WEEKDAYS.index(self.calendar.make_up_like)
            return Day(self._week[like], "make-up workday", f"make-up workday like {WEEKDAYS[like].capitalize()}")
        name = year.closed.get(day)
        if name is not None:
            return Day((), "holiday", f"holiday: {name}")
        return Day(self._week[day.weekday()], "hours", "")

    def local(self, at: int) -> datetime:
        """A moment on the calendar's clock."""
        return (_EPOCH + at * _MILLISECOND).astimezone(self._zone)

    # When that changes ---------------------------------------------------------------------------------------

    def next_change(self, at: int) -> int | None:
        """The first moment after `at` at which the other state begins, wall milliseconds; None: not within
        `HORIZON_DAYS`."""
        state = self.opening(at).open
        for moment in self._moments(at):
            if self.opening(moment).open is not state:
                return moment
        return None

    def _moments(self, at: int) -> Iterator[int]:
        """Every moment after `at` at which the state may change, in order: between two of them it does not."""
        week = timedelta(days=7) // _MILLISECOND
        for begin in range(at, at + HORIZON_DAYS * (DAY * 60_000), week):
            end = begin + week
            found = {moment for stretch in self._stretches for moment in (stretch.start, stretch.until)}
            if self.override is not None and self.override.until is not None:
                found.add(self.override.until)
            found.update(self._clock_changes(begin, end))
            first, last = self.local(begin).date(), self.local(end).date()
            for number in range(-2, (last - first).days + 2):
                found.update(self._moments_of_day(first + timedelta(days=number)))
            yield from sorted(moment for moment in found if begin < moment <= end)

    def _moments_of_day(self, day: date) -> Iterator[int]:
        midnight = datetime(day.year, day.month, day.day)
        for minutes in {0, *(edge for span in self.day(day).spans for edge in span)}:
            yield from self._times(midnight + timedelta(minutes=minutes))

    def _times(self, wall: datetime) -> Iterator[int]:
        """When the clock shows this: once, twice, or never."""
        for fold in (0, 1):
            moment = _at(wall.replace(tzinfo=self._zone, fold=fold))
            if self.local(moment).replace(tzinfo=None) == wall:
                yield moment

    def _clock_changes(self, begin: int, end: int) -> Iterator[int]:
        step = _STEP // _MILLISECOND
        for low in range(begin, end, step):
            if self._offset(low) != self._offset(low + step):
                yield self._clock_change(low, low + step)

    def _clock_change(self, low: int, high: int) -> int:
        """The moment within these, of which the first is before it, when the clocks are changed."""
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == before:
                low = middle
            else:
                high = middle
        return high

    def _offset(self, at: int) -> timedelta | None:
        return self.local(at).utcoffset()

    # What is compiled ----------------------------------------------------------------------------------------

    def _stretch(self, special: SpecialTime) -> _Stretch:
        start, until = time_of(special.start, "start"), time_of(special.until, "until")
        return _Stretch(self._moment(start, last=False), self._moment(until, last=True), special)

    def _moment(self, wall: datetime, *, last: bool) -> int:
        """When the clock shows a time, first or last; or when it jumps over it."""
        if wall.tzinfo is not None:
            return _at(wall)
        shown = list(self._times(wall))
        if shown:
            return shown[-1 if last else 0]
        # PEP 495: in a gap, fold 1 goes by the offset after it and so lies before the jump, fold 0 lies after it.
        early, late = (_at(wall.replace(tzinfo=self._zone, fold=fold)) for fold in (1, 0))
        return self._clock_change(early, late)

    def _special_days(self, special: SpecialTime) -> _SpecialDays:
        first, last = days_of(special.dates, "dates")
        spans: tuple[Span, ...] = ()
        why = _named(special)
        if special.like:
            spans = self._week[WEEKDAYS.index(special.like)]
            why += f", like {special.like.capitalize()}"
        elif special.open:
            spans = spans_of(special.hours, "hours") or ((0, DAY),)
        return _SpecialDays(first, last, Day(spans, "special", why))


def _at(time: datetime) -> int:
    return (time.astimezone(UTC) - _EPOCH) // _MILLISECOND


def _named(special: SpecialTime) -> str:
    return f"special time {special.name}" + (f": {special.note}" if special.note else "")


def _shown(local: datetime) -> str:
    return f"{WEEKDAYS[local.weekday()].capitalize()} {local:%Y-%m-%d %H:%M}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}" if minutes != DAY else "24:00"
