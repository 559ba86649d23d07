"""Queues, agents, who is signed on, and who is to be called back, as stored."""

from sqlalchemy import BigInteger, Boolean, Integer, String, Text
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


class CallbackRow(Base):
    """Somebody who waits to be called back."""

    __tablename__ = "acd_callback"

    stay: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    body: Mapped[str] = mapped_column(Text)
    """`CallbackKept` as JSON."""
