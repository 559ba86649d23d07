"""The admin plane in a test: a database in a temporary folder, a clock that stands still, a client without sockets."""

from collections.abc import Sequence

import httpx
from fastapi import APIRouter

from softswitch.kernel.clock import Clock
from softswitch.platform.audit import Audit
from softswitch.platform.auth import Authenticator, Identity, Role
from softswitch.platform.database import Database
from softswitch.platform.http import build_app
from softswitch.platform.telemetry import Telemetry


class StandingClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + int(self.now * 1000)


def admin_client(
    database: Database,
    routers: Sequence[APIRouter],
    telemetry: Telemetry | None = None,
    *,
    clock: Clock | None = None,
    audit: Audit | None = None,
) -> httpx.AsyncClient:
    """A client that is an administrator, and may say `Authorization: Bearer viewer` to be another."""
    app = build_app(
        routers,
        database=database,
        authenticator=Authenticator(
            database,
            clock or StandingClock(),
            fixed=[(each.value, Identity(f"the {each.value}", each)) for each in Role],
        ),
        telemetry=telemetry or Telemetry(),
        audit=audit,
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://switch",
        headers={"Authorization": "Bearer admin"},
    )
