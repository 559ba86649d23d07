"""/api/v1/calendars."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.calendars.model import WEEKDAYS, Calendar, Override, SpecialTime, Timetable
from softswitch.features.calendars.model.document import DAY, FIRST, LAST
from softswitch.features.calendars.service import Calendars
from softswitch.kernel.errors import Invalid, NotFound
from softswitch.platform.auth import Admin, Operator
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Line, Moment, Name, Page, Paging, Writing, wall_ms

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Span = Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d-\d\d:\d\d$", max_length=11)]
"""`09:00-17:00`."""
Spans = Annotated[list[Span], Field(max_length=20)]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+_/-]+$", max_length=64)]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]*$", max_length=40)]
Stamp = Annotated[str, StringConstraints(max_length=40)]
MOST_DAYS = 400


class SpecialIn(Input):
    """A time that is not as the week and the holidays have it."""

    dates: Stamp = Field(default="", examples=["2026-12-24/2026-12-26"])
    start: Stamp = Field(
        default="", description="on the calendar's clock, or with an offset", examples=["2026-12-24T12:00"]
    )
    until: Stamp = ""
    open: bool = False
    hours: Spans = Field(default=[], description="of days that are open; empty, and no `like`: all day")
    like: Weekday | Literal[""] = Field(default="", description="these days have the hours of this day of the week")
    note: Line = ""


class NamedSpecial(SpecialIn):
    name: Name


class OverrideOut(BaseModel):
    open: bool
    by: str
    until: Moment | None


class CalendarOut(BaseModel):
    """A calendar."""

    name: str
    timezone: str
    hours: dict[str, list[str]]
    country: str
    subdivision: str
    make_up_like: str
    special: list[NamedSpecial]
    note: str
    override: OverrideOut | None
    """What was set by hand, also where its time has passed."""


class CalendarIn(Input):
    name: Name
    timezone: Zone = Field(examples=["Asia/Shanghai"])
    hours: dict[Weekday, Spans] = Field(
        default={},
        description="by day of the week; an end at or before the start is the next day's, 24:00 the end of the day",
        examples=[{"mon": ["09:00-12:00", "13:00-17:30"]}],
    )
    country: Region = Field(default="", description="whose public holidays are closed, by ISO 3166", examples=["CN"])
    subdivision: Region = ""
    make_up_like: Weekday = Field(default="mon", description="whose hours a day has that is worked for a holiday")
    special: list[NamedSpecial] = Field(default=[], max_length=1000)
    note: Line = ""


class CalendarChanges(Changes):
    timezone: Zone = ABSENT
    hours: dict[Weekday, Spans] = Field(default=ABSENT, description="replaces all")
    country: Region = ABSENT
    subdivision: Region = ABSENT
    make_up_like: Weekday = ABSENT
    special: list[NamedSpecial] = Field(default=ABSENT, description="replaces all", max_length=1000)
    note: Line = ABSENT


class OverrideIn(Input):
    open: bool
    until: datetime | None = Field(default=None, description="with its offset; null: until it is taken back")


class StateOut(BaseModel):
    """What a calendar says of a moment."""

    open: bool
    reason: str
    at: Moment
    local: datetime
    """On the calendar's clock."""
    next_change: Moment | None
    """When the other state begins; null: not within a year."""


class DayOut(BaseModel):
    """A day, and when it is open by what begins on it; overrides and special times of hours are not counted."""

    date: date
    weekday: str
    kind: Literal["hours", "holiday", "make-up workday", "special"]
    why: str
    hours: list[str]


def _show(timetable: Timetable) -> CalendarOut:
    said = msgspec.to_builtins(timetable.calendar)
    override = None if timetable.override is None else msgspec.to_builtins(timetable.override)
    return CalendarOut.model_validate(said | {"override": override})


def _special(said: NamedSpecial) -> SpecialTime:
    return msgspec.convert(said.model_dump(), SpecialTime)


def _day(timetable: Timetable, day: date) -> DayOut:
    rule = timetable.day(day)
    hours = [f"{_clock(start)}-{_clock(until if until <= DAY else until - DAY)}" for start, until in rule.spans]
    return DayOut.model_validate(
        {"date": day, "weekday": WEEKDAYS[day.weekday()], "kind": rule.kind, "why": rule.why, "hours": hours}
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def build_router(calendars: Calendars) -> APIRouter:
    """The routes over all calendars."""
    router = APIRouter(prefix="/calendars", tags=["calendars"])

    @router.get("")
    async def list_calendars(paging: Paging) -> Page[CalendarOut]:
        """Calendars by name."""
        rows = calendars.page(paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.calendar.name, _show)

    @router.post("", status_code=201)
    async def create_calendar(body: CalendarIn, session: Writing, who: Admin) -> CalendarOut:
        """Make a calendar."""
        return _show(await calendars.create(session, msgspec.convert(body.model_dump(), Calendar)))

    @router.get("/{name}")
    async def get_calendar(name: Key) -> CalendarOut:
        """One calendar."""
        return _show(calendars.timetable(name))

    @router.patch("/{name}")
    async def change_calendar(name: Key, body: CalendarChanges, session: Writing, who: Admin) -> CalendarOut:
        """Change what the body names."""
        changes = body.named()
        if "special" in changes:
            changes["special"] = tuple(_special(special) for special in body.special)
        if "hours" in changes:
            changes["hours"] = {day: tuple(spans) for day, spans in body.hours.items()}
        return _show(await calendars.change(session, name, changes))

    @router.delete("/{name}", status_code=204)
    async def delete_calendar(name: Key, session: Writing, who: Admin) -> None:
        """Delete a calendar that nothing goes by."""
        await calendars.remove(session, name)

    @router.put("/{name}/special/{special}")
    async def put_special(name: Key, special: Name, body: SpecialIn, session: Writing, who: Admin) -> CalendarOut:
        """Add a special time, or put it in the place of the one of this name."""
        said = NamedSpecial(name=special, **body.model_dump())
        return _show(await calendars.put_special(session, name, _special(said)))

    @router.delete("/{name}/special/{special}", status_code=204)
    async def delete_special(name: Key, special: Key, session: Writing, who: Admin) -> None:
        """Take a special time out."""
        await calendars.remove_special(session, name, special)

    @router.put("/{name}/override")
    async def put_override(name: Key, body: OverrideIn, session: Writing, who: Operator) -> CalendarOut:
        """Open or close by hand, whatever the calendar says."""
        until = None
        if body.until is not None:
            if body.until.tzinfo is None:
                raise Invalid("until", "has no offset: write +00:00 or Z behind it")
            until = wall_ms(body.until)
        return _show(await calendars.override(session, name, Override(open=body.open, by=who.name, until=until)))

    @router.delete("/{name}/override", status_code=204)
    async def delete_override(name: Key, session: Writing, who: Operator) -> None:
        """Go by the calendar again."""
        if calendars.timetable(name).override is None:
            raise NotFound("override of the calendar", name)
        await calendars.override(session, name, None)

    @router.get("/{name}/state")
    async def state(
        name: Key, at: Annotated[datetime | None, Query(description="null: now; without an offset, UTC")] = None
    ) -> StateOut:
        """Whether it is open at a moment, why, and when that changes."""
        timetable, moment = calendars.timetable(name), calendars.moment(at)
        opening = timetable.opening(moment)
        return StateOut(
            open=opening.open,
            reason=opening.reason,
            at=moment,  # type: ignore[arg-type]
            local=timetable.local(moment),
            next_change=timetable.next_change(moment),  # type: ignore[arg-type]
        )

    @router.get("/{name}/days")
    async def days(
        name: Key,
        first: Annotated[date | None, Query(alias="from", description="null: today")] = None,
        count: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 31,
    ) -> list[DayOut]:
        """The days from one on, with holidays and the days that are worked instead: what special times are to mend."""
        timetable = calendars.timetable(name)
        begin = first or timetable.local(calendars.moment(None)).date()
        if not FIRST <= begin.year <= LAST:
            raise Invalid("from", f"the year is not from {FIRST} to {LAST}")
        return [_day(timetable, begin + timedelta(days=number)) for number in range(count)]

    return router
