"""A party asks somebody before it transfers whom it talks with, with nothing but the keys of its phone.

Its leg goes to a call of its own, where a number is dialled for it; whom it talked with waits with music where it is.
When the party hangs up, the waiting one takes its place with whom it asked, who may still be ringing. It goes back by
itself when nobody answers or the other hangs up, and by a code at any time.
"""

import asyncio
from typing import TYPE_CHECKING

from softswitch.calls.dial import over
from softswitch.calls.leg import Leg
from softswitch.calls.signals import Origin
from softswitch.engine import transfer
from softswitch.engine.surroundings import Surroundings
from softswitch.kernel.cause import Cause

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall


class Consultation:
    """One under way: kept by the call in which somebody is asked."""

    __slots__ = ("_around", "_home", "_wait", "asker")

    def __init__(self, asker: Leg, home: "LiveCall", wait: "asyncio.Task[None] | None", around: Surroundings) -> None:
        """`wait` is the life of the call `home` in which the other party waits."""
        self.asker = asker
        self._home = home
        self._wait = wait
        self._around = around

    @property
    def home(self) -> "LiveCall":
        """The call in which the other party waits."""
        return self._home

    @property
    def awaited(self) -> bool:
        """Whether the other party still waits for this one."""
        home = self._home
        return home.life is self._wait and home.life is not None and not over(home.caller_leg)

    def go_back(self, call: "LiveCall") -> None:
        """The party leaves whom it asked, and talks again with who waits for it."""
        if not self.awaited:
            call.note("nobody waits any more")
        elif self.give_back(call):
            call.hang_up(Cause.NORMAL_CLEARING)

    def give_back(self, call: "LiveCall") -> bool:
        """Nobody is asked any more: the party goes back; False where nobody waits for it, or it is gone."""
        call.consultation = None
        if over(self.asker) or call.legs.get(self.asker.id) is not self.asker or not self.awaited:
            return False
        call.part_with(self.asker, self._home)
        self._home.meet(self.asker)
        return True

    def asker_gone(self, call: "LiveCall", *, hung_up: bool) -> None:
        """The party has left the call: with that, a transfer is complete if there is somebody to talk with. Otherwise
        its phones ring for who waits."""
        call.consultation = None
        if not self.awaited:
            return
        if hung_up and call.has_company(self.asker):
            transfer.bring(self._home, self._home.caller_leg, self.asker, call, self.asker, self._around)
        elif self.asker.destination is not None and self.asker.destination.kind == "account":
            self._home.recall(self.asker.destination)
        else:
            self._home.hang_up(Cause.NORMAL_CLEARING)


def ask(call: "LiveCall", by: Leg, number: str, rights: Origin, around: Surroundings) -> None:
    """A party of a call asks somebody at a number, in the name of `rights`."""
    if over(by) or call.other(by) is None:
        call.note("there is nobody to transfer")
        return
    around.new_call(rights).consult(by, call, number)
