"""Who may use the admin plane: bearer tokens with roles.

A token is 256 random bits. Only its SHA-256 is stored: whoever reads the database cannot use what is found there.
A slow password hash would add nothing, since nobody can guess 256 bits however fast the hash is, and would cost
every request what it is meant to cost a guesser.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import structlog
from fastapi import Depends
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase
from sqlalchemy import select, update
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import NotPermitted, SwitchError
from softswitch.platform.database import Database, DatabaseUnavailable, Session
from softswitch.platform.first_message import FirstMessages
from softswitch.platform.tables import TokenRow

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 5.0
"""How long a token that another process revoked or made may go unnoticed."""
LAST_USED_STEP_MS = 60_000
"""`last_used_at` is exact to a minute, so that a busy client costs one write a minute."""
FAILURES_ALLOWED = 20
FAILURE_WINDOW_SECONDS = 60.0
_SOURCES_REMEMBERED = 10_000


class Role(Enum):
    """What a token may do; each may all that the ones before it may."""

    VIEWER = "viewer"
    """See everything but secrets."""
    OPERATOR = "operator"
    """Run the day: hang up a call, remove a binding, originate a call."""
    SUPERVISOR = "supervisor"
    """Look after people who telephone: listen to their calls, whisper, take over, and set what agents do."""
    ADMIN = "admin"
    """Change the configuration, tokens included."""

    @property
    def rank(self) -> int:
        return list(Role).index(self)


@dataclass(frozen=True)
class Identity:
    """Who asks."""

    name: str
    role: Role


class NotAuthenticated(SwitchError):
    """No token, or none that is valid. `error` is RFC 6750 section 3.1's word for it; empty: no token came."""

    def __init__(self, message: str, error: str = "") -> None:
        super().__init__(message)
        self.error = error


class TooManyAttempts(SwitchError):
    """A source presented too many invalid tokens; its valid ones still work."""

    retry_after = int(FAILURE_WINDOW_SECONDS)


def new_token() -> str:
    """A token that nobody has."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Authenticator:
    """Checks tokens against a copy of their table in memory."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        fixed: Iterable[tuple[str, Identity]] = (),
        limit_failures: bool = True,
    ) -> None:
        """`fixed` are (token, identity) pairs that hold beside the stored ones, such as the demo's."""
        self._database = database
        self._clock = clock
        self._fixed = {digest_of(token): identity for token, identity in fixed}
        self._tokens: dict[str, TokenRow] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()
        self._used: dict[int, int] = {}
        self._failures = _Failures() if limit_failures else None
        self.first_messages = FirstMessages()

    async def authenticate(self, token: str, source: str) -> Identity:
        """Whose token this is. Raises NotAuthenticated or TooManyAttempts."""
        now = self._clock.monotonic()
        if now - self._loaded_at > REFRESH_SECONDS:
            await self._load_or_keep()
        digest = digest_of(token)
        found = self._find(digest)
        if found is None and not (self._failures and self._failures.too_many(source, now)):
            await self._load_or_keep()  # it may be a moment old, made by the command line
            found = self._find(digest)
        if found is not None:
            return found
        if self._failures and self._failures.count(source, now) > FAILURES_ALLOWED:
            raise TooManyAttempts("too many invalid tokens came from your address: wait a minute")
        raise NotAuthenticated("this token is not valid: unknown, expired or revoked", "invalid_token")

    def check_source(self, source: str) -> None:
        """Raises TooManyAttempts for a source that has failed too often."""
        if self._failures and self._failures.too_many(source, self._clock.monotonic()):
            raise TooManyAttempts("too many failures came from your address: wait a minute")

    def count_failure(self, source: str) -> None:
        """A source gave a wrong password."""
        if self._failures:
            self._failures.count(source, self._clock.monotonic())

    async def revoke(self, session: Session, token: str) -> None:
        """End a token that somebody holds; does nothing for one that is none."""
        await session.execute(
            update(TokenRow)
            .where(TokenRow.digest == digest_of(token), TokenRow.revoked_at.is_(None))
            .values(revoked_at=self._clock.wall_ms())
        )

    def forget(self) -> None:
        """Read the table again at the next request. To be called when it was changed."""
        self._loaded_at = float("-inf")

    def wall_ms(self) -> int:
        """The time by which tokens expire, wall milliseconds."""
        return self._clock.wall_ms()

    async def save(self) -> None:
        """Write when tokens were last used."""
        if not self._used:
            return
        used, self._used = self._used, {}
        async with self._database.session() as session:
            for token_id, at in used.items():
                await session.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used_at=at))

    def _find(self, digest: str) -> Identity | None:
        # The dictionary compares digests, not tokens: its timing tells nothing about a token. The comparison that
        # decides takes the same time wherever the digests differ.
        fixed = self._fixed.get(digest)
        if fixed is not None:
            return fixed
        row = self._tokens.get(digest)
        if row is None or not hmac.compare_digest(row.digest, digest):
            return None
        wall = self._clock.wall_ms()
        if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= wall):
            return None
        if row.last_used_at is None or wall - row.last_used_at >= LAST_USED_STEP_MS:
            row.last_used_at = self._used[row.id] = wall
        return Identity(row.user or row.name, Role(row.role))

    async def _load_or_keep(self) -> None:
        asked = self._clock.monotonic()
        async with self._loading:
            if self._loaded_at > asked:
                return  # someone who waited before us did it
            loaded_at = self._clock.monotonic()
            try:
                await self.save()
                async with self._database.reading() as session:
                    rows = await session.scalars(select(TokenRow).where(TokenRow.revoked_at.is_(None)))
                    self._tokens = {row.digest: row for row in rows}
            except DatabaseUnavailable as error:
                # Tokens that are known go on working while the database is away.
                log.warning("tokens could not be read again", error=str(error))
            self._loaded_at = loaded_at


class _Failures:
    """Counts invalid tokens by source, over fixed windows, for a bounded number of sources."""

    def __init__(self) -> None:
        self._by_source: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, source: str, now: float) -> int:
        key = _network(source)
        started, failures = self._by_source.pop(key, (now, 0))
        if now - started >= FAILURE_WINDOW_SECONDS:
            started, failures = now, 0
        self._by_source[key] = (started, failures + 1)
        if len(self._by_source) > _SOURCES_REMEMBERED:
            self._by_source.popitem(last=False)
        return failures + 1

    def too_many(self, source: str, now: float) -> bool:
        started, failures = self._by_source.get(_network(source), (now, 0))
        return failures >= FAILURES_ALLOWED and now - started < FAILURE_WINDOW_SECONDS


def _network(source: str) -> str:
    """An IPv6 host owns at least a /64 and could use an address of it for each attempt."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else source


class _Bearer(SecurityBase):
    """The Authorization header of a request or a WebSocket's opening (RFC 6750 section 2.1); a WebSocket may give
    `?token=` instead, or the token in its first message."""

    def __init__(self) -> None:
        self.model = BearerModel(description="A token from `softswitch token create` or `POST /api/v1/tokens`.")
        self.scheme_name = "token"

    async def __call__(self, connection: HTTPConnection) -> Identity:
        authenticator: Authenticator = connection.app.state.authenticator
        authorization = connection.headers.get("authorization", "")
        if not authorization and isinstance(connection, WebSocket):
            token = connection.query_params.get("token") or await authenticator.first_messages.token(connection)
            if token is None:
                raise NotAuthenticated('this needs a token: send {"token": "TOKEN"} as the first message, at once')
            authorization = f"Bearer {token}"
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotAuthenticated("this needs a token: send the header Authorization: Bearer TOKEN")
        source = connection.client.host if connection.client else ""
        identity = await authenticator.authenticate(token.strip(), source)
        connection.scope["identity"] = identity  # for the audit log
        return identity


_bearer = _Bearer()


def require(role: Role) -> Callable[[Identity], Awaitable[Identity]]:
    """A FastAPI dependency that lets through whoever has the role, or a higher one."""

    async def check(identity: Annotated[Identity, Depends(_bearer)]) -> Identity:
        if identity.role.rank < role.rank:
            raise NotPermitted(
                f"this needs the role {role.value}; the token {identity.name!r} has the role {identity.role.value}"
            )
        return identity

    return check


Viewer = Annotated[Identity, Depends(require(Role.VIEWER))]
Operator = Annotated[Identity, Depends(require(Role.OPERATOR))]
Supervisor = Annotated[Identity, Depends(require(Role.SUPERVISOR))]
Admin = Annotated[Identity, Depends(require(Role.ADMIN))]
