"""What happens to a call that leaves through a trunk, and to one that a trunk brings."""

from collections.abc import Mapping

from msgspec import structs

from softswitch.calls.identity import Identity
from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.trunks.departure import Departures
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.model import arrived
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.features.trunks.verifier import Verifier
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected


def build_call_apps(
    trunks: Trunks, groups: Groups, traffic: Traffic, departures: Departures, verifier: Verifier
) -> Mapping[str, CallApp]:
    """Who takes calls for `trunk/NAME`, `trunk-group/NAME` and `pbx/NUMBER`, and receives what trunks bring:
    `arrival/NAME`."""

    async def leave_by_trunk(caller: Caller, name: str) -> Destination | None:
        return await departures.by_trunk(caller, name)

    async def leave_by_group(caller: Caller, name: str) -> Destination | None:
        group = groups.group(name)
        if group is None:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"there is no trunk group {name}")
        return await departures.by_group(caller, name, group)

    async def call_pbx(caller: Caller, number: str) -> Destination | None:
        trunk = trunks.pbx_of(number)
        if trunk is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"no PBX has the number {number}")
        return await departures.by_trunk(caller, trunk.name)

    async def arrive(caller: Caller, name: str) -> Destination | None:
        trunk = trunks.trunk(name)
        if trunk is None:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"trunk {name} is no longer there")
        why = traffic.admit(trunk, caller.call)
        if why is not None:
            raise Rejected(Cause.NO_CIRCUIT_AVAILABLE, f"trunk {name} brings too many calls: {why}")
        said = caller.identity or Identity()
        who = arrived(trunk, caller.from_, caller.to, said)
        if trunk.rules.stir.verify != "off":
            number = said.asserted.number if said.asserted is not None else caller.from_.number
            verstat, refused = await verifier.verify(
                trunk, number, said.called or caller.to.number, said, caller.wall_ms() // 1000
            )
            who = structs.replace(who, identity=structs.replace(who.identity, verstat=verstat))
            if refused is not None:
                caller.note(f"the caller's number is not vouched for: {refused}")
                if trunk.rules.stir.verify == "require":
                    caller.identified(who.from_, who.to, who.identity)
                    raise Rejected(Cause.CALL_REJECTED, str(refused), refused.status)
        caller.identified(who.from_, who.to, who.identity)
        return Destination("dialplan", caller.origin.context)

    return {"trunk": leave_by_trunk, "pbx": call_pbx, "trunk-group": leave_by_group, "arrival": arrive}
