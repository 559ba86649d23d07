"""Which streams may be fetched: only those of hosts that the settings allow, at the address that was looked at.

The URL of a camera comes over the API, and the composer can reach what the machine can reach. So the name is looked up
here, once, and what is fetched is the address.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from softswitch.kernel.errors import Invalid, NotPermitted

PORT: Final = 554
"""Where RTSP is (RFC 2326 section 14)."""
LONGEST: Final = 2000
LOOK_SECONDS: Final = 5.0

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host. Raises OSError."""


async def look_up(host: str, port: int) -> list[str]:
    """As the machine does."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class Cameras:
    """The guard."""

    def __init__(self, hosts: Collection[str], look_up: Lookup = look_up) -> None:
        """`hosts`: `HOST`, with any port, or `HOST:PORT`, in small letters."""
        self._hosts = frozenset(hosts)
        self._look_up = look_up

    async def address(self, url: str) -> str:
        """The URL with an address instead of a name. Raises Invalid for what is no URL of a stream or has no address,
        and NotPermitted for a host that is not allowed."""
        host, port, parts = _read(url)
        written = f"[{host}]" if ":" in host else host
        if not {written, f"{written}:{port}"} & self._hosts:
            raise NotPermitted(f"video.camera_hosts does not allow {written}:{port}")
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                addresses = await self._look_up(host, port)
        except (OSError, TimeoutError) as error:
            raise Invalid("url", f"{host} has no address") from error
        if not addresses:
            raise Invalid("url", f"{host} has no address")
        address = ip_address(addresses[0])
        where = f"[{address}]" if address.version == 6 else str(address)
        user = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{user}@{where}:{port}" if user else f"{where}:{port}").geturl()


def _read(url: str) -> tuple[str, int, SplitResult]:
    try:
        if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("letters that no URL has, or too many")
        parts = urlsplit(url)
        port = parts.port or PORT
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise Invalid("url", f"this is no URL: {error}") from error
    if parts.scheme != "rtsp" or not host or parts.fragment:
        raise Invalid("url", "this is no address of a camera, such as rtsp://camera.example.com/stream")
    return host, port, parts
