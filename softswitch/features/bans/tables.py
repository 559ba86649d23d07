"""Bans as stored."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class BanRow(Base):
    """One network's last ban; see `model.Ban`."""

    __tablename__ = "bans_ban"

    network: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(String(200))
    since: Mapped[int] = mapped_column(BigInteger)
    until: Mapped[int | None] = mapped_column(BigInteger)
    times: Mapped[int]
    by: Mapped[str] = mapped_column(String(100))
