"""What a trunk is, and which trunk a source address belongs to."""

import ipaddress
from collections.abc import Iterable

from msgspec import Struct

from softswitch.calls.signals import Origin

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Trunk(Struct, frozen=True, gc=False, kw_only=True):
    """A link to another switch or a carrier."""

    name: str
    host: str
    port: int
    transport: str
    sources: tuple[Network, ...]
    """Calls from here are this trunk's, without a password."""
    strip: int
    """How many leading digits of the number are left out when it is sent."""
    prefix: str
    """What is then put before it."""
    anchored: bool
    """Whether sound passes through our media engine."""
    ring_seconds: int
    enabled: bool
    origin: Origin
    """Whom its calls are from: this trunk, in its dial plan context."""

    def number_sent(self, number: str) -> str:
        """A dialled number as this trunk wants it."""
        return self.prefix + number[self.strip :]

    def uri(self, number: str) -> str:
        """The Request-URI for a number that `number_sent` has made."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        parameter = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{escape_user(number)}@{host}:{self.port}{parameter}"


# RFC 3261 section 25.1: user = 1*( unreserved / escaped / user-unreserved ), these being its literal characters.
_USER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/")


def escape_user(user: str) -> str:
    """A user part as a SIP URI writes it: `#` in a dialled number becomes %23."""
    if user.isascii() and user.isalnum():
        return user
    return "".join(chr(byte) if byte in _USER else f"%{byte:02X}" for byte in user.encode())


class Sources:
    """Finds the trunk of a source address: single addresses at once, networks by the longest prefix.

    A cache of answers would be filled by whoever sends from many addresses; instead there are few prefix lengths.
    """

    def __init__(self, trunks: Iterable[Trunk]) -> None:
        self._by_prefix: dict[tuple[int, int], dict[int, Trunk]] = {}
        for trunk in trunks:
            if trunk.enabled:
                for network in trunk.sources:
                    key = (network.version, network.prefixlen)
                    # Of two trunks that claim the same network the first by name has it.
                    self._by_prefix.setdefault(key, {}).setdefault(int(network.network_address), trunk)
        self._order = sorted(self._by_prefix, reverse=True)

    def find(self, host: str) -> Trunk | None:
        """The trunk whose network holds an address; None for a stranger's, or for what is no IP address."""
        if not self._order:
            return None
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return None
        if address.version == 6 and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # how a dual-stack socket shows an IPv4 peer
        value, bits = int(address), address.max_prefixlen
        for version, length in self._order:
            if version == address.version:
                trunk = self._by_prefix[version, length].get(value >> (bits - length) << (bits - length))
                if trunk is not None:
                    return trunk
        return None
