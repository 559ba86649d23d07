"""Three parties or more in one call: their sound is mixed, and when two are left they talk as any two do."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from softswitch.calls.dial import over
from softswitch.calls.leg import Leg
from softswitch.engine.surroundings import Surroundings
from softswitch.events import LegsMixed
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Conflict
from softswitch.kernel.ids import MixId
from softswitch.ports.mixes import Mixer

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall


class Conference:
    """The parties of one call that hear each other through a mix."""

    __slots__ = ("_around", "_call", "_mix", "_mixer", "done", "legs")

    def __init__(self, call: "LiveCall", around: Surroundings, mixer: Mixer) -> None:
        """Raises Rejected(SWITCH_CONGESTION) when there are too many mixes."""
        self._call = call
        self._around = around
        self._mixer = mixer
        self._mix = MixId(f"{call.call}/mix")
        self.legs: list[Leg] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Set when no two parties are left."""
        mixer.open_mix(self._mix)

    def add(self, legs: Sequence[Leg]) -> None:
        """Let more parties hear the others. Each is spoken to by our own media engine from now on.

        Raises Rejected when one of them has no codec in common with us.
        """
        for leg in legs:
            self._call.talk.with_us(leg)
            self._mixer.join(self._mix, leg.id)
            self.legs.append(leg)
        self._tell()

    def left(self, leg: Leg) -> None:
        """A party is gone: the others talk on, two of them without a mix."""
        self.legs.remove(leg)
        if len(self.legs) > 2:
            self._tell()
            return
        self.close()
        self._call.conference = None
        rest = [each for each in self.legs if not over(each)]
        if len(rest) == 2:
            self._call.caller_leg = rest[0]
            self._call.meet(rest[1])
        elif not self.done.done():
            self.done.set_result(None)

    def close(self) -> None:
        """Nobody hears anybody by it any more."""
        self._mixer.close_mix(self._mix)

    @property
    def mix(self) -> MixId:
        """Where they are."""
        return self._mix

    def _tell(self) -> None:
        if self._around.watching is not None:
            self._around.watching.mixed(self._mix, self.legs)
        self._around.publish(
            LegsMixed(at=self._around.clock.wall_ms(), call=self._call.call, legs=tuple(leg.id for leg in self.legs))
        )


def unite(call: "LiveCall", other: "LiveCall", around: Surroundings) -> None:
    """Let the parties of two calls talk together, in the first. An account that is in both is there once.

    Raises Conflict where there are not three of them, or nothing mixes, and Rejected when it cannot be.
    """
    if around.mixer is None:
        raise Conflict("no-mixer", "the media engine does not mix")
    for each in (call, other):
        if each.transfer is not None and not each.transfer.settled:
            raise Conflict("transfer", "a party is being transferred")
        if each.consultation is not None and each.consultation.home not in (call, other) and each.consultation.awaited:
            # Who waits for the one that asks would wait for ever: that one has nobody to bring it together with.
            raise Conflict("consultation", "a party asks somebody while another waits for it")
    here, there = call.parties(), other.parties()
    accounts = {leg.destination for leg in here if leg.destination is not None and leg.destination.kind == "account"}
    come = [leg for leg in there if leg.destination not in accounts]
    if call is other or len(here) < 2 or not come:
        raise Conflict("not-talking", "two parties must talk in the call, and another wait in the other one")
    conference = call.conference
    if conference is None:
        conference = Conference(call, around, around.mixer)
        call.convene(conference)
        come = [*here, *come]
    other.give_away([leg for leg in come if leg in there], call)
    conference.add(come)


async def confer(conference: Conference) -> tuple[Cause, int | None]:
    """The life of a call meanwhile."""
    await conference.done
    return Cause.NORMAL_CLEARING, None
