"""Dial plans as stored."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class PlanRow(Base):
    """One published version of the dial plan. Never changed, never deleted; the highest is the one in force."""

    __tablename__ = "routing_plan"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_at: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[str] = mapped_column(String(100))
    comment: Mapped[str] = mapped_column(String(200))
    rolled_back_to: Mapped[int | None]
    document: Mapped[str] = mapped_column(Text)
    """The whole `PlanDocument` as JSON."""
