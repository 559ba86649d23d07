"""What happens to a call that is parked, to one that fetches it, and to one that answers another's phone."""

import asyncio

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.parking.lot import Lot
from softswitch.features.parking.needs import Accounts, Switchboard
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected

PARKED_SECONDS = 120.0
"""How long a call waits before it goes back to who parked it."""
CONFIRMATION_HZ, CONFIRMATION_SECONDS = 440.0, 0.5
"""What is heard in place of digits that there are no prompts for."""


def park_app(lot: Lot, seconds: float = PARKED_SECONDS) -> CallApp:
    """Takes the calls for `park` and `park/SLOT`: the caller hears its slot and waits there with music.

    Who dials this keeps it for whom it then transfers here; who is transferred here at once waits itself.
    """

    async def park(caller: Caller, name: str) -> Destination | None:
        by = caller.routed_as.name if caller.routed_as.kind == "account" else ""
        parked = lot.park(caller.call, caller.from_.number, by, caller.wall_ms(), name)
        try:
            await _tell(caller, parked.slot)
            await caller.music(seconds)
        finally:
            lot.leave(parked)
        if not by:
            raise Rejected(Cause.NO_ANSWER, f"nobody fetched the call from {parked.slot}")
        return Destination("account", by)

    return park


def fetch_app(lot: Lot, switchboard: Switchboard) -> CallApp:
    """Takes the calls for `parked/SLOT`: the caller talks with who waits there."""

    async def fetch(caller: Caller, name: str) -> Destination | None:
        parked = lot.at(name)
        if parked is None or not switchboard.meet(caller.call, parked.call):
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"nobody is parked at {name}")
        lot.leave(parked)  # at once: another who dials the slot in the same moment finds nobody
        await asyncio.get_running_loop().create_future()  # the caller is in the other call: this one ends
        return None

    return fetch


def pickup_app(accounts: Accounts, switchboard: Switchboard) -> CallApp:
    """Takes the calls for `pickup/NUMBER`: the caller answers a phone of that account that rings, where both dial by
    the same context. `pickup` alone: whichever rings of the accounts that share a pickup group with the caller's."""

    async def pick_up(caller: Caller, name: str) -> Destination | None:
        if not name:
            return await of_group(caller)
        ringing = accounts.origin_of(name)
        if caller.origin.kind != "account" or ringing is None or ringing.context != caller.origin.context:
            raise Rejected(Cause.CALL_REJECTED, f"{caller.from_.number} may not answer for {name}")
        if not switchboard.pick_up(caller.call, (name,)):
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"no phone of {name} rings")
        await asyncio.get_running_loop().create_future()  # as above
        return None

    async def of_group(caller: Caller) -> Destination | None:
        group = accounts.picked_up_by(caller.origin.name) if caller.origin.kind == "account" else ()
        if not group:
            raise Rejected(Cause.FACILITY_REJECTED, f"{caller.from_.number} is in no pickup group with anybody")
        if not switchboard.pick_up(caller.call, group):
            raise Rejected(Cause.UNALLOCATED_NUMBER, "no phone of the pickup group rings")
        await asyncio.get_running_loop().create_future()
        return None

    return pick_up


async def _tell(caller: Caller, slot: str) -> None:
    """Speak the slot, digit by digit; a short tone where there are no prompts for that."""
    try:
        for digit in slot:
            await caller.play(f"digits/{digit}")
    except NotFound:
        await caller.tone(CONFIRMATION_HZ, CONFIRMATION_SECONDS)
