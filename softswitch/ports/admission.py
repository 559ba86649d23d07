"""Who may call, and who is watched because it does what no honest party does."""

from typing import Protocol

from softswitch.calls.signals import Origin
from softswitch.kernel.address import HostPort
from softswitch.kernel.offence import Offence


class Gatekeeper(Protocol):
    """Who may call. Answered from memory: nothing on the path of a call waits for the database."""

    def recognise(self, source: HostPort, from_user: str, to_user: str, line: str = "") -> Origin | None:
        """Whom a request is from by its source address, or because it came to a Contact that only one carrier knows
        (by its user, or its `line` parameter); None: it must prove itself by digest."""
        ...

    def certified(self, names: tuple[str, ...]) -> Origin | None:
        """Whom a request is from that came by a TLS connection whose peer has proved one of these names by its
        certificate; None: it must prove itself by digest."""
        ...

    def ha1(self, username: str, algorithm: str) -> str | None:
        """The stored H(A1) of an account in this switch's realm, hexadecimal, for `MD5` or `SHA-256`."""
        ...

    def registers_in_bulk(self, username: str) -> bool:
        """Whether a user is a PBX that may register one Contact for all its numbers (RFC 6140)."""
        ...

    def admits(self, username: str, host: str, transport: str) -> bool:
        """Whether an account that has proved itself may come from an address by a transport (`udp`, `tls` …)."""
        ...

    def origin(self, username: str) -> Origin:
        """Whom a request is from once `username` has proved itself."""
        ...


class Sentry(Protocol):
    """Who keeps an eye on where requests come from. Answered from memory; `host` is an IP address."""

    def offended(self, host: str, offence: Offence, detail: str) -> None:
        """A source did what no honest one does."""
        ...

    def challenged(self, host: str, name: str) -> None:
        """A request in somebody's name had no credentials, and was answered by a challenge: no offence by itself."""
        ...

    def proved(self, host: str, name: str) -> None:
        """A request has proved to be from an account."""
        ...
