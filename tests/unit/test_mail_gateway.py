"""E-mails are handed to a real server (aiosmtpd): what it gets, and what becomes of what it does not take."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as SmtpSession

from gateways.mail.gateway import MailGateway, MailSettings
from gateways.sip.self_signed import write_self_signed
from softswitch.kernel.errors import Conflict, Unavailable
from softswitch.kernel.mail import Attachment, Mail

NOW = 1_790_000_000_000


class Postbox:
    """A mail server's handler: keeps what it takes, and says `answers` to recipients in turn."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.senders: list[str] = []
        self.answers: list[str] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.senders.append(envelope.mail_from or "")
        return "250 taken"


Serve = Callable[..., Any]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server on a free port; gives it."""
    servers = []

    async def start(box: Postbox, **options: Any) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(box, hostname="mail.test", **options), sock=listener
        )
        servers.append(server)
        port: int = listener.getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()


def gateway(port: int, **more: Any) -> MailGateway:
    settings: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "phone@example.com"}
    return MailGateway(MailSettings(**{**settings, **more}))


def mail(*attachments: Attachment, **more: Any) -> Mail:
    values = {"to": "bob@example.com", "subject": "留言 from 1001", "text": "Hello.\n", "at": NOW, "id": "voicemail-1"}
    return Mail(**{**values, **more}, attachments=attachments)


async def test_a_mail_arrives_with_its_sound(serve: Serve, tmp_path: Path) -> None:
    box = Postbox()
    sound = tmp_path / "m.wav"
    sound.write_bytes(bytes(range(256)) * 100)
    await gateway(await serve(box)).send(mail(Attachment(sound, "message.wav", "audio/wav")))
    (got,) = box.mails
    assert box.senders == ["phone@example.com"] and got["To"] == "bob@example.com"
    assert (got["Subject"], got["Message-ID"]) == ("留言 from 1001", "<voicemail-1@example.com>")
    assert got["Auto-Submitted"] == "auto-generated" and got["Date"].datetime.timestamp() * 1000 == NOW
    body = got.get_body(("plain",))
    assert body is not None and body.get_content().split() == ["Hello."]
    (attached,) = got.iter_attachments()
    assert attached.get_filename() == "message.wav" and attached.get_content_type() == "audio/wav"
    assert attached.get_content() == sound.read_bytes()


async def test_no_line_of_a_caller_becomes_a_header(serve: Serve) -> None:
    box = Postbox()
    await gateway(await serve(box)).send(mail(subject="from x\r\nBcc: all@example.com"))
    assert box.mails[0]["Bcc"] is None and box.mails[0]["Subject"] == "from x Bcc: all@example.com"


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_a_connection_is_encrypted_and_the_server_must_prove_its_name(
    serve: Serve, tmp_path: Path, mode: str
) -> None:
    box = Postbox()
    certificate = tmp_path / "certificate.pem"
    write_self_signed(certificate, ["localhost", "127.0.0.1"], time.time_ns() // 1_000_000)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if mode == "starttls":
        port = await serve(box, tls_context=context, require_starttls=True)
    else:
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(box, hostname="mail.test"), "127.0.0.1", 0, ssl=context
        )
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unavailable):
        await gateway(port, tls=mode).send(mail())
    assert not box.mails, "nobody vouches for it"
    await gateway(port, tls=mode, authority=certificate, host="localhost").send(mail())
    await gateway(port, tls=mode, verify=False).send(mail())
    # The one server takes nothing before STARTTLS, the other nothing but TLS.
    assert len(box.mails) == 2


async def test_a_server_without_starttls_gets_nothing(serve: Serve) -> None:
    box = Postbox()
    with pytest.raises(Unavailable):
        await gateway(await serve(box), tls="starttls").send(mail())
    assert not box.mails


async def test_credentials_are_given_and_wrong_ones_are_the_operators_to_mend(serve: Serve) -> None:
    box = Postbox()

    def check(server: SMTP, session: SmtpSession, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"phone", b"secret")
        return AuthResult(success=right, handled=right)

    port = await serve(box, authenticator=check, auth_required=True, auth_require_tls=False)
    with pytest.raises(Unavailable):
        await gateway(port, username="phone", password="wrong").send(mail())
    await gateway(port, username="phone", password="secret").send(mail())
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("answer", "error"), [("550 no such user", Conflict), ("451 come again", Unavailable), ("552 full", Conflict)]
)
async def test_what_is_not_taken_says_whether_it_may_be_later(
    serve: Serve, answer: str, error: type[Exception]
) -> None:
    box = Postbox()
    box.answers = [answer]
    with pytest.raises(error, match=answer[4:]):
        await gateway(await serve(box)).send(mail())
    assert not box.mails


async def test_a_server_that_is_not_there_and_a_sound_that_is_gone_are_told(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        await gateway(port).send(mail())
    box = Postbox()
    with pytest.raises(Unavailable, match=r"gone\.wav"):
        await gateway(await serve(box)).send(mail(Attachment(tmp_path / "gone.wav", "m.wav", "audio/wav")))
    assert not box.mails
