"""The admin plane: one FastAPI application from the features' routers."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from softswitch import __version__
from softswitch.platform import audit_api, token_api, user_api
from softswitch.platform.audit import Audit, AuditTrail
from softswitch.platform.auth import Authenticator, Role, require
from softswitch.platform.database import Database
from softswitch.platform.problems import install_problems
from softswitch.platform.telemetry import Telemetry


def build_app(
    routers: Sequence[APIRouter],
    *,
    database: Database,
    authenticator: Authenticator,
    telemetry: Telemetry,
    audit: Audit | None = None,
) -> FastAPI:
    """The application, with `routers` mounted under /api/v1.

    `audit` is told who changed what. Everything there but the login needs at least a viewer's token; routes that
    change something ask for more by themselves.
    """
    # Like FastAPI, but for the page /docs, which comes from this switch and not from the internet: an administrator's
    # network may have none, and a token typed into the page is nobody else's business.
    app = FastAPIOffline(
        redoc_url=None,
        title="Softswitch",
        version=__version__,
        description="Accounts, dial plan, trunks, calls and records of this switch.",
    )
    app.state.database = database
    app.state.authenticator = authenticator
    app.state.audit = audit
    install_problems(app)
    if audit is not None:
        app.add_middleware(AuditTrail, audit=audit)

    @app.get("/health", tags=["system"])
    async def health() -> dict[str, str]:
        """That the switch runs."""
        return {"status": "ok"}

    @app.get("/metrics", tags=["system"], response_class=Response)
    async def metrics() -> Response:
        """Counters and gauges for Prometheus."""
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    app.include_router(user_api.login_router, prefix="/api/v1")
    for router in (*routers, token_api.router, user_api.router, audit_api.router):
        app.include_router(router, prefix="/api/v1", dependencies=[Depends(require(Role.VIEWER))])
    return app
