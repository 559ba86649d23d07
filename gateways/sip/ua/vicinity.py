"""Two addresses for one switch: what hosts of our own networks are told, and what everybody else is."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from msgspec import Struct

Network = IPv4Network | IPv6Network


@lru_cache(maxsize=4096)
def is_in(host: str, networks: tuple[Network, ...]) -> bool:
    """Whether an IP address is in one of some networks."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)


class Vicinity(Struct, frozen=True):
    """Who is inside, and where sound is to be sent."""

    inside: tuple[Network, ...]
    outside_media: str
    """The address that session descriptions name."""
    inside_media: str
    """The one that they name to who is inside."""

    def media_seen_from(self, peer: str) -> tuple[str, str] | None:
        """Which address is to be replaced by which in what a peer is told; None: none."""
        return (self.outside_media, self.inside_media) if is_in(peer, self.inside) else None
