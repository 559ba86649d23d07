"""Rules of being reached, as stored."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class ReachRow(Base):
    """What one account has set; none: nothing."""

    __tablename__ = "reach_rules"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    rules: Mapped[str] = mapped_column(Text)
    """`ReachRules` as JSON."""
