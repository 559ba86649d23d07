"""Who changed what, and who failed to get in: a table that is only ever added to.

Written behind the requests, in batches; what is in memory is bounded, and of a flood of failures the newest go lost
rather than the switch's memory. Secrets never reach it: every value under a telling name is masked.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import delete, func, insert, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from softswitch.events import (
    BanLifted,
    Fact,
    SourceBanned,
    SupervisionBegan,
    SupervisionEnded,
    SupervisionModeChanged,
)
from softswitch.kernel.clock import Clock
from softswitch.platform.auth import Identity
from softswitch.platform.background import Background
from softswitch.platform.database import Database, DatabaseUnavailable, Session
from softswitch.platform.tables import AuditRow

log = structlog.get_logger(__name__)

MOST_WAITING = 10_000
KEPT = 500_000
"""Entries that are kept: the oldest go."""
_WRITE_SECONDS = 0.5
_DETAIL = 4000
"""Bytes of a request's body that are looked at."""
HEARD = (SourceBanned, BanLifted, SupervisionBegan, SupervisionModeChanged, SupervisionEnded)
"""The facts that become entries."""
_SECRET_WORDS = ("password", "secret", "token", "pin", "credential", "authorization", "ha1", "digest", "key")


class Entry(msgspec.Struct, frozen=True):
    """One thing that somebody did or tried. `at` in wall milliseconds."""

    at: int
    who: str
    """The user or token; `switch` for what it did itself; empty where nobody was recognised."""
    source: str
    """The address it came from."""
    action: str
    """`PATCH /api/v1/accounts/1001`, `ban`, `lift`."""
    status: int
    """Of the answer; 0 where there was no request."""
    detail: str
    """The body, its secrets masked."""


class Audit:
    """Takes entries, and writes them behind."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: deque[Entry] = deque()
        self._background = Background("audit")
        self.lost = 0
        """Entries that found no room."""

    def start(self) -> None:
        """Begin to write."""
        self._background.start(self._write_on())

    async def stop(self) -> None:
        """Write what is left."""
        if await self._background.stop():
            await self.write()

    def note(self, *, who: str, source: str, action: str, status: int = 0, detail: str = "") -> None:
        """Take an entry."""
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        # PostgreSQL cannot hold a NUL.
        texts = [text.replace("\x00", "") for text in (who, source, action, detail)]
        self._waiting.append(
            Entry(self._clock.wall_ms(), texts[0][:100], texts[1][:64], texts[2][:300], status, texts[3][:_DETAIL])
        )

    def hear(self, fact: Fact) -> None:
        """Hear one of `HEARD`."""
        match fact:
            case SourceBanned():
                detail = f"{fact.reason}: {fact.detail}" if fact.detail else fact.reason
                self.note(who=fact.by, source=fact.network, action="ban", detail=detail)
            case BanLifted():
                self.note(who=fact.by, source=fact.network, action="lift")
            case SupervisionBegan() | SupervisionModeChanged():
                who = fact.ordered_by or fact.by
                self.note(who=who, source="", action=f"supervise call {fact.call}", detail=_how(fact, fact.mode))
            case SupervisionEnded():
                action = f"supervise call {fact.call} no more"
                self.note(who=fact.by, source="", action=action, detail=_how(fact, fact.reason))

    async def write(self) -> None:
        """Write what waits. Raises DatabaseUnavailable, and keeps it."""
        # Whoever reads the log has it written first, and may come while the task writes.
        async with self._background.uncut:
            if not self._waiting:
                return
            taken = list(self._waiting)
            async with self._database.session() as session:
                await session.execute(insert(AuditRow), [msgspec.structs.asdict(entry) for entry in taken])
                newest = await session.scalar(select(func.max(AuditRow.id)))
                await session.execute(delete(AuditRow).where(AuditRow.id <= (newest or 0) - KEPT))
            for _ in taken:
                self._waiting.popleft()

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
            except DatabaseUnavailable as error:
                log.error("the audit log could not be written; it is kept in memory", error=str(error))


def _how(fact: SupervisionBegan | SupervisionModeChanged | SupervisionEnded, what: str) -> str:
    return f"{what}: {fact.by} in call {fact.supervisor}, of leg {fact.leg}"


async def page(session: Session, before: int | None, limit: int, who: str | None) -> Sequence[AuditRow]:
    """Entries from the newest on, from behind the number `before`."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.id < before)
    if who is not None:
        query = query.where(AuditRow.who == who)
    return (await session.scalars(query)).all()


def masked(body: bytes) -> str:
    """A JSON body as it may be kept: what stands under a telling name is masked. Anything else is not kept."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return f"{len(body)} bytes" if body else ""
    return msgspec.json.encode(_masked(value)).decode()[:_DETAIL]


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {name: "***" if _is_secret(name) else _masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


class AuditTrail:
    """The web's part: notes each request that changes something, and each that was not let in."""

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        changes = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        body = bytearray()
        status = 500

        async def noting_receive() -> Message:
            message = await receive()
            if changes and len(body) < _DETAIL:
                body.extend(message.get("body", b"")[:_DETAIL])
            return message

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, noting_receive, noting_send)
        finally:
            tried = status == 401 and any(name == b"authorization" for name, _ in scope["headers"])
            if changes or tried:
                identity: Identity | None = scope.get("identity")
                client = scope.get("client")
                self._audit.note(
                    who=identity.name if identity is not None else "",
                    source=client[0] if client else "",
                    action=f"{scope['method']} {scope['path']}",
                    status=status,
                    detail=masked(bytes(body)) if changes else "",
                )
