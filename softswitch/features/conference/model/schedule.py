"""When a room has meetings, and what is due because of them. Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from softswitch.features.conference.model.duration import WARNINGS
from softswitch.features.conference.model.rules import MOST_INVITED, Invitee
from softswitch.kernel.errors import Invalid

Repeat = Literal["", "daily", "weekdays", "weekly"]
MOST_MINUTES = 24 * 60
LATE_MS = 10 * 60_000
"""What was due longer ago, because the switch was not there, is not made up for."""
_EARLIEST_MS, _LATEST_MS = 0, 4_102_444_800_000
"""From 1970 to 2100: what is far beyond can be reckoned with in no time zone."""
_MOST_LOOKED_AT = 800
"""Days in a row that a calendar may have closed before nothing more is looked for."""


class Entry(Struct, frozen=True, kw_only=True):
    """A meeting in a room's schedule, once or again and again."""

    name: str
    starts_at: int
    """The first one, wall milliseconds."""
    minutes: int = 60
    title: str = ""
    timezone: str = "UTC"
    """By whose clock it is repeated."""
    repeat: Repeat = ""
    until: int | None = None
    """No meeting begins after this; None: it is repeated for ever."""
    calendar: str = ""
    """A calendar: on days on which it is closed at that time there is no meeting."""
    members: tuple[Invitee, ...] = ()
    """Who is reminded and called; none: the room's members."""
    remind: tuple[int, ...] = (15,)
    """How many minutes before the beginning."""
    calls: bool = False
    """Whether the room calls the members when it begins."""
    ends: bool = False
    """Whether whoever is still there is let go when its time is over."""


class Due(Struct, frozen=True, gc=False):
    """Something to be done."""

    at: int
    what: Literal["remind", "begin", "warn", "end"]
    starts_at: int
    """Of the meeting."""
    minutes: int = 0
    """Before its beginning, of a reminder; before its end, of a warning."""


Open = Callable[[str, int], bool]
"""Whether a calendar is open at a moment."""


def checked(entry: Entry) -> Entry:
    """The same. Raises Invalid naming the field that cannot be."""
    try:
        ZoneInfo(entry.timezone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise Invalid("timezone", f"there is no time zone {entry.timezone!r}") from unknown
    if not 1 <= entry.minutes <= MOST_MINUTES:
        raise Invalid("minutes", f"from 1 to {MOST_MINUTES}")
    if not _EARLIEST_MS <= entry.starts_at <= _LATEST_MS:
        raise Invalid("starts_at", "from 1970 to 2100")
    if entry.until is not None and entry.until < entry.starts_at:
        raise Invalid("until", "is before the beginning")
    if len(entry.members) > MOST_INVITED:
        raise Invalid("members", f"at most {MOST_INVITED}")
    return entry


def beginnings(entry: Entry, after: int, is_open: Open) -> Iterator[int]:
    """When its meetings begin, from a moment on, in order: by the clock of its zone, whatever the sun has of it."""
    zone = ZoneInfo(entry.timezone)
    first = datetime.fromtimestamp(entry.starts_at / 1000, zone).replace(tzinfo=None)
    step = timedelta(days=7 if entry.repeat == "weekly" else 1)
    count, looked = 0, 0
    if entry.repeat and after > entry.starts_at:
        count = max((after - entry.starts_at) // round(step.total_seconds() * 1000) - 1, 0)
    while looked < _MOST_LOOKED_AT:
        local = first + step * count
        start = round(local.replace(tzinfo=zone).timestamp() * 1000)
        if entry.until is not None and start > entry.until:
            return
        held = not (entry.repeat == "weekdays" and local.weekday() >= 5)
        if held and entry.calendar:
            held = is_open(entry.calendar, start)
        if held and start >= after:
            looked = 0
            yield start
        if not entry.repeat:
            return
        count += 1
        looked += 1


def due(entry: Entry, since: int, until: int, is_open: Open) -> list[Due]:
    """What falls into a time, the beginning excluded, in order."""
    lead = max(entry.remind, default=0) * 60_000
    length = entry.minutes * 60_000
    found: list[Due] = []
    for start in beginnings(entry, since - length, is_open):
        if start - lead > until:
            break
        wanted = [Due(start - minutes * 60_000, "remind", start, minutes) for minutes in sorted(set(entry.remind))]
        wanted += [Due(start, "begin", start), Due(start + length, "end", start)]
        if entry.ends:
            warned = [minutes for minutes in WARNINGS if minutes < entry.minutes]
            wanted += [Due(start + length - minutes * 60_000, "warn", start, minutes) for minutes in warned]
        found += [each for each in wanted if since < each.at <= until]
    return sorted(found, key=lambda each: each.at)


def meets(entry: Entry, now: int, early_ms: int, is_open: Open) -> bool:
    """Whether one of its meetings goes on, or will within `early_ms`."""
    start = next(beginnings(entry, now - entry.minutes * 60_000 + 1, is_open), None)
    return start is not None and start - early_ms <= now
