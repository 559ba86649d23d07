"""The calendars: in memory for calls, changed by HTTP and by feature codes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from softswitch.events import CalendarOverridden, Fact
from softswitch.features.calendars import store
from softswitch.features.calendars.model import (
    Calendar,
    Override,
    SpecialTime,
    Timetable,
    checked,
    with_special,
    without_special,
)
from softswitch.features.calendars.model.document import FIRST, LAST
from softswitch.features.calendars.needs import Users
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.kernel.opening import Opening
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "calendars"
"""What these are called among the `Changes`."""
MOST_HOURS = 99
"""For which a code overrides a calendar."""


class Calendars:
    """Every calendar. Memory changes when a change is stored."""

    def __init__(self, clock: Clock, publish: Callable[[Fact], None], users: Users) -> None:
        self._clock = clock
        self._publish = publish
        self._users = users
        self._timetables: dict[str, Timetable] = {}

    async def load(self, database: Database) -> None:
        """Read all of them: before the first call, and again when another process has changed one."""
        async with database.reading() as session:
            stored = await store.all_calendars(session)
        self._timetables = {name: Timetable(calendar, override) for name, (calendar, override) in stored.items()}
        for timetable in self._timetables.values():
            timetable.opening(self._clock.wall_ms())  # the first look at a year's holidays takes longest

    # What others ask -----------------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Whether there is a calendar of this name."""
        return name in self._timetables

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Whether a calendar is open at a moment, wall milliseconds, and why. Raises NotFound."""
        return self.timetable(calendar).opening(at_ms)

    def timetable(self, name: str) -> Timetable:
        """One of them. Raises NotFound."""
        timetable = self._timetables.get(name)
        if timetable is None:
            raise NotFound("calendar", name)
        return timetable

    def page(self, after: str | None, most: int) -> Sequence[Timetable]:
        """Some of them by name, from behind one on."""
        names = sorted(name for name in self._timetables if after is None or name > after)
        return [self._timetables[name] for name in names[:most]]

    def moment(self, at: datetime | None) -> int:
        """A moment in wall milliseconds: now if None; UTC where it has no offset. Raises Invalid for a year that no
        calendar knows."""
        if at is None:
            return self._clock.wall_ms()
        if not FIRST <= at.year <= LAST:
            raise Invalid("at", f"the year is not from {FIRST} to {LAST}")
        return round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000)

    # What is changed -----------------------------------------------------------------------------------------

    async def create(self, session: Session, calendar: Calendar) -> Timetable:
        """Add a calendar. Raises Conflict and Invalid."""
        if await store.calendar(session, calendar.name) is not None:
            raise Conflict("exists", f"there is a calendar {calendar.name} already")
        return await self._set(session, checked(calendar), None)

    async def change(self, session: Session, name: str, changes: Mapping[str, Any]) -> Timetable:
        """Set what `changes` names, fields of `Calendar`. Raises NotFound and Invalid."""
        calendar, override = await self._stored(session, name)
        return await self._set(session, checked(replace(calendar, **changes)), override)

    async def remove(self, session: Session, name: str) -> None:
        """Delete a calendar. Raises NotFound, and Conflict while anything goes by it."""
        await self._stored(session, name)
        users = self._users.users_of(name)
        if users:
            raise Conflict("in-use", f"the calendar {name} is used by {', '.join(users[:5])}")
        await store.remove(session, name)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._forget(name))

    def _forget(self, name: str) -> None:
        self._timetables.pop(name, None)

    async def put_special(self, session: Session, name: str, special: SpecialTime) -> Timetable:
        """Add a special time, or change the one of its name. Raises NotFound and Invalid."""
        calendar, override = await self._stored(session, name)
        return await self._set(session, checked(with_special(calendar, special)), override)

    async def remove_special(self, session: Session, name: str, special: str) -> Timetable:
        """Take a special time out. Raises NotFound."""
        calendar, override = await self._stored(session, name)
        return await self._set(session, without_special(calendar, special), override)

    async def override(self, session: Session, name: str, override: Override | None) -> Timetable:
        """Open or close by hand, or (None) go by the calendar again. Raises NotFound, and Invalid for an end that has
        passed."""
        now = self._clock.wall_ms()
        if override is not None and not override.holds(now):
            raise Invalid("until", "has passed")
        calendar, _ = await self._stored(session, name)
        timetable = await self._set(session, calendar, override)
        fact = CalendarOverridden(
            at=now,
            calendar=name,
            open=None if override is None else override.open,
            until=None if override is None else override.until,
            by="" if override is None else override.by,
        )
        session.after_commit(lambda: self._publish(fact))
        return timetable

    async def by_code(self, session: Session, name: str, setting: str, hours: str, who: str) -> Timetable:
        """Override as `who` has dialled it: `open`, `closed`, each for some `hours` if digits say so, or `auto`.

        Raises NotFound, and Invalid for what is none of these.
        """
        if setting == "auto" and not hours:
            return await self.override(session, name, None)
        if setting not in ("open", "closed") or not (hours == "" or (hours.isascii() and hours.isdigit())):
            raise Invalid(setting, "a calendar is set to open, closed or auto")
        if hours and not 0 < int(hours) <= MOST_HOURS:
            raise Invalid(setting, f"for 1 to {MOST_HOURS} hours")
        until = self._clock.wall_ms() + int(hours) * 3_600_000 if hours else None
        return await self.override(session, name, Override(open=setting == "open", by=who, until=until))

    async def _stored(self, session: Session, name: str) -> store.Stored:
        stored = await store.calendar(session, name)
        if stored is None:
            raise NotFound("calendar", name)
        return stored

    async def _set(self, session: Session, calendar: Calendar, override: Override | None) -> Timetable:
        await store.write(session, calendar, override)
        await count_change(session, CHANGED)
        timetable = Timetable(calendar, override)
        session.after_commit(lambda: self._take(timetable))
        return timetable

    def _take(self, timetable: Timetable) -> None:
        self._timetables[timetable.calendar.name] = timetable
