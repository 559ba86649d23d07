"""Mailbox counts and rules of being seen, as stored."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class MailboxRow(Base):
    """What waits in one account's mailbox; none: nothing ever did."""

    __tablename__ = "presence_mailbox"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    new: Mapped[int]
    old: Mapped[int]
    urgent_new: Mapped[int]
    urgent_old: Mapped[int]


class PrivacyRow(Base):
    """How one account may be seen; none: by the rules that hold for everyone."""

    __tablename__ = "presence_privacy"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    rules: Mapped[str] = mapped_column(Text)
    """`Privacy` as JSON."""
