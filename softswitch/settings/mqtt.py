"""Telling an MQTT broker what happens."""

import re
from dataclasses import dataclass
from typing import Any

from softswitch.kernel.address import HostPort
from softswitch.settings.kinds import TEXT, YES_OR_NO, Kind, comma_separated, read_text, setting, whole

_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]{2,45}")
_PORTS = {False: 1883, True: 8883}


def _server(value: Any) -> HostPort:
    server = HostPort.parse(read_text(value), 0)
    if not _NAME.fullmatch(server.host) or not 0 <= server.port < 65536:
        raise ValueError(f"{value!r} should be an MQTT broker such as mqtt.example.com:8883")
    return server


def _prefix(value: Any) -> str:
    if not re.fullmatch(r"[^+#\s/$][^+#\s]{0,199}", read_text(value)) or "//" in value or value.endswith("/"):
        raise ValueError(f"{value!r} should be the beginning of topics, such as softswitch or sites/berlin/softswitch")
    return str(value)


def _filters(value: Any) -> tuple[str, ...]:
    """MQTT 3.1.1 section 4.7.1: `+` stands for a whole level, `#` for all further ones and only at the end."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise ValueError(f"{value!r} should be a list such as ['queues/#', 'agents/+/state']")
    for each in values:
        levels = read_text(each).split("/")
        if "#" in levels[:-1] or any(("+" in level or "#" in level) and len(level) > 1 for level in levels):
            raise ValueError(f"{each!r} should be a topic filter such as 'queues/#' or 'agents/+/state'")
    return tuple(values)


@dataclass(frozen=True)
class MqttSettings:
    """`[mqtt]`"""

    server: HostPort | None = setting(None, Kind(_server))  # noqa: RUF009 - immutable
    """The broker, `HOST` or `HOST:PORT`; left out: none is told anything. The port left out: 8883 with `tls`, else
    1883."""
    tls: bool = setting(False, YES_OR_NO)
    """Whether the connection is encrypted; `tls.authority` and `tls.verify` say whom it trusts."""
    username: str = setting("", TEXT)
    """What the broker knows the switch by; empty: it does not ask."""
    password: str = setting("", TEXT)
    prefix: str = setting("softswitch", Kind(_prefix))
    """What all topics begin with."""
    qos: int = setting(1, whole(0, 1))
    """1: a message is sent until the broker has said that it has it, perhaps twice; 0: once, perhaps in vain."""
    topics: tuple[str, ...] = setting(("#",), Kind(_filters, comma_separated))
    """Which topics are told, without the prefix, as one would subscribe to them."""

    @property
    def port(self) -> int:
        """Of the broker."""
        return (self.server.port if self.server is not None else 0) or _PORTS[self.tls]
