"""Call detail records as stored."""

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class CdrRow(Base):
    """One record: the whole as JSON in `body`, and beside it what lists are filtered by."""

    __tablename__ = "cdr_record"

    call: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[int] = mapped_column(BigInteger)
    from_number: Mapped[str] = mapped_column(Text)
    to_number: Mapped[str] = mapped_column(Text)
    disposition: Mapped[str] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_cdr_record_started_at_call", "started_at", "call"),)
