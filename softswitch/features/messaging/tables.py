"""Messages as stored."""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class MessageRow(Base):
    """One message. Its number grows with time: messages are delivered in its order."""

    __tablename__ = "messaging_message"
    __table_args__ = (
        Index("ix_messaging_message_to_account_state", "to_account", "state", "id"),
        Index("ix_messaging_message_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    from_number: Mapped[str] = mapped_column(String(64))
    from_name: Mapped[str] = mapped_column(String(200))
    to_account: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(255))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    done_at: Mapped[int | None] = mapped_column(BigInteger)
