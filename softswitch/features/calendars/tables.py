"""Calendars as stored."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class CalendarRow(Base):
    """One calendar."""

    __tablename__ = "calendars_calendar"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    calendar: Mapped[str] = mapped_column(Text)
    """`Calendar` as JSON."""
    override: Mapped[str | None] = mapped_column(Text)
    """`Override` as JSON; none: nobody has set one."""
