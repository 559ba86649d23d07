"""Which trunk a source address belongs to."""

import ipaddress
from collections.abc import Iterable

from softswitch.features.trunks.model.trunk import Network, Trunk

__all__ = ["Network", "Sources"]


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
