"""Certificates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from softswitch.settings.kinds import FILES, FOLDER, YES_OR_NO, one_of, setting


@dataclass(frozen=True)
class TlsSettings:
    """`[tls]`"""

    certificates: tuple[Path, ...] = setting((), FILES)
    """Each a PEM file that holds the chain and its key, or a folder with `fullchain.pem` and `privkey.pem`, as certbot
    makes it. Which one is shown goes by the name that is asked for; the first where none fits."""
    client_certificates: Literal["no", "optional", "required"] = setting("no", one_of("no", "optional", "required"))
    """Whether phones and trunks that connect must show a certificate of their own."""
    client_authority: Path | None = setting(None, FOLDER)  # noqa: RUF009 - immutable
    """Who signs those, a PEM file; left out: whom this machine trusts."""
    authority: Path | None = setting(None, FOLDER)  # noqa: RUF009 - immutable
    """Who signs the certificates of servers that the switch connects to, a PEM file; left out: whom this machine
    trusts."""
    verify: bool = setting(True, YES_OR_NO)
    """Whether a server that the switch connects to must prove its name. Without it, anyone on the way can listen."""
