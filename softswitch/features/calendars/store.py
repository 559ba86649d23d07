"""Every query about calendars."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from softswitch.features.calendars.model import Calendar, Override
from softswitch.features.calendars.tables import CalendarRow
from softswitch.platform.database import Session

Stored = tuple[Calendar, Override | None]


async def all_calendars(session: Session) -> Mapping[str, Stored]:
    """By name, in their order."""
    rows = await session.scalars(select(CalendarRow).order_by(CalendarRow.name))
    return {row.name: _read(row) for row in rows}


async def calendar(session: Session, name: str) -> Stored | None:
    """One of them, and what was set by hand."""
    row = await session.get(CalendarRow, name)
    return None if row is None else _read(row)


async def write(session: Session, calendar: Calendar, override: Override | None) -> None:
    """Store a calendar, a new one or as it is from now on."""
    await session.merge(
        CalendarRow(
            name=calendar.name,
            calendar=msgspec.json.encode(calendar).decode(),
            override=None if override is None else msgspec.json.encode(override).decode(),
        )
    )
    await session.flush()


async def remove(session: Session, name: str) -> None:
    """Forget one."""
    row = await session.get(CalendarRow, name)
    if row is not None:
        await session.delete(row)
        await session.flush()


def _read(row: CalendarRow) -> Stored:
    override = None if row.override is None else msgspec.json.decode(row.override, type=Override)
    return msgspec.json.decode(row.calendar, type=Calendar), override
