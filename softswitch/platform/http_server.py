"""Serves the admin plane inside the loop that runs the switch."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import SwitchError


class CannotListen(SwitchError):
    """The address is taken, foreign or forbidden."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # SIGTERM and SIGINT are the switch's to hear: it drains its calls first.
        yield


class HttpServer:
    """One listener."""

    def __init__(self, app: FastAPI, listen: HostPort, *, access_log: bool = False) -> None:
        """Port 0 lets the kernel choose. Opens nothing yet."""
        self._listen = listen
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=access_log,
                lifespan="off",
                loop="none",
                ws="websockets-sansio",
                ws_max_size=64 * 1024,
                # Whoever sits on this host could otherwise claim any source address in a header.
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    @property
    def address(self) -> HostPort:
        """Where it listens, once started."""
        assert self._socket is not None, "not started"
        host, port, *_ = self._socket.getsockname()
        return HostPort(host, port)

    async def start(self) -> None:
        """Listen, and answer from now on. Raises CannotListen."""
        self._socket = _bind(self._listen)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="http server")
        while not self._server.started:
            # uvicorn says "started" by a flag only; it takes a few turns of the loop.
            if self._serving.done():
                self._serving.result()
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Let the requests under way end, for 5 seconds at most, and stop. Stopping twice does nothing."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None
        if self._socket is not None:
            self._socket.close()


def _bind(listen: HostPort) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(listen)
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot listen for HTTP on {listen}: {error.strerror}") from error
    return sock
