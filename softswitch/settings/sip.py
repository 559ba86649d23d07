"""Where SIP is heard, and under which addresses and realm."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple

from softswitch.kernel.address import HostPort
from softswitch.settings.kinds import (
    HOSTS,
    NAME_SERVERS,
    NETWORKS,
    Kind,
    comma_separated,
    one_of,
    read_address,
    read_text,
    setting,
    whole,
    yes_or_no,
)

PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
"""Where each kind is heard unless the address says."""


class Listener(NamedTuple):
    """Where SIP is heard."""

    transport: str
    """`udp`, `tcp`, `tls`, `ws` (WebSocket) or `wss` (secure WebSocket)."""
    address: HostPort

    @classmethod
    def read(cls, value: Any) -> "tuple[Listener, ...]":
        """`KIND:HOST:PORT`, or `HOST:PORT` for UDP and TCP."""
        transport, colon, address = read_text(value).partition(":")
        if colon and transport in PORTS:
            return (cls(transport, read_address(address, PORTS[transport])),)
        both = read_address(value, 5060)
        return (cls("udp", both), cls("tcp", both))


def _listeners(value: Any) -> tuple[Listener, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise ValueError(f"{value!r} should be a list such as ['192.0.2.1:5060']")
    listeners = tuple(listener for each in values for listener in Listener.read(each))
    if len(set(listeners)) < len(listeners):
        raise ValueError(f"{value!r} names the same listener twice")
    return listeners


def _algorithms(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    known = ("SHA-256", "MD5")
    if not isinstance(values, list) or values not in (["SHA-256"], ["MD5"], [*known], [*reversed(known)]):
        raise ValueError(f"{value!r} should be a list of {' and '.join(known)}, the preferred one first, or of one")
    return tuple(values)


def _realm(value: Any) -> str:
    if '"' in read_text(value) or "\\" in value or len(value) > 255:
        raise ValueError(f"{value!r} should be at most 255 characters without quotes and backslashes")
    return str(value)


def _session_expires(value: Any) -> int:
    seconds: int = whole(0, 86_400).read(value)
    if 0 < seconds < 90:
        raise ValueError(f"{value!r} should be at least 90 (RFC 4028 section 4), or 0 for none")
    return seconds


def _routes(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(re.fullmatch(r"<sips?:[^<>,\s]+>", read_text(each)) for each in values):
        raise ValueError(f"{value!r} should be a list such as ['<sip:edge.example.com;lr>']")
    return tuple(values)


def _agents(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) and each.strip() for each in values):
        raise ValueError(f"{value!r} should be a list of beginnings of User-Agent, such as ['baresip v1.0.']")
    return tuple(values)


AGENTS = Kind(_agents, comma_separated)
ROUTES = Kind(_routes, comma_separated)
LISTENERS = Kind(_listeners, comma_separated)


@dataclass(frozen=True)
class SipSettings:
    """`[sip]`"""

    listen: tuple[Listener, ...] = setting(Listener.read("127.0.0.1:5060"), LISTENERS)
    """Addresses to hear SIP on: `HOST:PORT` for UDP and TCP, `KIND:HOST:PORT` for one of `udp`, `tcp`, `tls`, `ws`,
    `wss`."""
    advertised: tuple[str, ...] = setting((), HOSTS)
    """Addresses that phones reach the switch at, where they are not the ones listened on (behind a NAT, or when
    listening on 0.0.0.0): one IPv4, one IPv6, or both."""
    local_networks: tuple[IPv4Network | IPv6Network, ...] = setting((), NETWORKS)
    """Networks whose hosts reach the switch at the addresses listened on, although others are told `advertised`."""
    realm: str = setting("softswitch", Kind(_realm))
    """The realm of passwords. Changing it makes all stored ones worthless."""
    digest: tuple[str, ...] = setting((), Kind(_algorithms, comma_separated))
    """The digest algorithms that passwords may be proved by, as they are offered: "the most preferred [...] first"
    (RFC 8760 section 2.4). None named: SHA-256, then MD5; in the demo the other way round, because SIPp knows only MD5
    and only looks at the first."""
    digest_md5_agents: tuple[str, ...] = setting(("baresip v0.", "baresip v1.0."), AGENTS)
    """What the User-Agent of phones begins with that give up where SHA-256 is among the challenges: MD5 alone is asked
    of them, where `digest` has it."""
    name_servers: tuple[HostPort, ...] = setting((), NAME_SERVERS)
    """The DNS servers to ask where trunks and phones are named by domain; none: those of this machine."""
    session_expires: int = setting(1800, Kind(_session_expires, whole(0, 86_400).from_text))
    """Seconds between the refreshes that show that a party is still there (RFC 4028); 0: it is never asked for."""
    min_session_expires: int = setting(90, whole(90, 86_400))
    """Seconds between refreshes below which a party is refused with 422."""
    reliable_provisional: str = setting("required", one_of("required", "supported"))
    """Callers who hear of ringing and early media reliably (RFC 3262): those who require it, or all who support it."""
    service_route: tuple[str, ...] = setting((), ROUTES)
    """The proxies that phones must call through (RFC 3608), such as `["<sip:edge.example.com;lr>"]`; topmost first."""
    unsolicited_mwi: bool = setting(False, yes_or_no())
    """Whether phones that never subscribe to their mailbox are told of it all the same, when it changes and when they
    register."""
    srtp_keys_in_clear: bool = setting(False, yes_or_no())
    """Whether accounts and trunks that require SRTP may send its keys over unencrypted signalling."""
    nat_ping_seconds: int = setting(30, whole(0, 3600))
    """Between two OPTIONS to a phone behind NAT over UDP, which keep the way to it open; 0: none are sent."""
