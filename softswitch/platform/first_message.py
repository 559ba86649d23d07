"""Browsers cannot set headers on a WebSocket: a client without one says its token in its first message,
`{"token": "…"}`, within ten seconds. In a URL it would stay behind in the logs of every proxy on the way."""

import asyncio

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

SECONDS = 10.0
MOST_WAITING = 200
"""Clients at one time that have not said who they are."""
_LONGEST = 1000


class _Token(msgspec.Struct):
    token: str


class FirstMessages:
    """Those who are awaited."""

    def __init__(self, *, seconds: float = SECONDS, most: int = MOST_WAITING) -> None:
        self._seconds = seconds
        self._most = most
        self._waiting = 0

    async def token(self, websocket: WebSocket) -> str | None:
        """Accept the connection and give the token of its first message; None: none came in time, or it is no such
        message, or too many are awaited already (then the connection is not accepted)."""
        if self._waiting >= self._most:
            return None
        self._waiting += 1
        try:
            await websocket.accept()
            async with asyncio.timeout(self._seconds):
                text = await websocket.receive_text()
            return msgspec.json.decode(text[:_LONGEST], type=_Token).token
        except (TimeoutError, WebSocketDisconnect, KeyError, msgspec.DecodeError):
            return None
        finally:
            self._waiting -= 1
