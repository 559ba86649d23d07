"""A calendar as it is written down: what the API takes and gives, and what is stored."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import replace

from softswitch.features.calendars.model import public_holidays
from softswitch.kernel.errors import Invalid, NotFound

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_SPANS = 20
MOST_SPECIAL = 1000
DAY = 24 * 60
"""Minutes."""
FIRST, LAST = 1970, 2199
"""The years that may be named: what a calendar cannot mean is a slip of the pen."""

Span = tuple[int, int]
"""From a minute of a day until another, which is excluded; beyond `DAY`: of the following day."""


class SpecialTime(Struct, frozen=True, gc=False, kw_only=True):
    """A time that is not as the week and the holidays have it: whole days (`dates`), or from one time to another
    (`start`, `until`)."""

    name: str
    """Unique in its calendar."""
    dates: str = ""
    """`2026-12-24`, or `2026-12-24/2026-12-26` with both ends included."""
    start: str = ""
    """`2026-12-24T12:00` on the calendar's clock; with an offset behind it (`+01:00`, `Z`) by that."""
    until: str = ""
    """The same; excluded."""
    open: bool = False
    hours: tuple[str, ...] = ()
    """When these days are open: `09:00-12:00`. Empty, and no `like`: all day."""
    like: str = ""
    """They have the hours of this day of the week, such as `mon`: a make-up workday."""
    note: str = ""
    """For people; told as the reason."""


class Override(Struct, frozen=True, gc=False, kw_only=True):
    """What somebody has set by hand, whatever the calendar says."""

    open: bool
    by: str
    until: int | None = None
    """Wall milliseconds; None: until it is taken back."""

    def holds(self, at: int) -> bool:
        return self.until is None or at < self.until


class Calendar(Struct, frozen=True, gc=False, kw_only=True):
    """When somebody is there."""

    name: str
    timezone: str
    """By its IANA name: `Asia/Shanghai`."""
    hours: Mapping[str, tuple[str, ...]] = {}
    """By day of the week, `mon` to `sun`: `09:00-12:00`; an end at or before the start is the next day's, `24:00` is
    the end of the day. A day that is not there is closed."""
    country: str = ""
    """Whose public holidays are closed, by ISO 3166 (`DE`); empty: nobody's."""
    subdivision: str = ""
    """And those of a part of it: `BY`."""
    make_up_like: str = "mon"
    """Whose hours a day has that is worked instead of a holiday, as in China."""
    special: tuple[SpecialTime, ...] = ()
    """Before holidays and hours; of several that hold, one by times comes before one by dates, and then the first."""
    note: str = ""


def checked(calendar: Calendar) -> Calendar:
    """The same calendar. Raises Invalid naming the field that cannot be."""
    try:
        zone = ZoneInfo(calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("timezone", f"{calendar.timezone!r} is no time zone, such as Europe/Berlin") from None
    for weekday, spans in calendar.hours.items():
        if weekday not in WEEKDAYS:
            raise Invalid("hours", f"{weekday!r} is none of {', '.join(WEEKDAYS)}")
        spans_of(spans, f"hours.{weekday}")
    why = public_holidays.why_unknown(calendar.country, calendar.subdivision)
    if why is not None:
        raise Invalid("subdivision" if calendar.country and "subdivision" in why else "country", why)
    if calendar.make_up_like not in WEEKDAYS:
        raise Invalid("make_up_like", f"{calendar.make_up_like!r} is none of {', '.join(WEEKDAYS)}")
    if len(calendar.special) > MOST_SPECIAL:
        raise Invalid("special", f"at most {MOST_SPECIAL}")
    names = set[str]()
    for special in calendar.special:
        if special.name in names:
            raise Invalid(f"special.{special.name}", "there are two of this name")
        names.add(special.name)
        _check_special(special, zone)
    return calendar


def _check_special(special: SpecialTime, zone: ZoneInfo) -> None:
    where = f"special.{special.name}"
    if bool(special.dates) == bool(special.start or special.until):
        raise Invalid(where, "has either dates, or start and until")
    if special.dates:
        days_of(special.dates, f"{where}.dates")
        spans_of(special.hours, f"{where}.hours")
        if special.like and special.like not in WEEKDAYS:
            raise Invalid(f"{where}.like", f"{special.like!r} is none of {', '.join(WEEKDAYS)}")
        if special.like and special.hours:
            raise Invalid(f"{where}.like", "stands alone: leave out hours")
    else:
        start = time_of(special.start, f"{where}.start")
        until = time_of(special.until, f"{where}.until")
        # By the clock alone where neither has an offset: the same text means the same order in every zone.
        ends = [each.replace(tzinfo=each.tzinfo or zone).astimezone(UTC) for each in (start, until)]
        if ends[1] <= ends[0]:
            raise Invalid(f"{where}.until", "is not after its start")
    if (special.hours or special.like) and not (special.dates and special.open):
        raise Invalid(f"{where}.hours", "only days that are open have hours")


def spans_of(texts: tuple[str, ...], where: str) -> tuple[Span, ...]:
    """`09:00-17:00`, each as minutes. Raises Invalid naming `where`."""
    if len(texts) > MOST_SPANS:
        raise Invalid(where, f"at most {MOST_SPANS} spans a day")
    spans = []
    for text in texts:
        first, _, last = text.partition("-")
        start, until = _minute(first), _minute(last)
        if start is None or until is None or start == DAY:
            raise Invalid(where, f"{text!r} is no span of a day, such as 09:00-17:00")
        spans.append((start, until if until > start else until + DAY))
    return tuple(spans)


def _minute(text: str) -> int | None:
    hour, _, minute = text.partition(":")
    if not (len(text) == 5 and text.isascii() and hour.isdigit() and minute.isdigit()):
        return None
    value = int(hour) * 60 + int(minute)
    return value if int(minute) < 60 and value <= DAY else None


def days_of(text: str, where: str) -> tuple[date, date]:
    """The first and the last day of `2026-12-24/2026-12-26`. Raises Invalid naming `where`."""
    first, _, last = text.partition("/")
    try:
        days = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise Invalid(where, f"{text!r} is no date or span of dates, such as 2026-12-24/2026-12-26") from None
    if days[1] < days[0]:
        raise Invalid(where, f"{text!r} ends before it begins")
    _within(days[0].year, days[1].year, where)
    return days


def time_of(text: str, where: str) -> datetime:
    """A time on the calendar's clock, or one with an offset. Raises Invalid naming `where`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or "T" not in text or time.second or time.microsecond:
        raise Invalid(where, f"{text!r} is no time, such as 2026-12-24T12:00")
    _within(time.year, time.year, where)
    return time


def _within(first: int, last: int, where: str) -> None:
    if not FIRST <= first <= last <= LAST:
        raise Invalid(where, f"the year is not from {FIRST} to {LAST}")


def with_special(calendar: Calendar, special: SpecialTime) -> Calendar:
    """Add a special time, or put it in the place of the one of its name."""
    if any(other.name == special.name for other in calendar.special):
        return replace(
            calendar, special=tuple(special if other.name == special.name else other for other in calendar.special)
        )
    return replace(calendar, special=(*calendar.special, special))


def without_special(calendar: Calendar, name: str) -> Calendar:
    """Take one out. Raises NotFound."""
    if all(other.name != name for other in calendar.special):
        raise NotFound(f"special time of {calendar.name}", name)
    return replace(calendar, special=tuple(other for other in calendar.special if other.name != name))
