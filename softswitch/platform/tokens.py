"""What can be done with the admin plane's tokens, by the API and by the command line alike."""

from collections.abc import Sequence

from sqlalchemy import func, select

from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.auth import Role, digest_of, new_token
from softswitch.platform.database import Session
from softswitch.platform.tables import TokenRow

MOST_TOKENS = 1000
"""How many may be valid at once: the switch holds them all in memory."""


async def create_token(
    session: Session, name: str, role: Role, now: int, expires_at: int | None = None
) -> tuple[TokenRow, str]:
    """Make a token: its row, and the token itself, which cannot be had again. Times are wall milliseconds."""
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires_at", "this time is past")
    valid = await session.scalar(select(func.count()).where(TokenRow.revoked_at.is_(None)))
    if (valid or 0) >= MOST_TOKENS:
        raise Conflict("too-many-tokens", f"there are {valid} tokens already: revoke some")
    token = new_token()
    row = TokenRow(name=name, role=role.value, digest=digest_of(token), created_at=now, expires_at=expires_at)
    session.add(row)
    await session.flush()
    return row, token


async def list_tokens(session: Session, after: int | None, limit: int) -> Sequence[TokenRow]:
    """Tokens by number, revoked ones too, from behind `after`."""
    query = select(TokenRow).where(TokenRow.id > (after or 0)).order_by(TokenRow.id).limit(limit)
    return (await session.scalars(query)).all()


async def find_token(session: Session, token_id: int) -> TokenRow:
    """One token. Raises NotFound."""
    row = await session.get(TokenRow, token_id)
    if row is None:
        raise NotFound("token", str(token_id))
    return row


async def revoke_token(session: Session, token_id: int, now: int) -> TokenRow:
    """End a token for ever; its row stays, to tell who had one. Revoking twice does nothing. Raises NotFound."""
    row = await find_token(session, token_id)
    if row.revoked_at is None:
        row.revoked_at = now
        await session.flush()
    return row
