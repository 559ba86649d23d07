"""How a value is read: from TOML, and from the text of an option or environment variable. All raise ValueError saying
what is expected."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, NamedTuple

from softswitch.kernel.address import HostPort


class Kind(NamedTuple):
    """How one setting is read: from TOML, and from the text of an option or environment variable."""

    read: Callable[[Any], Any]
    """Raises ValueError saying what is expected."""
    from_text: Callable[[str], Any] = str
    """Into what TOML would have given."""


def read_text(value: Any) -> str:
    if not isinstance(value, str) or not value or any(ord(letter) < 32 for letter in value):
        raise ValueError(f"{value!r} should be a text")
    return value


def read_address(value: Any, default_port: int) -> HostPort:
    host, port = HostPort.parse(read_text(value), default_port)
    return HostPort(read_ip(host), port)


def read_ip(value: Any) -> str:
    text = "127.0.0.1" if value == "localhost" else read_text(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError(f"{value!r} is no IP address") from error


def _hosts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be an IP address, or a list of one IPv4 and one IPv6 address")
    hosts = tuple(read_ip(each) for each in values)
    if len({":" in host for host in hosts}) < len(hosts):
        raise ValueError(f"{value!r} has two addresses of one family")
    return hosts


def comma_separated(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def whole(least: int, most: int) -> Kind:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{value!r} should be a whole number from {least} to {most}")
        return value

    def from_text(text: str) -> Any:
        return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text

    return Kind(read, from_text)


def yes_or_no() -> Kind:
    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} should be true or false")
        return value

    def from_text(text: str) -> Any:
        return {"true": True, "false": False}.get(text.lower(), text)

    return Kind(read, from_text)


def one_of(*words: str) -> Kind:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} should be one of {', '.join(words)}")
        return str(value)

    return Kind(read)


def _servers(value: Any) -> tuple[HostPort, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be a list such as ['192.0.2.53']")
    return tuple(read_address(each, 53) for each in values)


HOSTS = Kind(_hosts, comma_separated)


def _networks(value: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be a list such as ['10.0.0.0/8']")
    try:
        return tuple(ipaddress.ip_network(read_text(each)) for each in values)
    except ValueError as error:
        raise ValueError(f"{value!r} should be a list such as ['10.0.0.0/8']: {error}") from error


def _files(value: Any) -> tuple[Path, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be a list of files or folders")
    return tuple(Path(read_text(each)).expanduser() for each in values)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} should be true or false")
    return value


NETWORKS = Kind(_networks, comma_separated)
FILES = Kind(_files, comma_separated)
YES_OR_NO = Kind(_yes_or_no, lambda text: {"true": True, "false": False}.get(text.lower(), text))
NAME_SERVERS = Kind(_servers, comma_separated)
TEXT = Kind(read_text)
FOLDER = Kind(lambda value: Path(read_text(value)).expanduser())


def setting(default: Any, kind: Kind) -> Any:
    """Declare one setting."""
    return field(default=default, metadata={"kind": kind})
