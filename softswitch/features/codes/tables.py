"""Codes as they were set."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class CodeRow(Base):
    """One code that is not as it is unless set otherwise."""

    __tablename__ = "codes_in_call"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    """`InCallCode` as JSON."""
