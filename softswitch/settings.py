"""The settings of a running switch: one frozen tree, read once at its start.

A value comes from the command line, else from the environment (`sip.listen` is SOFTSWITCH_SIP_LISTEN), else from the
TOML file, else from the defaults below, which open nothing beyond this machine. What administrators change while
it runs (accounts, dial plan, trunks) is in the database instead.
"""

import dataclasses
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Invalid

# How a value is read --------------------------------------------------------------------------------------


class Kind(NamedTuple):
    """How one setting is read: from TOML, and from the text of an option or environment variable."""

    read: Callable[[Any], Any]
    """Raises ValueError saying what is expected."""
    from_text: Callable[[str], Any] = str
    """Into what TOML would have given."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or any(ord(letter) < 32 for letter in value):
        raise ValueError(f"{value!r} should be a text")
    return value


def _address(value: Any, default_port: int) -> HostPort:
    host, port = HostPort.parse(_text(value), default_port)
    return HostPort(_ip(host), port)


def _ip(value: Any) -> str:
    text = "127.0.0.1" if value == "localhost" else _text(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError(f"{value!r} is no IP address") from error


class Listener(NamedTuple):
    """Where SIP is heard."""

    transport: str
    """`udp` or `tcp`."""
    address: HostPort

    @classmethod
    def read(cls, value: Any) -> "tuple[Listener, ...]":
        """`udp:HOST:PORT`, `tcp:HOST:PORT`, or `HOST:PORT` for both."""
        transport, colon, address = _text(value).partition(":")
        if colon and transport in ("udp", "tcp"):
            return (cls(transport, _address(address, 5060)),)
        if colon and transport in ("tls", "ws", "wss"):
            raise ValueError(f"{transport} is not built yet: udp and tcp are")
        both = _address(value, 5060)
        return (cls("udp", both), cls("tcp", both))


def _listeners(value: Any) -> tuple[Listener, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise ValueError(f"{value!r} should be a list such as ['192.0.2.1:5060']")
    listeners = tuple(listener for each in values for listener in Listener.read(each))
    if len(set(listeners)) < len(listeners):
        raise ValueError(f"{value!r} names the same listener twice")
    return listeners


def _hosts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be an IP address, or a list of one IPv4 and one IPv6 address")
    hosts = tuple(_ip(each) for each in values)
    if len({":" in host for host in hosts}) < len(hosts):
        raise ValueError(f"{value!r} has two addresses of one family")
    return hosts


def _comma_separated(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _whole(least: int, most: int) -> Kind:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{value!r} should be a whole number from {least} to {most}")
        return value

    def from_text(text: str) -> Any:
        return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text

    return Kind(read, from_text)


def _one_of(*words: str) -> Kind:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} should be one of {', '.join(words)}")
        return str(value)

    return Kind(read)


def _realm(value: Any) -> str:
    if '"' in _text(value) or "\\" in value or len(value) > 255:
        raise ValueError(f"{value!r} should be at most 255 characters without quotes and backslashes")
    return str(value)


LISTENERS = Kind(_listeners, _comma_separated)
HOSTS = Kind(_hosts, _comma_separated)
TEXT = Kind(_text)
FOLDER = Kind(lambda value: Path(_text(value)).expanduser())
HTTP_ADDRESS = Kind(lambda value: _address(value, 8080))


def setting(default: Any, kind: Kind) -> Any:
    """Declare one setting."""
    return field(default=default, metadata={"kind": kind})


# The tree -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SipSettings:
    """`[sip]`"""

    listen: tuple[Listener, ...] = setting(Listener.read("127.0.0.1:5060"), LISTENERS)
    """Addresses to hear SIP on: `HOST:PORT` for UDP and TCP, `udp:HOST:PORT` or `tcp:HOST:PORT` for one."""
    advertised: tuple[str, ...] = setting((), HOSTS)
    """Addresses that phones reach the switch at, where they are not the ones listened on (behind a NAT, or when
    listening on 0.0.0.0): one IPv4, one IPv6, or both."""
    realm: str = setting("softswitch", Kind(_realm))
    """The realm of passwords. Changing it makes all stored ones worthless."""


@dataclass(frozen=True)
class HttpSettings:
    """`[http]`"""

    listen: HostPort = setting(HostPort("127.0.0.1", 8080), HTTP_ADDRESS)  # noqa: RUF009 - immutable
    """Where the API is served, in the clear: put a TLS proxy before it when it leaves the machine."""


@dataclass(frozen=True)
class MediaSettings:
    """`[media]`"""

    listen: str | None = setting(None, Kind(_ip))
    """The address to receive sound on; left out: the one of the first SIP listener."""
    advertised: str | None = setting(None, Kind(_ip))
    """The address that phones send sound to; left out: `sip.advertised`, else `media.listen`."""
    first_port: int = setting(20000, _whole(0, 65000))
    """The lowest RTP port; each leg takes two. 0: any that are free."""
    legs: int = setting(4000, _whole(2, 20000))
    """How many legs may have sound through the switch at once; a call has two."""
    threads: int = setting(1, _whole(1, 64))
    """Threads that carry sound."""
    io: Literal["auto", "epoll", "io_uring"] = setting("auto", _one_of("auto", "epoll", "io_uring"))
    """How packets are read and written; `auto` takes the fastest that this kernel allows."""


@dataclass(frozen=True)
class LimitSettings:
    """`[limits]`"""

    calls: int = setting(20_000, _whole(1, 1_000_000))
    """Calls at once; more are refused with 503."""
    drain_seconds: int = setting(30, _whole(0, 86_400))
    """How long calls may go on after SIGTERM."""


@dataclass(frozen=True)
class Settings:
    """Everything a switch is started with."""

    data_dir: Path = setting(Path(), FOLDER)  # noqa: RUF009 - immutable
    """Where the switch keeps its files; the database too, unless `database` says otherwise."""
    database: str = setting("", TEXT)
    """`sqlite+aiosqlite:////FILE` or `postgresql://USER:PASSWORD@HOST/NAME`."""
    log_level: str = setting("info", _one_of("debug", "info", "warning", "error"))
    """From which level on the log is written."""
    sip: SipSettings = field(default_factory=SipSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    demo: bool = False
    """Make the demo's accounts, plan and trunk, and admit its guests. Command line only."""
    bench: bool = False
    """Turn off what a load test must not meet: limits and bans by source address. Command line only."""
    demo_media: str = "anchored"
    """Whether sound of the demo's trunk is `anchored` in the switch or goes past it: `bypass`. Command line only."""

    @property
    def media_listen(self) -> str:
        """The address to receive sound on."""
        return self.media.listen or self.sip.listen[0].address.host

    @property
    def media_advertised(self) -> str:
        """The address that phones are told to send sound to."""
        return self.media.advertised or self.advertised_for(self.media_listen)

    def advertised_for(self, listened: str) -> str:
        """The address by which the world knows one that is listened on."""
        for host in self.sip.advertised:
            if (":" in host) == (":" in listened):
                return host
        return listened


# Reading it -----------------------------------------------------------------------------------------------


class Option(NamedTuple):
    """A setting given on the command line."""

    name: str
    """As it was written, such as `--sip`."""
    path: str
    """Of the setting: `sip.listen`."""
    text: str


def read_settings(
    file: Path | None,
    environment: Mapping[str, str] = os.environ,
    options: Sequence[Option] = (),
    *,
    demo: bool = False,
    bench: bool = False,
    demo_media: str = "anchored",
) -> Settings:
    """Read all settings. Raises Invalid naming file, line and field, or the option or variable."""
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if file is not None:
        for path, value, where in _read_file(file):
            values[path], origin[path] = value, where
    for path in _KINDS:
        variable = "SOFTSWITCH_" + path.replace(".", "_").upper()
        if environment.get(variable):
            values[path], origin[path] = _KINDS[path].from_text(environment[variable]), variable
    for option in options:
        values[option.path], origin[option.path] = _KINDS[option.path].from_text(option.text), option.name
    for path, value in values.items():
        try:
            values[path] = _KINDS[path].read(value)
        except ValueError as error:
            raise Invalid(origin[path], str(error)) from error
    settings: Settings = _build(Settings, "", values)
    if settings.data_dir == Path():
        settings = dataclasses.replace(settings, data_dir=_default_data_dir(environment))
    if not settings.database:
        database = f"sqlite+aiosqlite:///{settings.data_dir.absolute() / 'softswitch.db'}"
        settings = dataclasses.replace(settings, database=database)
    settings = dataclasses.replace(settings, demo=demo, bench=bench, demo_media=demo_media)
    _check_reach(settings, origin, configured=file is not None)
    return settings


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(home) / "softswitch"


def _build(kind: Any, prefix: str, values: Mapping[str, Any]) -> Any:
    given = {}
    for each in dataclasses.fields(kind):
        path = f"{prefix}{each.name}"
        if "kind" in each.metadata:
            if path in values:
                given[each.name] = values[path]
        elif dataclasses.is_dataclass(each.type):
            given[each.name] = _build(each.type, f"{path}.", values)
    return kind(**given)


def _kinds(kind: Any, prefix: str = "") -> dict[str, Kind]:
    found = {}
    for each in dataclasses.fields(kind):
        if "kind" in each.metadata:
            found[prefix + each.name] = each.metadata["kind"]
        elif dataclasses.is_dataclass(each.type):
            found |= _kinds(each.type, f"{prefix}{each.name}.")
    return found


_KINDS = _kinds(Settings)
_TABLES = {path.partition(".")[0] for path in _KINDS if "." in path}


def _check_reach(settings: Settings, origin: Mapping[str, str], *, configured: bool) -> None:
    """What is open to the network must be meant, and must be reachable under an address."""
    for path, host in (
        *(("sip.listen", listener.address.host) for listener in settings.sip.listen),
        ("http.listen", settings.http.listen.host),
        ("media.listen", settings.media_listen),
    ):
        address = ipaddress.ip_address(host)
        where = origin.get(path, path)
        if settings.demo and not address.is_loopback:
            raise Invalid(where, f"{host} is open to the network, and the demo's passwords are known to everyone")
        if not configured and not address.is_loopback:
            raise Invalid(
                where,
                f"{host} is open to the network: that needs a configuration file, so that nobody opens it unaware",
            )
        if path == "sip.listen" and address.is_unspecified and settings.advertised_for(host) == host:
            raise Invalid(where, f"{host} stands for every address: say in sip.advertised which one phones should use")
    if ipaddress.ip_address(settings.media_advertised).is_unspecified:
        where = origin.get("media.listen", "media.listen")
        raise Invalid(where, "every address is listened on: say in media.advertised which one phones should use")


# The file -------------------------------------------------------------------------------------------------


def _read_file(file: Path) -> list[tuple[str, Any, str]]:
    """Every known setting of a file: its path, its value, and `file:line: path`."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{file}:{line}", "this is not UTF-8") from error
    except OSError as error:
        raise Invalid(str(file), f"cannot read the configuration: {error.strerror}") from error
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column \d+|end of document)\)", str(error), re.DOTALL)
        line = int(said[2]) if said and said[2] else text.count("\n") + 1
        raise Invalid(f"{file}:{line}", said[1] if said else str(error)) from error
    lines = key_lines(text)

    def where(path: str) -> str:
        line = lines.get(path) or lines.get(path.rpartition(".")[0])
        return f"{file}:{line}: {path}" if line else f"{file}: {path}"

    found = []
    for name, value in tree.items():
        if name in _TABLES:
            if not isinstance(value, dict):
                raise Invalid(where(name), f"this should be a table: [{name}]")
            for key, inner in value.items():
                path = f"{name}.{key}"
                if path not in _KINDS:
                    raise Invalid(where(path), _unknown(path))
                found.append((path, inner, where(path)))
        elif name not in _KINDS:
            raise Invalid(where(name), _unknown(name))
        else:
            found.append((name, value, where(name)))
    return found


def _unknown(path: str) -> str:
    known = [*_KINDS, *_TABLES]
    # A right name in the wrong table is the commonest slip, after a slip of the finger.
    last = path.rpartition(".")[2]
    near = [other for other in known if other.rpartition(".")[2] == last] or difflib.get_close_matches(path, known, 1)
    return f"there is no such setting; did you mean {near[0]}?" if near else "there is no such setting"


def key_lines(text: str) -> dict[str, int]:
    """The line of each key of a TOML text, by dotted path: the parser does not tell, and an error must.

    Keys inside inline tables and after the opening of a multi-line value are not told apart from text; the table's or
    the value's own line is then the nearest that is known.
    """
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = _dotted(header[1])
            lines.setdefault(table, number)
        elif key := re.match(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w"'-]+)*)\s*=""", line):
            path = _dotted(key[1])
            lines.setdefault(f"{table}.{path}" if table else path, number)
    return lines


def _dotted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
