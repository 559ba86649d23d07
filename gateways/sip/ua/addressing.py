"""Where SIP URIs point, and how our own From, To and Contact are written.

The answers are kept: a trunk's or a phone's URI comes back with every call.
"""

from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import quote

from gateways._native import NameAddr, SipUri
from gateways.sip.ua.server_location import Hop, Sought
from softswitch.kernel.address import Party

_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


@lru_cache(maxsize=4096)
def parsed(uri: str) -> SipUri | None:
    """A URI's parts; None when it is broken or of an unknown scheme."""
    return SipUri.parse(uri)


@lru_cache(maxsize=4096)
def contact_uri(value: str) -> str | None:
    """The URI of a Contact, Route or Record-Route value, as written; None when there is no SIP URI in it."""
    address = NameAddr.parse(value)
    if address is None:
        return None
    uri = SipUri.parse(address.uri)
    return address.uri if uri is not None and uri.scheme != "tel" else None


@lru_cache(maxsize=4096)
def sought_by(uri: str) -> Sought | None:
    """What a URI's next hop is found by (RFC 3263 section 4); None for `tel:`."""
    address = SipUri.parse(uri)
    return Sought.by(address) if address is not None and address.host else None


@lru_cache(maxsize=4096)
def hop_of(uri: str) -> Hop | None:
    """Where a URI says that its requests go, as far as it says so itself: its host may be a name. None for `tel:`."""
    sought = sought_by(uri)
    return sought.at(sought.host) if sought is not None else None


@lru_cache(maxsize=4096)
def hop_seen(uri: str, peer: tuple[str, int], *, routed: bool) -> Hop | None:
    """Where a URI of a dialog leads whose peer was seen at an address: to that address where the URI names none, and
    where a Contact from elsewhere names a private one: its owner is behind NAT, and only what was seen leads there."""
    hop = hop_of(uri)
    if hop is None:
        return None
    if not is_literal(hop.host) or (not routed and hop.host != peer[0] and is_private(hop.host)):
        return Hop(hop.kind, *peer)
    return hop


@lru_cache(maxsize=4096)
def is_loose(uri: str) -> bool:
    """Whether a route's URI has `lr` (RFC 3261 section 16.12)."""
    address = SipUri.parse(uri)
    return address is not None and address.param("lr") is not None


def is_literal(host: str) -> bool:
    """Whether a host is an IP address rather than a name: no top-level domain is all digits."""
    return ":" in host or host.rpartition(".")[2].isdigit()


@lru_cache(maxsize=4096)
def is_private(host: str) -> bool:
    """Whether an address means something only inside its own network (RFC 1918, 3927, 4193, 6598, loopback)."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)


def escaped_user(number: str) -> str:
    """A number or name as the user part of a URI (RFC 3261 section 25.1 `user`)."""
    if number.isascii() and number.isalnum():
        return number
    return quote(number, safe="-_.!~*'()&=+$,;?/")


def host_text(host: str) -> str:
    """A host as URIs write it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


@lru_cache(maxsize=4096)
def called_address(number: str, uri: str) -> str:
    """The To value of a call to a number at a URI, without a tag."""
    target = parsed(uri)
    host = host_text(target.host) if target is not None else ""
    return f"<sip:{escaped_user(number)}@{host}>" if number else f"<sip:{host}>"


@lru_cache(maxsize=4096)
def party_address(party: Party, host: str) -> str:
    """A From or To value for a party at a host, without a tag."""
    number = party.number
    user = number if number.isascii() and number.isalnum() else escaped_user(number)
    address = f"<sip:{user}@{host}>" if user else f"<sip:{host}>"
    if not party.name:
        return address
    name = "".join(c for c in party.name if c.isprintable()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" {address}'


@lru_cache(maxsize=4096)
def user_of(uri: str) -> str:
    """The user part of a URI, unescaped; for `tel:` the number; empty where there is none."""
    address = SipUri.parse(uri)
    return (address.user or "") if address is not None else ""


def line_of(uri: str) -> str:
    """The `line` parameter of a URI: it marks a Contact that we registered in bulk. Empty where there is none."""
    address = SipUri.parse(uri)
    return (address.param("line") or "") if address is not None else ""


def display_name(value: str) -> str:
    """The display name of a From or To value."""
    if value.startswith(("<", "sip:")):
        return ""
    address = NameAddr.parse(value)
    return address.display_name if address is not None else ""
