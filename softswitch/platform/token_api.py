"""/api/v1/tokens: the admin plane's own keys."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, BaseModel, Field

from softswitch.platform.auth import Admin, Authenticator, Role
from softswitch.platform.rest import ABSENT, Changes, Input, Line, Moment, Page, Paging, Reading, Writing, wall_ms
from softswitch.platform.tables import TokenRow
from softswitch.platform.tokens import create_token, find_token, list_tokens, revoke_token

router = APIRouter(prefix="/tokens", tags=["tokens"])

TokenId = Annotated[int, Path(ge=1, le=2**31 - 1)]
TokenName = Annotated[Line, Field(min_length=1, examples=["wallboard"])]


class TokenOut(BaseModel):
    """A token without what it opens."""

    id: int
    name: str
    role: Role
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class NewToken(Input):
    name: TokenName
    role: Role = Role.VIEWER
    expires_at: AwareDatetime | None = Field(default=None, description="null: never")


class TokenCreated(TokenOut):
    token: str
    """Shown this once; only its digest is kept."""


class TokenChanges(Changes):
    name: TokenName = ABSENT


def _show(row: TokenRow) -> TokenOut:
    return TokenOut.model_validate(row, from_attributes=True)


def _authenticator(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator


@router.get("")
async def list_(paging: Paging, session: Reading, who: Admin) -> Page[TokenOut]:
    """All tokens, revoked ones too."""
    rows = await list_tokens(session, paging.after(int), paging.limit + 1)
    return paging.page(rows, lambda row: row.id, _show)


@router.post("", status_code=201)
async def create(body: NewToken, session: Writing, who: Admin, request: Request) -> TokenCreated:
    """Make a token; the answer is the only place that shows it."""
    authenticator = _authenticator(request)
    expires_at = wall_ms(body.expires_at)
    row, token = await create_token(session, body.name, body.role, authenticator.wall_ms(), expires_at)
    session.after_commit(authenticator.forget)
    return TokenCreated(**_show(row).model_dump(), token=token)


@router.get("/{token_id}")
async def get(token_id: TokenId, session: Reading, who: Admin) -> TokenOut:
    """One token."""
    return _show(await find_token(session, token_id))


@router.patch("/{token_id}")
async def change(token_id: TokenId, body: TokenChanges, session: Writing, who: Admin) -> TokenOut:
    """Give a token another name."""
    row = await find_token(session, token_id)
    for field, value in body.named().items():
        setattr(row, field, value)
    await session.flush()
    return _show(row)


@router.delete("/{token_id}", status_code=204)
async def revoke(token_id: TokenId, session: Writing, who: Admin, request: Request) -> None:
    """Revoke a token, at once and for ever."""
    authenticator = _authenticator(request)
    await revoke_token(session, token_id, authenticator.wall_ms())
    session.after_commit(authenticator.forget)
