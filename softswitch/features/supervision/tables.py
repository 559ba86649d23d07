"""Rights as stored."""

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class RightsRow(Base):
    """What one account may supervise; see `model.Rights`. Lists are words with spaces between."""

    __tablename__ = "supervision_rights"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    everybody: Mapped[bool] = mapped_column(Boolean)
    accounts: Mapped[str] = mapped_column(Text)
    groups: Mapped[str] = mapped_column(Text)
    acts: Mapped[str] = mapped_column(Text)
