"""Reading the tree: command line before environment before file before defaults."""

import dataclasses
import ipaddress
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from softswitch.kernel.errors import Invalid
from softswitch.settings.file import read_file
from softswitch.settings.kinds import Kind
from softswitch.settings.tree import Settings


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
        for path, value, where in read_file(file, _KINDS):
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


def _check_reach(settings: Settings, origin: Mapping[str, str], *, configured: bool) -> None:
    """What is open to the network must be meant, and must be reachable under an address."""
    floor = settings.video.floor_listen
    for path, host in (
        *(("sip.listen", listener.address.host) for listener in settings.sip.listen),
        ("http.listen", settings.http.listen.host),
        ("media.listen", settings.media_listen),
        *([("video.floor_listen", floor.host)] if floor is not None else ()),
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
    encrypted = [listener for listener in settings.sip.listen if listener.transport in ("tls", "wss")]
    if encrypted and not settings.tls.certificates:
        where = origin.get("sip.listen", "sip.listen")
        raise Invalid(where, f"{encrypted[0].transport} needs a certificate: say in tls.certificates where it is")
    if settings.push.services and not settings.push.webhook:
        raise Invalid(origin.get("push.services", "push.services"), "say in push.webhook who is told whom to wake")
    mail = settings.mail
    if mail.server is not None and not mail.sender:
        raise Invalid(origin.get("mail.server", "mail.server"), "say in mail.sender whom e-mails come from")
    if mail.password and mail.tls == "none" and mail.server is not None and not _is_here(mail.server.host):
        where = origin.get("mail.tls", "mail.tls")
        raise Invalid(where, "the password would go through the network for everybody to read: starttls or tls")
    mqtt = settings.mqtt
    if mqtt.password and not mqtt.tls and mqtt.server is not None and not _is_here(mqtt.server.host):
        where = origin.get("mqtt.password", "mqtt.password")
        raise Invalid(where, "the password would go through the network for everybody to read: say mqtt.tls = true")
    if floor is not None and ipaddress.ip_address(settings.advertised_for(floor.host)).is_unspecified:
        where = origin.get("video.floor_listen", "video.floor_listen")
        raise Invalid(where, "every address is listened on: say in sip.advertised which one phones should use")
    if ipaddress.ip_address(settings.media_advertised).is_unspecified:
        where = origin.get("media.listen", "media.listen")
        raise Invalid(where, "every address is listened on: say in media.advertised which one phones should use")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
