"""Lists, their records, how far those have come, and whom nobody calls."""

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base

_NUMBERED = BigInteger().with_variant(Integer(), "sqlite")


class ListRow(Base):
    """One list."""

    __tablename__ = "campaigns_list"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    rules: Mapped[str] = mapped_column(Text)
    """`CampaignRules` as JSON."""
    state: Mapped[str] = mapped_column(String(16))


class RecordRow(Base):
    """A number of a list."""

    __tablename__ = "campaigns_record"

    id: Mapped[int] = mapped_column(_NUMBERED, primary_key=True)
    campaign: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(64))
    """As it was given."""
    same: Mapped[str] = mapped_column(String(64))
    """As it is compared."""
    attributes: Mapped[str] = mapped_column(Text)
    """JSON."""
    priority: Mapped[int] = mapped_column(Integer)
    not_before: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("campaign", "same", name="uq_campaigns_record_campaign"),
        Index("ix_campaigns_record_campaign_id", "campaign", "id"),
        # An id is never used again: what is still on its way to the disk of one that was deleted belongs to no other.
        {"sqlite_autoincrement": True},
    )


class ProgressRow(Base):
    """How far a record has come; there is none before its first attempt. Written with the facts, behind the calls."""

    __tablename__ = "campaigns_progress"

    record: Mapped[int] = mapped_column(_NUMBERED, primary_key=True, autoincrement=False)
    campaign: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    due: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer)
    tries: Mapped[str] = mapped_column(Text)
    """JSON: how often each result was."""
    outcome: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_campaigns_progress_campaign_state", "campaign", "state"),)


class BarredRow(Base):
    """A number that nobody calls."""

    __tablename__ = "campaigns_barred"

    same: Mapped[str] = mapped_column(String(64), primary_key=True)
    """As it is compared."""
    number: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    said_by: Mapped[str] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BigInteger)
