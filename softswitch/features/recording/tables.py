"""Recordings and policies as stored."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class RecordingRow(Base):
    """One recording; see `model.Recording`."""

    __tablename__ = "recording_recording"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    call: Mapped[str] = mapped_column(String(64))
    leg: Mapped[str] = mapped_column(String(80))
    account: Mapped[str] = mapped_column(Text)
    from_number: Mapped[str] = mapped_column(Text)
    to_number: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    started_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    layout: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    file: Mapped[str] = mapped_column(Text)
    milliseconds: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    lost_ms: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    queue: Mapped[str] = mapped_column(Text)
    stay: Mapped[int] = mapped_column(BigInteger)
    agent: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_recording_recording_started_at_id", "started_at", "id"),
        Index("ix_recording_recording_call", "call"),
        Index("ix_recording_recording_expires_at", "expires_at"),
        Index("ix_recording_recording_state", "state"),
        Index("ix_recording_recording_queue", "queue"),
        Index("ix_recording_recording_agent", "agent"),
    )


class RuleRow(Base):
    """One rule, as JSON: see `model.rules.Rule`."""

    __tablename__ = "recording_rule"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    rule: Mapped[str] = mapped_column(Text)


class PolicyRow(Base):
    """What is recorded of one account's calls; see `model.Policy`."""

    __tablename__ = "recording_policy"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    mode: Mapped[str] = mapped_column(String(16))
    percentage: Mapped[int] = mapped_column(Integer)
    layout: Mapped[str] = mapped_column(String(16))
    format: Mapped[str] = mapped_column(String(16))
    consent_tone: Mapped[bool] = mapped_column(Boolean)
    keep_days: Mapped[int] = mapped_column(Integer)
