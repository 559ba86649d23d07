"""The `Mailer` port over SMTP (RFC 5321): each e-mail is handed to one server, which does the rest."""

import asyncio
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

import aiosmtplib
from msgspec import Struct

from softswitch.kernel.errors import Conflict, Unavailable
from softswitch.kernel.mail import Mail

PATIENCE = 30.0
"""Seconds that a server may take for each step."""
LONGEST = 300.0
"""And for all of them."""

Tls = Literal["starttls", "tls", "none"]


class MailSettings(Struct, frozen=True, kw_only=True):
    """Which server, and how."""

    host: str
    port: int
    tls: Tls = "starttls"
    """`starttls`: the connection is encrypted before anything is said (RFC 3207); `tls`: from its beginning on (RFC
    8314 section 3.3)."""
    username: str = ""
    password: str = ""
    sender: str
    authority: Path | None = None
    """PEM file of who signs the server's certificate; None: whom the machine trusts."""
    verify: bool = True
    """Whether the server must prove its name."""


class MailGateway:
    """Hands over e-mails, each by a connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        """Raises OSError when the authority's file cannot be read."""
        self._settings = settings
        self._context: ssl.SSLContext | None = None
        if settings.tls != "none":
            self._context = ssl.create_default_context(cafile=settings.authority)
            if not settings.verify:
                self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE

    async def send(self, mail: Mail) -> None:
        """See `softswitch.ports.messages.Mailer`."""
        settings = self._settings
        try:
            message = await asyncio.to_thread(self._written, mail)
            async with asyncio.timeout(LONGEST):
                async with aiosmtplib.SMTP(
                    hostname=settings.host,
                    port=settings.port,
                    use_tls=settings.tls == "tls",
                    start_tls=settings.tls == "starttls",
                    tls_context=self._context,
                    username=settings.username or None,
                    password=settings.password or None,
                    timeout=PATIENCE,
                ) as server:
                    await server.send_message(message, sender=settings.sender, recipients=[mail.to])
        except aiosmtplib.SMTPAuthenticationError as error:
            # The operator's mistake, and not the mail's: it may be put right.
            raise Unavailable(f"the mail server does not know us: {error.code} {error.message}") from error
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            code, said = _answer(error)
            # RFC 5321 section 4.2.1: 5yz is for ever.
            if 500 <= code < 600:
                raise Conflict("mail-refused", f"the mail server refuses it: {code} {said}") from error
            raise Unavailable(f"the mail server does not take it now: {code} {said}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            # Of these are TimeoutError, ssl.SSLError, and a sound file that is gone.
            raise Unavailable(f"the mail cannot be handed over: {error or type(error).__name__}") from error

    def _written(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = mail.to
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = format_datetime(datetime.fromtimestamp(mail.at / 1000, UTC))
        message["Message-ID"] = f"<{mail.id}@{self._settings.sender.rpartition('@')[2]}>"
        # RFC 3834 section 5: so that no program answers it.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        for attachment in mail.attachments:
            kind, _, subtype = attachment.media_type.partition("/")
            content = attachment.path.read_bytes()
            message.add_attachment(content, maintype=kind, subtype=subtype, filename=attachment.name)
        return message


def _answer(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> tuple[int, str]:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    return error.code, error.message
