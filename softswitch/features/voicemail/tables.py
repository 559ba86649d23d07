"""Boxes, messages, lists and mail that waits, as stored."""

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class BoxRow(Base):
    """One box; see `model.box.Box`."""

    __tablename__ = "voicemail_box"

    number: Mapped[str] = mapped_column(String(64), primary_key=True)
    settings: Mapped[str] = mapped_column(Text)
    """`Box` as JSON."""


class ListRow(Base):
    """One list; see `model.box.List`."""

    __tablename__ = "voicemail_list"

    number: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    boxes: Mapped[str] = mapped_column(Text)
    """Numbers with blanks between them."""


class MessageRow(Base):
    """One message; see `model.message.Message`."""

    __tablename__ = "voicemail_message"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    box: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    left_at: Mapped[int] = mapped_column(BigInteger)
    from_number: Mapped[str] = mapped_column(Text)
    from_name: Mapped[str] = mapped_column(Text)
    call: Mapped[str] = mapped_column(String(64))
    urgent: Mapped[bool] = mapped_column(Boolean)
    seconds: Mapped[float] = mapped_column(Float)
    file: Mapped[str] = mapped_column(Text)
    comment: Mapped[str] = mapped_column(Text)
    forwarded_by: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    transcript: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_voicemail_message_box_left_at", "box", "left_at"),
        Index("ix_voicemail_message_state", "state"),
    )


class MailRow(Base):
    """An e-mail that is to be sent about a message."""

    __tablename__ = "voicemail_mail"

    message: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[int] = mapped_column(BigInteger)
    """Wall milliseconds."""

    __table_args__ = (Index("ix_voicemail_mail_due_at", "due_at"),)
