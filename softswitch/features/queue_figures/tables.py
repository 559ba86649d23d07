"""What reports are made of: rows that go with the facts they come from, in the same transaction."""

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base

_NUMBERED = BigInteger().with_variant(Integer(), "sqlite")


class StayRow(Base):
    """One stay in a queue, from `CallerQueued` on; stored anew when it ends."""

    __tablename__ = "queue_figures_stay"

    stay: Mapped[int] = mapped_column(_NUMBERED, primary_key=True, autoincrement=False)
    queue: Mapped[str] = mapped_column(Text)
    call: Mapped[str] = mapped_column(String(64))
    trunk: Mapped[str] = mapped_column(Text)
    """That the call came by; empty: it came by none."""
    queued_at: Mapped[int] = mapped_column(BigInteger)
    left_at: Mapped[int | None] = mapped_column(BigInteger)
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_queue_figures_stay_queued_at", "queued_at"),
        Index("ix_queue_figures_stay_queue_queued_at", "queue", "queued_at"),
        Index("ix_queue_figures_stay_left_at", "left_at"),
    )


class SkillRow(Base):
    """A skill that a stay asks for."""

    __tablename__ = "queue_figures_skill"

    stay: Mapped[int] = mapped_column(_NUMBERED, primary_key=True, autoincrement=False)
    skill: Mapped[str] = mapped_column(String(100), primary_key=True)


class SpanRow(Base):
    """Some time of an agent in one state, over, and within one quarter of an hour; never signed off."""

    __tablename__ = "queue_figures_span"

    id: Mapped[int] = mapped_column(_NUMBERED, primary_key=True)
    agent: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    stay: Mapped[int] = mapped_column(BigInteger)
    begin_at: Mapped[int] = mapped_column(BigInteger)
    end_at: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_queue_figures_span_begin_at", "begin_at"),
        Index("ix_queue_figures_span_agent_begin_at", "agent", "begin_at"),
    )


class AgentRow(Base):
    """What an agent does since its last change of state."""

    __tablename__ = "queue_figures_agent"

    agent: Mapped[str] = mapped_column(String(100), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    stay: Mapped[int] = mapped_column(BigInteger)
    begin_at: Mapped[int] = mapped_column(BigInteger)


class EndRow(Base):
    """Something that ended: a `conversation`, a ring that was `not_answered`, a `callback`."""

    __tablename__ = "queue_figures_end"

    id: Mapped[int] = mapped_column(_NUMBERED, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    """Of a conversation: `caller`, `agent`, `transferred`, ...; of a callback: its outcome."""
    queue: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    stay: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_queue_figures_end_at", "at"),)


class CallbackRow(Base):
    """Somebody who waits to be called back, or did."""

    __tablename__ = "queue_figures_callback"

    stay: Mapped[int] = mapped_column(_NUMBERED, primary_key=True, autoincrement=False)
    queue: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_queue_figures_callback_ended_at", "ended_at"),)


class AlarmRow(Base):
    """An alarm, as JSON; see `model.alarms.Alarm`."""

    __tablename__ = "queue_figures_alarm"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
