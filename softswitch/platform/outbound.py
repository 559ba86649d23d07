"""Asks web services on behalf of flows: only those that the settings allow, never for long, never for much."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

from softswitch.kernel.errors import Invalid, NotPermitted

MOST_BYTES = 256 * 1024
"""Of an answer."""
MOST_AT_ONCE = 100
"""Connections."""


class Answer(NamedTuple):
    """What a web service said."""

    status: int
    body: bytes


class Outbound:
    """One pool of connections. Redirects are not followed and proxies of the environment are not used: what is asked is
    what was allowed."""

    def __init__(self, hosts: Collection[str], authority: Path | None = None) -> None:
        """`hosts`: `HOST`, with any port, or `HOST:PORT`, in small letters. `authority`: a PEM file of who signs the
        certificates of these services; None: whom the machine trusts."""
        self._hosts = frozenset(hosts)
        self._authority = authority
        self._client: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    def allows(self, host: str) -> bool:
        """Whether a host may be asked, `HOST` or `HOST:PORT`."""
        host = host.lower()
        return host in self._hosts or host.rpartition(":")[0] in self._hosts

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Answer:
        """Raises NotPermitted for a host that is not allowed, Invalid for what is no URL, and OSError where there is no
        answer, not in time, or too much of one."""
        try:
            place = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise Invalid("url", f"{url[:200]!r} is no URL: {error}") from error
        if place.scheme not in ("http", "https") or not place.host or place.userinfo:
            raise NotPermitted(f"{url[:200]!r} is no address of a web service: http or https, and no password in it")
        port = place.port or (443 if place.scheme == "https" else 80)
        host = f"[{place.host}]" if ":" in place.host else place.host
        if not self.allows(f"{host}:{port}"):
            raise NotPermitted(f"flows.http_hosts does not allow {host}:{port}")
        sent = {"Accept": "application/json", **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            async with asyncio.timeout(seconds):
                client = await self._open()
                async with client.stream(method, place, headers={**sent, **headers}, content=body) as response:
                    return Answer(response.status_code, await _read(response))
        except TimeoutError as error:
            raise TimeoutError(f"nothing within {seconds:g} s") from error
        except (httpx.HTTPError, ValueError) as error:  # ValueError: a header that cannot be
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _open(self) -> httpx.AsyncClient:
        async with self._making:
            if self._client is None:
                file = None if self._authority is None else str(self._authority)
                # It reads many certificates: not in the thread that calls wait for.
                trusted = await asyncio.to_thread(ssl.create_default_context, cafile=file)
                self._client = httpx.AsyncClient(
                    verify=trusted,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=None,
                    limits=httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=20),
                )
        return self._client


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise ConnectionError(f"it answers more than {MOST_BYTES} bytes")
    return bytes(body)
