"""SIP over TLS on real sockets: names, new certificates while calls are up, certificates of peers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateways.sip.connections import ConnectionLimits
from gateways.sip.gateway import SipGateway, SipSettings
from gateways.sip.listener import Listener
from gateways.sip.tls import TlsSettings
from softswitch.calls.signals import Ended, Invitation, Target
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Invalid
from tests.support.certificates import Authority
from tests.support.ua_story import LEG, OURS, Accounts, Switch
from tests.wire.test_sip_endpoint import SystemClock, options, read_until, until

pytestmark = pytest.mark.asyncio


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def secure(settings: TlsSettings, **limits: Any) -> AsyncIterator[tuple[SipGateway, Switch, HostPort]]:
    """A gateway that listens for TLS alone, and where."""
    accounts, switch = Accounts(), Switch()
    carrier = SipGateway(
        SipSettings(
            listeners=(Listener("tls", HostPort("127.0.0.1", 0)),), tls=settings, limits=ConnectionLimits(**limits)
        ),
        gatekeeper=accounts,
        location=accounts,
        watched=accounts,
        messages=accounts,
        clock=SystemClock(),
    )
    carrier.listen(switch)
    await carrier.start()
    try:
        yield carrier, switch, carrier.bound[0][1]
    finally:
        await carrier.stop()


def trusting(authority: Authority, own: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if own is not None:
        context.load_cert_chain(own)
    return context


@asynccontextmanager
async def connection(
    address: HostPort, context: ssl.SSLContext, name: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address, ssl=context, server_hostname=name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def shown_to(address: HostPort, context: ssl.SSLContext, name: str) -> set[str]:
    """The names of the certificate that one is shown who asks for a name."""
    async with connection(address, context, name) as (_, writer):
        certificate = writer.get_extra_info("peercert")
        return {value for _, value in certificate["subjectAltName"]}


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bytes:
    writer.write(options("TLS", number))
    return await read_until(reader, b"\r\n\r\n")


async def test_a_request_by_tls_is_answered_on_its_connection(authority: Authority) -> None:
    async with (
        secure(TlsSettings(certificates=(authority.sign("pbx.example"),))) as (_, _, address),
        connection(address, trusting(authority), "pbx.example") as (reader, writer),
    ):
        said = await answered(reader, writer, 1)
        assert said.startswith(b"SIP/2.0 200 ")
        assert b"Via: SIP/2.0/TLS 127.0.0.1:9" in said
        writer.write(b"\r\n\r\n")
        assert await read_until(reader, b"\r\n") == b"\r\n"


async def test_the_certificate_goes_by_the_name_that_is_asked_for(authority: Authority) -> None:
    files = (authority.sign("pbx.example"), authority.sign("sip.other.example"), authority.sign("*.wild.example"))
    async with secure(TlsSettings(certificates=files)) as (_, _, address):
        context = trusting(authority)
        assert await shown_to(address, context, "sip.other.example") == {"sip.other.example"}
        assert await shown_to(address, context, "any.wild.example") == {"*.wild.example"}
        context.check_hostname = False
        assert await shown_to(address, context, "unknown.example") == {"pbx.example"}
        assert await shown_to(address, context, "127.0.0.1") == {"pbx.example"}  # an address is no name to ask for


async def test_a_new_certificate_is_shown_while_old_connections_go_on(authority: Authority) -> None:
    file = authority.sign("old.example", file="shown.pem")
    async with secure(TlsSettings(certificates=(file,))) as (carrier, _, address):
        context = trusting(authority)
        async with connection(address, context, "old.example") as (reader, writer):
            authority.sign("new.example", file="shown.pem")
            carrier.certificates.reload_if_changed()
            assert await shown_to(address, context, "new.example") == {"new.example"}
            assert (await answered(reader, writer, 2)).startswith(b"SIP/2.0 200 ")


async def test_a_bad_new_certificate_leaves_the_old_one(authority: Authority) -> None:
    file = authority.sign("old.example", file="shown.pem")
    async with secure(TlsSettings(certificates=(file,))) as (carrier, _, address):
        file.write_text("-----BEGIN CERTIFICATE-----\nhalf written")
        carrier.certificates.reload_if_changed()
        with pytest.raises(Invalid, match=r"shown\.pem"):
            carrier.certificates.reload()
        assert await shown_to(address, trusting(authority), "old.example") == {"old.example"}


async def test_a_folder_as_certbot_makes_it_is_a_certificate(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "live"
    folder.mkdir()
    pem = authority.sign("pbx.example").read_text()
    chain, key = pem.split("-----BEGIN PRIVATE", 1)
    (folder / "fullchain.pem").write_text(chain)
    (folder / "privkey.pem").write_text("-----BEGIN PRIVATE" + key)
    async with secure(TlsSettings(certificates=(folder,))) as (_, _, address):
        assert await shown_to(address, trusting(authority), "pbx.example") == {"pbx.example"}


async def test_who_must_show_a_certificate_and_has_none_does_not_get_in(authority: Authority) -> None:
    settings = TlsSettings(
        certificates=(authority.sign("pbx.example"),),
        client_certificates="required",
        client_authority=authority.file,
    )
    async with secure(settings) as (carrier, _, address):
        own = authority.sign("phone.example")
        async with connection(address, trusting(authority, own), "pbx.example") as (reader, writer):
            assert (await answered(reader, writer, 3)).startswith(b"SIP/2.0 200 ")
            assert carrier.gauges()["transports"] == 1
        with pytest.raises((OSError, EOFError)):
            async with connection(address, trusting(authority), "pbx.example") as (reader, writer):
                await answered(reader, writer, 4)
                raise ConnectionError  # TLS 1.3 tells only after the handshake: by closing
        await until(lambda: carrier.gauges()["transports"] == 0)


async def test_who_never_shakes_hands_is_cut_off_and_holds_no_place(authority: Authority) -> None:
    settings = TlsSettings(certificates=(authority.sign("pbx.example"),))
    async with secure(settings, connect=0.2, connections=1) as (_, _, address):
        reader, writer = await asyncio.open_connection(*address)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        async with connection(address, trusting(authority), "pbx.example") as (reader, writer):
            assert (await answered(reader, writer, 5)).startswith(b"SIP/2.0 200 ")


@asynccontextmanager
async def provider(own: Path) -> AsyncIterator[tuple[HostPort, list[bytes], Callable[[], object]]]:
    """A TLS server somewhere else: where it is, the first lines it was told, and what it was shown."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield HostPort(*server.sockets[0].getsockname()), heard, server.is_serving
    finally:
        server.close()


def dial(carrier: SipGateway, uri: str) -> None:
    carrier.dial(LEG, Invitation(Target(uri), Party("1001"), Party("1002"), OURS))


async def test_a_call_leaves_over_tls_to_a_server_that_proves_its_name(authority: Authority) -> None:
    shown = authority.sign("pbx.example")
    async with (
        provider(authority.sign("localhost")) as (there, heard, _),
        secure(TlsSettings(certificates=(shown,), authority=authority.file)) as (carrier, _, _),
    ):
        dial(carrier, f"sips:1002@localhost:{there.port}")
        await until(lambda: heard)
        assert heard[0].startswith(b"INVITE sips:1002@localhost:")


@pytest.mark.parametrize("verify", [True, False])
async def test_a_server_under_a_wrong_name_gets_no_call_unless_nobody_asks(authority: Authority, verify: bool) -> None:
    shown = authority.sign("pbx.example")
    settings = TlsSettings(certificates=(shown,), authority=authority.file, verify=verify)
    async with (
        provider(authority.sign("elsewhere.example")) as (there, heard, _),
        secure(settings) as (carrier, switch, _),
    ):
        dial(carrier, f"sip:1002@localhost:{there.port};transport=tls")
        if verify:
            await until(lambda: switch.signals)
            ((_, ended),) = switch.signals
            assert isinstance(ended, Ended)
            assert (ended.cause, ended.status) == (Cause.DESTINATION_OUT_OF_ORDER, 503)
            assert heard == []
        else:
            await until(lambda: heard)


async def test_without_a_certificate_nobody_listens_for_tls() -> None:
    with pytest.raises(OSError, match=r"no certificate to show"):
        async with secure(TlsSettings()):
            pass


async def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    with pytest.raises(Invalid, match=r"nothing\.pem"):
        async with secure(TlsSettings(certificates=(nothing,))):
            pass
