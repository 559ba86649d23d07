"""/api/v1/users and /api/v1/login: people who use the admin plane."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, StringConstraints

from softswitch.platform.auth import Admin, Authenticator, NotAuthenticated, Role
from softswitch.platform.rest import ABSENT, Changes, Input, Moment, Name, Page, Paging, Reading, Writing
from softswitch.platform.tables import UserRow
from softswitch.platform.users import (
    create_user,
    digest_of_password,
    end_logins,
    find_user,
    list_users,
    log_in,
    remove_user,
)

router = APIRouter(prefix="/users", tags=["users"])
login_router = APIRouter(tags=["users"])

UserName = Annotated[str, Path(max_length=64)]
Password = Annotated[str, StringConstraints(min_length=12, max_length=200)]


class UserOut(BaseModel):
    """A user; the password cannot be read back."""

    name: str
    role: Role
    enabled: bool
    created_at: Moment
    changed_at: Moment
    last_login_at: Moment | None


class UserIn(Input):
    name: Name
    password: Password
    role: Role = Role.VIEWER


class UserChanges(Changes):
    password: Password = ABSENT
    role: Role = ABSENT
    enabled: bool = ABSENT


class Login(Input):
    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=200)]


class LoggedIn(BaseModel):
    token: str
    role: Role
    expires_at: Moment


def _authenticator(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator


def _show(row: UserRow) -> UserOut:
    return UserOut.model_validate(row, from_attributes=True)


@router.get("")
async def list_(paging: Paging, session: Reading, who: Admin) -> Page[UserOut]:
    """All users."""
    return paging.page(await list_users(session, paging.after(str), paging.limit + 1), lambda row: row.name, _show)


@router.post("", status_code=201)
async def create(body: UserIn, session: Writing, who: Admin, request: Request) -> UserOut:
    """Make a user."""
    digest = await digest_of_password(body.password)
    return _show(await create_user(session, body.name, digest, body.role, _authenticator(request).wall_ms()))


@router.get("/{name}")
async def get(name: UserName, session: Reading, who: Admin) -> UserOut:
    """One user."""
    return _show(await find_user(session, name))


@router.patch("/{name}")
async def change(name: UserName, body: UserChanges, session: Writing, who: Admin, request: Request) -> UserOut:
    """Change what the body names. It ends the user's logins."""
    authenticator = _authenticator(request)
    row = await find_user(session, name)
    named = body.named()
    if "password" in named:
        row.digest = await digest_of_password(named["password"])
    if "role" in named:
        row.role = named["role"].value
    row.enabled = named.get("enabled", row.enabled)
    row.changed_at = authenticator.wall_ms()
    await end_logins(session, name, authenticator.wall_ms())
    await session.flush()
    session.after_commit(authenticator.forget)
    return _show(row)


@router.delete("/{name}", status_code=204)
async def delete(name: UserName, session: Writing, who: Admin, request: Request) -> None:
    """Delete a user, and end its logins."""
    authenticator = _authenticator(request)
    await remove_user(session, name, authenticator.wall_ms())
    session.after_commit(authenticator.forget)


@login_router.post("/login")
async def login(body: Login, session: Writing, request: Request) -> LoggedIn:
    """A token for a name and a password. It expires after twelve hours."""
    authenticator = _authenticator(request)
    source = request.client.host if request.client else ""
    authenticator.check_source(source)
    row = await session.get(UserRow, body.name)
    made = await log_in(session, row, body.password, authenticator.wall_ms())
    if made is None:
        authenticator.count_failure(source)
        raise NotAuthenticated("this name and password are not right", "invalid_token")
    session.after_commit(authenticator.forget)
    token, secret = made
    return LoggedIn.model_validate({"token": secret, "role": token.role, "expires_at": token.expires_at})


@login_router.delete("/login", status_code=204)
async def logout(session: Writing, request: Request) -> None:
    """End the login whose token the request carries."""
    authenticator = _authenticator(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        await authenticator.revoke(session, token.strip())
        session.after_commit(authenticator.forget)
