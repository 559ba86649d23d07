"""Rooms as stored."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class RoomRow(Base):
    """One room."""

    __tablename__ = "conference_room"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    rules: Mapped[str] = mapped_column(Text)
    """`Rules` as JSON, with sealed PINs and URLs."""


class EntryRow(Base):
    """One entry of a room's schedule."""

    __tablename__ = "conference_entry"

    room: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    entry: Mapped[str] = mapped_column(Text)
    """`Entry` as JSON."""
    done_until: Mapped[int] = mapped_column(BigInteger)
    """What was due until then, wall milliseconds, has been done: reminders were sent, members called."""


class MeetingRow(Base):
    """One meeting that goes on, for the process after this one."""

    __tablename__ = "conference_meeting"

    room: Mapped[str] = mapped_column(String(32), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    """`Kept` as JSON."""


class GuessRow(Base):
    """Wrong PINs of a caller, or at a room."""

    __tablename__ = "conference_guess"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    wrong: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)
    """Wall milliseconds."""
