"""Bindings as stored."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class LocationRow(Base):
    """All bindings of one account, as JSON in one row: they are always replaced together, so that a refresh writes
    one row by its key, and no query ever looks inside."""

    __tablename__ = "registrar_location"

    aor: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    """When the last of them runs out."""
    bindings: Mapped[str] = mapped_column(Text)
