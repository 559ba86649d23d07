"""Trunks as stored."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class TrunkRow(Base):
    """One trunk."""

    __tablename__ = "trunks_trunk"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    transport: Mapped[str] = mapped_column(String(8))
    context: Mapped[str] = mapped_column(String(64))
    sources: Mapped[str] = mapped_column(Text)
    """Addresses and networks whose calls are this trunk's, separated by spaces."""
    strip: Mapped[int]
    prefix: Mapped[str] = mapped_column(String(32))
    media: Mapped[str] = mapped_column(String(16))
    ring_seconds: Mapped[int]
    enabled: Mapped[bool]
    rules: Mapped[str] = mapped_column(Text, default="{}")
    """`model.TrunkRules` in JSON: only what was set."""
    secrets: Mapped[str] = mapped_column(Text, default="{}")
    """Sealed by the vault, in JSON, by their names in `service.SECRETS`."""


class TrunkGroupRow(Base):
    """Several trunks that a call may leave by."""

    __tablename__ = "trunks_group"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    rules: Mapped[str] = mapped_column(Text)
    """`model.GroupRules` in JSON."""
