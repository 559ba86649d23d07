"""Queues, agents, and who is signed on, as stored."""

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class QueueRow(Base):
    """One queue."""

    __tablename__ = "acd_queue"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    settings: Mapped[str] = mapped_column(Text)
    """`QueueSettings` as JSON."""


class AgentRow(Base):
    """One agent."""

    __tablename__ = "acd_agent"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    settings: Mapped[str] = mapped_column(Text)
    """`AgentSettings` as JSON."""


class SignOnRow(Base):
    """An agent who is signed on, so that it is after a restart, too."""

    __tablename__ = "acd_sign_on"

    agent: Mapped[str] = mapped_column(String(64), primary_key=True)
    seat: Mapped[str] = mapped_column(String(64))
    ready: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(Text)
    """Why it is not ready."""
