"""The conditions of a rule beside the number: whose call it is, and when."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from softswitch.features.routing.model.document import Callers, Rule, TimeWindow
from softswitch.features.routing.model.pattern import Pattern
from softswitch.kernel.errors import NotFound
from softswitch.kernel.opening import Opening

OpeningOf = Callable[[str, int], Opening]
"""Whether a calendar is open at a moment (wall milliseconds), and why. Raises NotFound for one that there is not."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ORIGINS = ("account", "trunk", "guest", "api")


class CallerTest:
    """Whether a call's caller is one a rule is for."""

    __slots__ = ("_kind", "_name", "_number", "_pattern")

    def __init__(self, callers: Callers) -> None:
        """Raises ValueError naming the field."""
        self._pattern: Pattern | None = None
        if callers.number:
            try:
                self._pattern = Pattern(callers.match, callers.number)
            except ValueError as error:
                raise ValueError(f"callers.number: {error}") from None
        self._kind, _, self._name = callers.origin.partition("/")
        if callers.origin and self._kind not in _ORIGINS:
            raise ValueError(f"callers.origin: {self._kind!r} is none of {', '.join(_ORIGINS)}")

    def refusal(self, number: str, kind: str, name: str) -> str | None:
        """Why this caller is not one of them, in words; None: it is."""
        if self._kind and (kind != self._kind or (self._name and name != self._name)):
            wanted = f"{self._kind}/{self._name}" if self._name else f"a caller of kind {self._kind}"
            return f"the call comes from {kind}/{name}, not from {wanted}"
        if self._pattern is not None and self._pattern.full(number) is None:
            return f"caller {self._pattern.no(number)}"
        return None


class TimeTest:
    """Whether a moment lies in one of a rule's time windows."""

    __slots__ = ("_windows", "_zone")

    def __init__(self, windows: tuple[TimeWindow, ...], zone: str) -> None:
        """Raises ValueError naming the field."""
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"time_zone: {zone!r} is no time zone, such as Europe/Berlin") from None
        self._windows = [_compiled(window, f"times[{number}]") for number, window in enumerate(windows)]

    def refusal(self, at: int) -> str | None:
        """Why `at` (wall milliseconds) is outside, in words; None: it is inside."""
        local = datetime.fromtimestamp(at / 1000, self._zone)
        if any(holds(local) for holds in self._windows):
            return None
        return f"{local:%a %Y-%m-%d %H:%M} in {self._zone.key} is outside its times"


class CalendarTest:
    """Whether the calendars of a rule are as it wants them."""

    __slots__ = ("_opening", "_wanted")

    def __init__(self, wanted: Sequence[tuple[str, bool]], opening: OpeningOf) -> None:
        """`wanted`: names of calendars, and whether they must be open."""
        self._wanted = wanted
        self._opening = opening

    def refusal(self, at: int) -> str | None:
        """Which calendar is not as it is wanted, in words; None: all are."""
        for name, wanted in self._wanted:
            try:
                opening = self._opening(name, at)
            except NotFound as missing:
                return str(missing)
            if opening.open is not wanted:
                return _said(name, opening)
        return None

    def said(self, at: int) -> str:
        """How they are, in words, where they are as wanted."""
        return "; ".join(_said(name, self._opening(name, at)) for name, _ in self._wanted)


def _said(name: str, opening: Opening) -> str:
    return f"calendar {name} is {'open' if opening.open else 'closed'} ({opening.reason})"


def calendar_test(rule: Rule, opening: OpeningOf) -> CalendarTest | None:
    """The rule's condition on calendars; None: it has none."""
    wanted = [(name, state) for name, state in ((rule.while_open, True), (rule.while_closed, False)) if name]
    return CalendarTest(wanted, opening) if wanted else None


def caller_test(rule: Rule) -> CallerTest | None:
    """The rule's condition on the caller; None: it has none. Raises ValueError naming the field."""
    return CallerTest(rule.callers) if rule.callers != Callers() else None


def time_test(rule: Rule) -> TimeTest | None:
    """The rule's condition on the time; None: it has none. Raises ValueError naming the field."""
    test = TimeTest(rule.times, rule.time_zone)
    return test if rule.times else None


def _compiled(window: TimeWindow, where: str) -> Callable[[datetime], bool]:
    weekdays = frozenset(_WEEKDAYS.index(day) for day in window.weekdays) or frozenset(range(7))
    start = _clock_time(window.start, f"{where}.start")
    until = _clock_time(window.until, f"{where}.until")
    days = [_days(text, f"{where}.dates") for text in window.dates]

    def is_day(day: date) -> bool:
        return day.weekday() in weekdays and (not days or any(first <= day <= last for first, last in days))

    def holds(local: datetime) -> bool:
        now, today = local.time(), local.date()
        if until > start:
            return start <= now < until and is_day(today)
        # The window runs past midnight: it belongs to the day on which it began.
        return (now >= start and is_day(today)) or (now < until and is_day(today - timedelta(days=1)))

    return holds


def _clock_time(text: str, where: str) -> time:
    if not text:
        return time()
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise ValueError(f"{where}: {text!r} is no time of day, such as 08:30") from None


def _days(text: str, where: str) -> tuple[date, date]:
    first, _, last = text.partition("/")
    try:
        days = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError(f"{where}: {text!r} is no date or span of dates, such as 2026-12-24/2026-12-26") from None
    if days[1] < days[0]:
        raise ValueError(f"{where}: {text!r} ends before it begins")
    return days
