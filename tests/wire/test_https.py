"""Fetching a certificate from a server that answers well, badly, too much or not at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from softswitch.platform.https import fetch

Serve = Callable[[bytes], Awaitable[tuple[str, ssl.SSLContext]]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """`await serve(answer)` gives the URL of a server on localhost that says this, and the context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(pem)
    theirs = ssl.create_default_context(cafile=pem)
    servers = []

    async def serving(answer: bytes) -> tuple[str, ssl.SSLContext]:
        async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = await reader.readuntil(b"\r\n\r\n")
            assert asked.startswith(b"GET /carrier.pem?x=1 HTTP/1.0\r\nHost: localhost:")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(answering, "127.0.0.1", 0, ssl=ours)
        servers.append(server)
        return f"https://localhost:{server.sockets[0].getsockname()[1]}/carrier.pem?x=1", theirs

    yield serving
    for server in servers:
        server.close()


async def test_a_file_is_fetched(serve: Serve) -> None:
    url, context = await serve(b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\nthe certificate")
    assert await fetch(url, context=context, local=True) == b"the certificate"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere\r\n\r\n", "it answers 302"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "it answers 404"),
        (b"nonsense", "it answers no HTTP"),
        (b"", "it answers no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(100_000), "larger"),
    ],
)
async def test_what_is_no_file_is_said(serve: Serve, answer: bytes, reason: str) -> None:
    url, context = await serve(answer)
    with pytest.raises(ValueError, match=reason):
        await fetch(url, context=context, local=True)


async def test_our_own_network_is_never_asked_for_a_stranger(serve: Serve) -> None:
    url, context = await serve(b"HTTP/1.1 200 OK\r\n\r\nsecret")
    with pytest.raises(ValueError, match="no public address"):
        await fetch(url, context=context)


async def test_a_server_that_cannot_prove_its_name_is_not_believed(serve: Serve) -> None:
    url, _ = await serve(b"HTTP/1.1 200 OK\r\n\r\nforged")
    with pytest.raises(OSError, match="certificate"):
        await fetch(url, local=True)


@pytest.mark.parametrize("url", ["http://x/y", "https://", "https://u:p@x/y", "https://x/\r\nHost: y", "file:///etc"])
async def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(ValueError, match=r"no https URL|control character"):
        await fetch(url)
