"""Flows as stored, and the paths that calls took."""

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class VersionRow(Base):
    """One published version of a flow. Never changed, never deleted; the highest of a flow is the one in force."""

    __tablename__ = "ivr_version"

    flow: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_at: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[str] = mapped_column(String(100))
    comment: Mapped[str] = mapped_column(String(200))
    rolled_back_to: Mapped[int | None]
    source: Mapped[str] = mapped_column(Text)
    """YAML; empty: the flow was withdrawn, and the one that ships under its name, if any, is in force again."""


class DraftRow(Base):
    """A flow that is being written."""

    __tablename__ = "ivr_draft"

    flow: Mapped[str] = mapped_column(String(64), primary_key=True)
    changed_at: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(Text)


class PathRow(Base):
    """A call's way through a flow."""

    __tablename__ = "ivr_path"

    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    call: Mapped[str] = mapped_column(String(64))
    flow: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger)
    began_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str] = mapped_column(Text)
    destination: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    steps: Mapped[str] = mapped_column(Text)
    """A JSON array of `FlowStep`."""

    __table_args__ = (
        Index("ix_ivr_path_flow_began_at", "flow", "began_at"),
        Index("ix_ivr_path_call", "call"),
    )
