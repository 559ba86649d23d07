"""Accounts as stored."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class AccountRow(Base):
    """One account. Its number is its SIP user name and can never change: the digests are made with it."""

    __tablename__ = "directory_account"

    number: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    realm: Mapped[str] = mapped_column(String(255))
    """The realm the digests were made for; they are worthless in another."""
    ha1_md5: Mapped[str] = mapped_column(String(32))
    ha1_sha256: Mapped[str] = mapped_column(String(64))
    enabled: Mapped[bool]
    context: Mapped[str] = mapped_column(String(64))
    ring_seconds: Mapped[int]
    caller_id: Mapped[str] = mapped_column(String(64))
    networks: Mapped[str] = mapped_column(Text, default="")
    """Where it may come from, separated by blanks; empty: from everywhere."""
    transports: Mapped[str] = mapped_column(String(40), default="")
    """How it may come, separated by blanks; empty: as it likes."""
    codecs: Mapped[str] = mapped_column(Text, default="")
    """Which codecs its phones are told of, best first, separated by blanks; empty: no rule."""
    in_call_codes: Mapped[bool] = mapped_column(default=True)
    pickup_groups: Mapped[str] = mapped_column(Text, default="")
    """Separated by blanks."""
    signalling: Mapped[str] = mapped_column(Text, default="{}")
    """`LegRules` in JSON: only what was set."""
    srtp: Mapped[str] = mapped_column(String(16), default="off")
    """Whether its phones' sound is encrypted: a value of `kernel.media.Srtp`."""
    video: Mapped[bool] = mapped_column(default=True)
    """Whether its phones may have video."""
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
