"""People who use the admin plane: names, roles and passwords, of which only an argon2 hash is kept.

A login makes a token of the user's that expires; everything else is done with that token.
"""

import asyncio
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update

from softswitch.kernel.errors import Conflict, NotFound
from softswitch.platform.auth import Role
from softswitch.platform.database import Session
from softswitch.platform.tables import TokenRow, UserRow
from softswitch.platform.tokens import create_token

LOGIN_HOURS = 12
MOST_USERS = 10_000

_hasher = PasswordHasher()
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$qzCfsBcpqkJrijxbfgGsNw$cHCHWWJgV3p0NXPrhAhP8zU2mmxqcV9rHIdSj1Zv5zU"
"""What the password of a name that there is not is compared with: it takes as long. Of 32 random octets that nobody
knows; made beforehand, because it would cost the start of the switch as much as a login."""
_at_work = asyncio.Semaphore(2)
"""A hash takes 64 MB and a core for a moment: few at a time."""


async def list_users(session: Session, after: str | None, limit: int) -> Sequence[UserRow]:
    """Users by name, from behind `after`."""
    query = select(UserRow).order_by(UserRow.name).limit(limit)
    if after is not None:
        query = query.where(UserRow.name > after)
    return (await session.scalars(query)).all()


async def find_user(session: Session, name: str) -> UserRow:
    """One user. Raises NotFound."""
    row = await session.get(UserRow, name)
    if row is None:
        raise NotFound("user", name)
    return row


async def create_user(session: Session, name: str, digest: str, role: Role, now: int) -> UserRow:
    """Make a user whose password has this hash. Raises Conflict for a name that is taken."""
    if await session.get(UserRow, name) is not None:
        raise Conflict("user-exists", f"there is a user {name} already")
    row = UserRow(name=name, role=role.value, digest=digest, enabled=True, created_at=now, changed_at=now)
    session.add(row)
    await session.flush()
    return row


async def end_logins(session: Session, name: str, now: int) -> None:
    """Revoke every token that a login of a user made."""
    await session.execute(
        update(TokenRow).where(TokenRow.user == name, TokenRow.revoked_at.is_(None)).values(revoked_at=now)
    )


async def remove_user(session: Session, name: str, now: int) -> None:
    """Delete a user, and end its logins. Raises NotFound."""
    await session.delete(await find_user(session, name))
    await end_logins(session, name, now)
    await session.flush()


async def digest_of_password(password: str) -> str:
    """The argon2id hash of a password, made in a thread."""
    async with _at_work:
        return await asyncio.to_thread(_hasher.hash, password)


async def log_in(session: Session, row: UserRow | None, password: str, now: int) -> tuple[TokenRow, str] | None:
    """A new token for a user whose password is right; None: it is not, or there is no such user."""
    async with _at_work:
        right = await asyncio.to_thread(_verify, row.digest if row is not None else NOBODY, password)
    if row is None or not right or not row.enabled:
        return None
    if _hasher.check_needs_rehash(row.digest):
        row.digest = await digest_of_password(password)
    row.last_login_at = now
    # Old logins must not fill the table of tokens.
    await session.execute(delete(TokenRow).where(TokenRow.user == row.name, TokenRow.expires_at <= now))
    token = await create_token(session, f"login of {row.name}", Role(row.role), now, now + LOGIN_HOURS * 3_600_000)
    token[0].user = row.name
    await session.flush()
    return token


class PinHashes:
    """Hashes and compares PINs as passwords are. A digest that is none takes as long."""

    async def digest(self, pin: str) -> str:
        """The argon2id hash of a PIN."""
        return await digest_of_password(pin)

    async def right(self, digest: str, pin: str) -> bool:
        """Whether a PIN is the one of a hash."""
        async with _at_work:
            return await asyncio.to_thread(_verify, digest or NOBODY, pin)


def _verify(digest: str, password: str) -> bool:
    try:
        return _hasher.verify(digest, password)
    except (VerificationError, InvalidHashError):
        return False
