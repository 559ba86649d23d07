"""Requests that are too long for UDP (RFC 3261 section 18.1.1): they go over TCP where the peer has it.

A datagram longer than the path's MTU travels in fragments, which many a NAT and firewall drop.
"""

from typing import NamedTuple

from gateways.sip.ua.context import Context, Way
from gateways.sip.ua.server_location import Hop
from softswitch.calls.signals import Target

MOST_BY_UDP = 1300
"""Octets: "if it is larger than 1300 bytes and the path MTU is unknown"."""
_WITHOUT_TCP_SECONDS = 600.0
"""For so long a peer is not asked again whether it has TCP."""
_REMEMBERED = 1024


class Detour(NamedTuple):
    """The way of a long request, and the one that it would have gone."""

    way: Way
    instead_of: Way


def most_octets(target: Target) -> int:
    """How long a request to a target may be over UDP; 0: as long as it likes. A phone is reached by the flow that it
    registered on, and by no other."""
    return MOST_BY_UDP if target.tcp_if_large and target.connection is None else 0


def detour(context: Context, way: Way) -> Detour | None:
    """The way for what is too long for `way`; None: the peer has no TCP, as far as is known."""
    if context.without_tcp.get(way[1], 0.0) > context.now:
        return None
    by_tcp = context.way_to(Hop("tcp", *way[1]))
    return Detour(by_tcp, way) if by_tcp is not None else None


def detour_failed(context: Context, taken: Detour) -> Way:
    """Nothing came of it: "the element SHOULD retry the request, using UDP". Gives the way for that."""
    without = context.without_tcp
    if len(without) >= _REMEMBERED:
        without.clear()
    without[taken.instead_of[1]] = context.now + _WITHOUT_TCP_SECONDS
    return taken.instead_of
