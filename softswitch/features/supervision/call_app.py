"""What happens to a supervisor's own call."""

import asyncio
from typing import Any

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.supervision.model import ACTS, KEYS, Order
from softswitch.features.supervision.service import Supervisors
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, NotPermitted, Rejected

KEY_SECONDS = 3600.0


def supervise_app(supervisors: Supervisors) -> CallApp:
    """Takes the calls for `supervise/ACT:NUMBER`, where an account dials a code and NUMBER is the account that talks,
    and for `supervise/ACT`, where the call was made for an order. It ends with the supervision."""

    async def supervise(caller: Caller, name: str) -> Destination | None:
        order = supervisors.ordered(caller.call) or _dialled(supervisors, caller, name)
        await caller.answer()
        over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def tell(reason: str) -> None:
            if not over.done():
                over.set_result(reason)

        try:
            supervisors.begin(caller.call, order, tell)
        except (Conflict, NotFound) as error:
            raise Rejected(Cause.FACILITY_REJECTED, str(error)) from error
        try:
            await _serve(supervisors, caller, over)
        finally:
            supervisors.leave(caller.call)
        return None

    return supervise


def _dialled(supervisors: Supervisors, caller: Caller, name: str) -> Order:
    act, _, number = name.partition(":")
    wanted = next((each for each in ACTS if each == act), None)
    if wanted is None or not number:
        raise Rejected(Cause.FACILITY_REJECTED, f"supervise/{name} says not how, or not whom")
    if caller.origin.kind != "account" or caller.routed_as != caller.origin:
        raise Rejected(Cause.CALL_REJECTED, "only accounts supervise, for themselves")
    try:
        return supervisors.dialled(caller.origin.name, wanted, number)
    except NotPermitted as error:
        raise Rejected(Cause.CALL_REJECTED, str(error)) from error
    except NotFound as error:
        raise Rejected(Cause.UNALLOCATED_NUMBER, str(error)) from error


async def _serve(supervisors: Supervisors, caller: Caller, over: "asyncio.Future[str]") -> None:
    """Take keys until it is over."""
    while not over.done():
        key = asyncio.ensure_future(caller.digit(KEY_SECONDS))
        try:
            either: tuple[asyncio.Future[Any], ...] = (key, over)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            key.cancel()
        act = KEYS.get(key.result() or "") if key.done() and not key.cancelled() else None
        if act is not None and not over.done():
            try:
                supervisors.press(caller.call, act)
            except (NotPermitted, Conflict) as error:
                caller.note(f"no {act}: {error}")
