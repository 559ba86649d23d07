"""E-mail."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from softswitch.kernel.address import HostPort
from softswitch.settings.kinds import TEXT, Kind, one_of, read_text, setting

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]{2,45}")
_SENDER = re.compile(r"[^\s@,;<>]{1,64}@[A-Za-z0-9.-]{1,190}")


def _server(value: Any) -> HostPort:
    server = HostPort.parse(read_text(value), 0)
    if not _NAME.fullmatch(server.host) or not 0 <= server.port < 65536:
        raise ValueError(f"{value!r} should be a mail server such as smtp.example.com:587")
    return server


def _sender(value: Any) -> str:
    if not _SENDER.fullmatch(read_text(value)):
        raise ValueError(f"{value!r} should be an e-mail address such as phone@example.com")
    return str(value)


@dataclass(frozen=True)
class MailSettings:
    """`[mail]`"""

    server: HostPort | None = setting(None, Kind(_server))  # noqa: RUF009 - immutable
    """The server that e-mails are handed to, `HOST` or `HOST:PORT`; left out: none are sent. The port left out: 587
    by `starttls`, 465 by `tls`, 25 by `none`."""
    tls: Literal["starttls", "tls", "none"] = setting("starttls", one_of("starttls", "tls", "none"))
    """How the connection is encrypted: before anything is said, from its beginning on, or not at all."""
    username: str = setting("", TEXT)
    """What the server knows the switch by; empty: it does not ask."""
    password: str = setting("", TEXT)
    sender: str = setting("", Kind(_sender))
    """The address that e-mails come from."""

    @property
    def port(self) -> int:
        """Of the server."""
        return (self.server.port if self.server is not None else 0) or _PORTS[self.tls]
