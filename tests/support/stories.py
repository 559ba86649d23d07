"""What stories about calls begin with."""

from softswitch.events import CallEnded
from softswitch.kernel.cause import Cause
from tests.support.invariants import records
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.switch import SimulatedSwitch


async def registered(house: SimulatedSwitch, *accounts: str) -> list[Phone]:
    """A registered phone for each account; naming one twice gives it two."""
    phones = [house.phone(account) for account in accounts]
    for phone in phones:
        assert await phone.register() == 200
    return phones


async def ringing(caller: Phone, callee: Phone) -> tuple[PhoneCall, PhoneCall]:
    """A call between two phones that rings at both ends."""
    out = caller.call(callee.user)
    back = await callee.rings()
    back.ring()
    await out.until("ringing")
    return out, back


async def talking(house: SimulatedSwitch, caller: Phone, callee: Phone) -> tuple[PhoneCall, PhoneCall]:
    """A call between two phones, put through."""
    out = caller.call(callee.user)
    back = await callee.rings()
    back.ring()
    back.answer()
    await out.until("up")
    await back.until("up")
    assert house.hear_each_other(out, back)
    return out, back


def disposition(house: SimulatedSwitch) -> str:
    """What became of the only call."""
    (cdr,) = records(house.facts).values()
    return cdr.disposition


def causes(house: SimulatedSwitch) -> list[Cause]:
    return [fact.cause for fact in house.facts if isinstance(fact, CallEnded)]
