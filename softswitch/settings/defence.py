"""What protects the switch from too much work, and from those who mean it ill."""

import ipaddress
from dataclasses import dataclass
from typing import Any

from softswitch.settings.kinds import Kind, comma_separated, read_text, setting, yes_or_no


def _networks(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be a list of networks such as ['192.0.2.0/24']")
    networks = []
    for each in values:
        try:
            networks.append(str(ipaddress.ip_network(read_text(each))))
        except ValueError as error:
            raise ValueError(f"{each!r} is no network: {error}") from error
    return tuple(networks)


def _numbers(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError(f"{value!r} should be a list of numbers such as ['112']")
    return tuple(read_text(each) for each in values)


NETWORKS = Kind(_networks, comma_separated)
NUMBERS = Kind(_numbers, comma_separated)


@dataclass(frozen=True)
class DefenceSettings:
    """`[defence]`"""

    shedding: bool = setting(True, yes_or_no())
    """Whether new calls, registrations and the like are turned away with 503 when there are more than the switch can
    do. What has begun is never turned away."""
    emergency: tuple[str, ...] = setting(("112", "911", "999", "110", "119", "120", "122"), NUMBERS)
    """Numbers whose calls are never turned away."""
    limits: bool = setting(True, yes_or_no())
    """Whether one source address may send only so much, and is banned when it scans or guesses passwords."""
    allow: tuple[str, ...] = setting((), NETWORKS)
    """Networks that are neither limited nor banned."""
