"""Gets a small file by https from a place that somebody else named: never from our own network, never for long."""

import asyncio
import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

_MOST_BYTES = 64 * 1024
_SECONDS = 3.0


async def fetch(url: str, *, context: ssl.SSLContext | None = None, local: bool = False) -> bytes:
    """The body at an https URL.

    Redirects are not followed. Addresses that are not public are refused unless `local`, for a stranger's URL must not
    make this switch knock at its owner's doors. Raises OSError (a TimeoutError among them) or ValueError.
    """
    place = urlsplit(url)
    if place.scheme != "https" or not place.hostname or place.username is not None:
        raise ValueError("it is no https URL")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise ValueError("its URL holds a control character")
    async with asyncio.timeout(_SECONDS):
        address = await _public_address(place.hostname, local)
        reader, writer = await asyncio.open_connection(
            address, place.port or 443, ssl=context or ssl.create_default_context(), server_hostname=place.hostname
        )
        try:
            path = (place.path or "/") + (f"?{place.query}" if place.query else "")
            # HTTP/1.0: one answer, not in chunks, and the end of the connection is its end.
            writer.write(
                f"GET {path} HTTP/1.0\r\nHost: {place.netloc}\r\nAccept: */*\r\n\r\n".encode("ascii", "strict")
            )
            answer = await _read(reader)
        finally:
            writer.close()
    head, blank, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if not blank or status != [b"200"]:
        raise ValueError(f"it answers {status[0].decode('ascii', 'replace') if status else 'no HTTP'}")
    return body


async def _read(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while piece := await reader.read(16 * 1024):
        answer += piece
        if len(answer) > _MOST_BYTES:
            raise ValueError("it is larger than a certificate")
    return answer


async def _public_address(host: str, local: bool) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    for entry in found:
        address = str(entry[4][0])
        if local or ipaddress.ip_address(address).is_global:
            return address
    raise ValueError("its host has no public address")
