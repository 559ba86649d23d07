"""What all tables share, and the platform's own."""

from sqlalchemy import BigInteger, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The parent of every table. Features prefix theirs with their own name: `directory_account`.

    Times are wall milliseconds in `BigInteger` columns. Constraints get their names from here, so that a migration can
    name the one it changes on either database.
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class TokenRow(Base):
    """A bearer token of the admin plane; see `softswitch.platform.auth` for why only its digest is kept."""

    __tablename__ = "platform_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    user: Mapped[str | None] = mapped_column(String(64))
    """Whose login made it; None: it was made for itself."""


class UserRow(Base):
    """Someone who uses the admin plane; see `softswitch.platform.users`."""

    __tablename__ = "platform_user"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(200))
    """The argon2id hash of the password, with its salt and its cost."""
    enabled: Mapped[bool]
    created_at: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[int] = mapped_column(BigInteger)
    last_login_at: Mapped[int | None] = mapped_column(BigInteger)


class AuditRow(Base):
    """One entry of the audit log; see `softswitch.platform.audit.Entry`."""

    __tablename__ = "platform_audit"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    who: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(300))
    status: Mapped[int]
    detail: Mapped[str] = mapped_column(Text)


class ChangeRow(Base):
    """How often something that processes keep in memory was changed; see `softswitch.platform.changes`."""

    __tablename__ = "platform_change"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
