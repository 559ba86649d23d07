"""What happens to a call that leaves through a trunk."""

from softswitch.engine.caller import Caller, Candidate
from softswitch.feature import CallApp
from softswitch.features.trunks.model import Trunk, gateway_target
from softswitch.features.trunks.needs import Accounts
from softswitch.features.trunks.service import Trunks
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected


def candidate_of(trunk: Trunk, place: int, number: str) -> Candidate:
    """How a number is reached through one of a trunk's gateways; `number` as the trunk wants it."""
    return Candidate(
        gateway_target(trunk.gateways[place], number),
        Destination("trunk", trunk.name),
        number,
        trunk.anchored,
        trunk.credentials,
    )


def build_call_app(trunks: Trunks, accounts: Accounts) -> CallApp:
    """The application that sends a call out through the trunk it names."""

    async def call_trunk(caller: Caller, name: str) -> Destination | None:
        trunk = trunks.trunk(name)
        if trunk is None:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"there is no trunk {name}")
        if not trunk.enabled:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"trunk {name} is disabled")
        number = trunk.number_sent(caller.to.number)
        if not number:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, f"trunk {name} strips all of {caller.to.number!r}")
        if caller.origin.kind == "account":
            caller.from_ = accounts.shown_outside(caller.origin.name) or caller.from_
        usable = trunks.health(name).usable
        if not usable:
            raise Rejected(Cause.NETWORK_OUT_OF_ORDER, f"trunk {name}: {trunks.health(name).why_unusable}")
        await caller.dial([candidate_of(trunk, usable[0], number)], trunk.ring_seconds)
        return None

    return call_trunk
