"""Waking phones that sleep."""

from dataclasses import dataclass
from typing import Any

from softswitch.settings.kinds import TEXT, Kind, comma_separated, read_text, setting, whole


def _services(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(read_text(each).isalnum() for each in values):
        raise ValueError(f"{value!r} should be a list such as ['fcm', 'apns']")
    return tuple(values)


def _url(value: Any) -> str:
    if not read_text(value).startswith(("http://", "https://")):
        raise ValueError(f"{value!r} should be a URL such as https://push.example/wake")
    return str(value)


@dataclass(frozen=True)
class PushSettings:
    """`[push]` (RFC 8599)"""

    services: tuple[str, ...] = setting((), Kind(_services, comma_separated))
    """The push services that phones may name (`pn-provider`): `fcm`, `apns`, `webpush`. Needs `webhook`."""
    webhook: str = setting("", Kind(_url))
    """Told by POST which phone to wake: `{"provider", "prid", "param", "account", "from"}`."""
    token: str = setting("", TEXT)
    """What the webhook knows the switch by (`Authorization: Bearer`)."""
    wait_seconds: int = setting(10, whole(1, 60))
    """How long a call waits for a phone that was woken."""
