"""Where and who."""

from typing import NamedTuple


class HostPort(NamedTuple):
    """An IP address in text (IPv6 without brackets) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int | None = None) -> "HostPort":
        """Read `host:port` or `[v6]:port`; the port may be left out where a default is given.

        Raises ValueError naming the text.
        """
        host, port = text, ""
        if text.startswith("["):
            host, closed, rest = text[1:].partition("]")
            if not closed or (rest and not rest.startswith(":")):
                raise ValueError(f"{text!r} is not HOST:PORT")
            port = rest[1:]
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
        if not host:
            raise ValueError(f"{text!r} is not HOST:PORT: the host is missing")
        if not port:
            if default_port is None:
                raise ValueError(f"{text!r} is not HOST:PORT: the port is missing")
            return cls(host, default_port)
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT: {port!r} is no port")
        return cls(host, int(port))


class Party(NamedTuple):
    """Someone a call is from or to: a number (or user name) and the name shown beside it."""

    number: str
    name: str = ""
    device: str = ""
    """Where one device of the number is meant and no other: its instance (RFC 5627)."""
