"""Where a request outside any dialog goes (RFC 3261 section 8.1.2, RFC 3263)."""

from collections.abc import Callable, Sequence

from gateways.sip.ua.addressing import contact_uri, is_literal, sought_by
from gateways.sip.ua.context import Context
from gateways.sip.ua.server_location import Hop
from softswitch.calls.signals import Target


def find_hops(context: Context, target: Target, found: Callable[[Sequence[Hop]], None]) -> None:
    """Tell `found` the servers that a target leads to, the best first; none: there is none. At once where no name has
    to be looked up."""
    if target.address is not None:
        found([Hop(target.transport, *target.address)])
        return
    first = contact_uri(target.path[0]) if target.path else target.uri
    sought = sought_by(first) if first is not None else None
    if sought is None:
        found(())
    elif is_literal(sought.host):
        found([sought.at(sought.host)])
    else:
        context.network.resolve(sought, found)
