"""Where SIP is heard, and under which address each peer is told to reach us."""

import socket

from msgspec import Struct

from gateways.sip.ua.vicinity import Network, is_in
from softswitch.kernel.address import HostPort


class Listener(Struct, frozen=True):
    """An address to listen on."""

    kind: str
    """`udp`, `tcp`, `tls`, `ws` or `wss`."""
    address: HostPort
    """Port 0: the kernel chooses."""
    advertised: str | None = None
    """The host that peers reach us by, where it is not the address: behind NAT, or on `0.0.0.0`."""
    inside: tuple[Network, ...] = ()
    """The networks whose hosts reach us by the address itself, although others are told the advertised one."""

    def outside_address(self, bound: HostPort) -> HostPort:
        """Where the world reaches a socket of this listener."""
        return HostPort(self.advertised, bound.port) if self.advertised is not None else self.inside_address(bound)

    def inside_address(self, bound: HostPort) -> HostPort:
        """Where hosts of our own networks reach it."""
        return HostPort(own_address(bound.host), bound.port) if bound.host in ("0.0.0.0", "::") else bound

    def address_for(self, bound: HostPort, peer: str) -> HostPort:
        """Where one peer reaches it."""
        return self.inside_address(bound) if is_in(peer, self.inside) else self.outside_address(bound)


def own_address(wildcard: str, towards: str = "") -> str:
    """The address that packets to a host leave from (to the world outside, where none is given); nothing is sent to
    find it out."""
    v6 = ":" in wildcard
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Documentation addresses (RFC 5737, RFC 3849): routed like any other.
            probe.connect((towards or ("2001:db8::1" if v6 else "192.0.2.1"), 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if v6 else "127.0.0.1"
