"""What stories about calls begin with."""

import asyncio

from msgspec.structs import replace

from softswitch.events import CallEnded
from softswitch.features.cdr.model import Cdr
from softswitch.kernel.binding import PushTarget
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


class Sleeper:
    """A phone of an account that a push service must wake."""

    def __init__(self, house: SimulatedSwitch, account: str, phone: Phone) -> None:
        self._house, self._account = house, account
        bindings = house.location.bindings(account)
        self._others = [each for each in bindings if str(phone.address) not in each.contact]
        (mine,) = [each for each in bindings if str(phone.address) in each.contact]
        self._awake = replace(mine, push=PushTarget("fcm", "token-1"))
        asleep = replace(self._awake, transport="tls", connection=None, reachable=False)
        house.location.replace(account, [*self._others, asleep])

    def wakes(self) -> None:
        """It registers."""
        assert self._house.features.woken[-1] == (self._account, "call")
        self._house.location.replace(self._account, [*self._others, self._awake])


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


async def taken(phone: Phone, *, after: float = 2.0) -> PhoneCall:
    """A phone rings, and is answered."""
    call = await phone.rings()
    call.ring()
    await asyncio.sleep(after)
    call.answer()
    await call.until("up")
    await asyncio.sleep(0.5)
    return call


async def parked(house: SimulatedSwitch, asks: PhoneCall) -> None:
    """A party transfers whom it talks with to the parking code."""
    asks.refer("*68")
    await asks.until("over")
    assert asks.told == [100, 200]
    await asyncio.sleep(8)  # its slot is spoken
    assert "music" in house.media.doing.values()


def disposition(house: SimulatedSwitch) -> str:
    """What became of the only call."""
    (cdr,) = records(house.facts).values()
    return cdr.disposition


def causes(house: SimulatedSwitch) -> list[Cause]:
    return [fact.cause for fact in house.facts if isinstance(fact, CallEnded)]


def pairs(cdr: Cdr) -> list[tuple[str, str]]:
    """Who talked with whom, by their numbers, in order."""
    numbers = {leg.leg: leg.number for leg in cdr.legs}
    return [(numbers[talk.a], numbers[talk.b]) for talk in cdr.talks]
