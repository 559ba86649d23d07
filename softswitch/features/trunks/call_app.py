"""What happens to a call that leaves through a trunk."""

import ipaddress
from functools import lru_cache

from softswitch.calls.signals import Target
from softswitch.engine.caller import Caller, Candidate
from softswitch.feature import CallApp
from softswitch.features.trunks.model import Trunk
from softswitch.features.trunks.needs import Accounts
from softswitch.features.trunks.service import Trunks
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected


def candidate_of(trunk: Trunk, number: str) -> Candidate:
    """How a number is reached through a trunk; `number` as dialled."""
    sent = trunk.number_sent(number)
    return Candidate(
        Target(trunk.uri(sent), trunk.transport, _address(trunk.host, trunk.port)),
        Destination("trunk", trunk.name),
        sent,
        trunk.anchored,
    )


@lru_cache(maxsize=1024)
def _address(host: str, port: int) -> HostPort | None:
    """None for a host name: the gateway looks it up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return HostPort(host, port)


def build_call_app(trunks: Trunks, accounts: Accounts) -> CallApp:
    """The application that sends a call out through the trunk it names."""

    async def call_trunk(caller: Caller, name: str) -> Destination | None:
        trunk = trunks.trunk(name)
        if trunk is None:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"there is no trunk {name}")
        if not trunk.enabled:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"trunk {name} is disabled")
        if not trunk.number_sent(caller.to.number):
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, f"trunk {name} strips all of {caller.to.number!r}")
        if caller.origin.kind == "account":
            caller.from_ = accounts.shown_outside(caller.origin.name) or caller.from_
        await caller.dial([candidate_of(trunk, caller.to.number)], trunk.ring_seconds)
        return None

    return call_trunk
