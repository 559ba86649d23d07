"""Errors as the API tells them: problem details (RFC 9457), for refusals, bad input and bugs alike.

The domain knows no status codes; this file is the table that gives it them.
"""

import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState

from softswitch.kernel.errors import (
    Conflict,
    Invalid,
    LocalProtocolError,
    NotFound,
    NotPermitted,
    Rejected,
    Unavailable,
)
from softswitch.platform.auth import NotAuthenticated, TooManyAttempts
from softswitch.platform.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request's body that are read at most; a CSV of 100,000 accounts has about 4 MB."""


def problem(status: int, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any) -> JSONResponse:
    """A problem details response. Its type is `about:blank`, so its title is the status's (RFC 9457 section 4.2.1)."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        content["detail"] = detail
    return JSONResponse(
        {**content, **members},
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


def invalid(errors: Sequence[tuple[str, str]]) -> JSONResponse:
    """422: each bad field by name, with what is wrong about it."""
    return problem(
        422,
        "; ".join(f"{field}: {message}" for field, message in errors[:10]),
        errors=[{"field": field, "message": message} for field, message in errors[:100]],
    )


def install_problems(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""

    def answer(request: Request, error: Exception) -> JSONResponse:
        match error:
            case NotFound():
                return problem(404, str(error))
            case Conflict():
                return problem(409, str(error), error_id=error.error_id)
            case NotPermitted():
                return problem(403, str(error))
            case Unavailable():
                return problem(503, str(error))
            case Invalid():
                return invalid([(error.where, error.message), *error.more])
            case Rejected():
                return problem(409, str(error), error_id="rejected", cause=int(error.cause))
            case LocalProtocolError():
                return problem(409, str(error), error_id="not-now")
            case NotAuthenticated():
                # RFC 6750 section 3: without a token, no error word.
                word = f', error="{error.error}"' if error.error else ""
                return problem(401, str(error), headers={"WWW-Authenticate": f'Bearer realm="softswitch"{word}'})
            case TooManyAttempts():
                return problem(429, str(error), headers={"Retry-After": str(error.retry_after)})
            case DatabaseUnavailable():
                log.error("the database failed a request", error=str(error))
                return problem(503, "the database is not available now", headers={"Retry-After": "5"})
            case RequestValidationError():
                return invalid([_field_error(details) for details in error.errors()])
            case HTTPException():
                return _framework_error(error, request.url.path)
        raise AssertionError(f"no answer for {error!r}")

    async def handle(request: Request, error: Exception) -> Response:
        response = answer(request, error)
        if isinstance(request, WebSocket):
            await _refuse(request, response, str(error))
        return response

    async def handle_integrity(request: Request, error: Exception) -> Response:
        assert isinstance(error, IntegrityError)
        if "unique" not in str(error.orig).lower():
            raise error
        return problem(409, "another request made the same thing at the same time", error_id="exists")

    for kind in (
        NotFound,
        Conflict,
        NotPermitted,
        Unavailable,
        Invalid,
        Rejected,
        LocalProtocolError,
        NotAuthenticated,
    ):
        app.add_exception_handler(kind, handle)
    for other in (TooManyAttempts, DatabaseUnavailable, RequestValidationError, HTTPException):
        app.add_exception_handler(other, handle)
    app.add_exception_handler(IntegrityError, handle_integrity)
    app.add_middleware(_Guard)


async def _refuse(websocket: WebSocket, response: Response, why: str) -> None:
    """The framework sends what is returned to an HTTP client only."""
    if websocket.client_state is WebSocketState.DISCONNECTED:
        return
    if websocket.application_state is WebSocketState.CONNECTING:
        await websocket.send_denial_response(response)
    else:
        # RFC 6455 section 7.4.2: 4000 to 4999 are for private use; here with the status of HTTP.
        await websocket.close(4000 + response.status_code, why.encode()[:120].decode(errors="ignore"))


def _field_error(details: Mapping[str, Any]) -> tuple[str, str]:
    where, *path = details["loc"] or ("body",)
    # A body that is no JSON is located by the byte where it broke.
    if details["type"] == "json_invalid":
        return "body", f"this is no JSON: {details.get('ctx', {}).get('error', details['msg'])}"
    # One that does not say that it is JSON, as curl's do by themselves, is read as bytes.
    if details["type"] == "model_attributes_type" and isinstance(details.get("input"), bytes):
        return "body", "send JSON, and say so: Content-Type: application/json"
    return ".".join(str(part) for part in path) or str(where), details["msg"]


def _framework_error(error: HTTPException, path: str) -> JSONResponse:
    if error.status_code == 400:  # all that the framework says of a body in no character set, or nested too deep
        return invalid([("body", "this is no JSON in UTF-8")])
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != phrase else ""
    if error.status_code == 404:
        detail = detail or f"there is nothing at {path}"
    if error.status_code == 405:
        detail = detail or f"{path} takes other methods"
    return problem(error.status_code, detail, headers=error.headers)


class _BodyTooLarge(Exception):
    pass


class _Guard:
    """Bounds the body of a request, and answers a bug without telling its insides: those go to the log, under a
    reference that the answer names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, size = False, 0

        async def bounded_receive() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise _BodyTooLarge
            return message

        async def noting_send(message: Message) -> None:
            nonlocal started
            if size > MAX_BODY and not started:
                raise _BodyTooLarge  # once more: the framework took the first for a body it cannot read
            started = True
            await send(message)

        try:
            await self._app(scope, bounded_receive, noting_send)
        except Exception as error:
            if size > MAX_BODY and not started:
                response = problem(413, f"a body may have {MAX_BODY} bytes", headers={"Connection": "close"})
                await response(scope, receive, send)
                return
            reference = secrets.token_hex(4)
            log.error(
                "a request met a bug",
                reference=reference,
                method=scope["method"],
                path=scope["path"],
                exc_info=error,
            )
            if not started:
                detail = f"this is a fault of the switch; its log has the rest under {reference}"
                await problem(500, detail, reference=reference)(scope, receive, send)
