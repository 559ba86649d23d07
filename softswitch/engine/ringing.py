"""Terminals that ring for a caller who waits, and hears and does something else meanwhile.

A dial (`Caller.dial`) joins whoever answers first. Here whoever answers stays on the line, with silence, until it is
joined or let go; and several such rings may be under way for one caller.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from softswitch.calls.leg import Leg
from softswitch.calls.signals import Answered, Ended, Progressed
from softswitch.engine.caller import Ringer
from softswitch.engine.dialling import Dialling
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId

if TYPE_CHECKING:
    from softswitch.engine.serving import ServedCall


class Ringing:
    """A `softswitch.engine.caller.Ring`. The call that it is for tells it of its legs, as it tells a `Dialling`."""

    __slots__ = ("_call", "_ringer", "dialling")

    def __init__(self, call: "ServedCall", ringer: Ringer) -> None:
        """`ringer` is told what becomes of it, until somebody has answered, all have refused, or it is stopped."""
        self._call = call
        self._ringer: Ringer | None = ringer
        self.dialling: Dialling

    # What call applications do (the `Ring` protocol) -------------------------------------------------------

    @property
    def legs(self) -> Collection[LegId]:
        return self.dialling.legs

    def stop(self, *, elsewhere: bool = False) -> None:
        self._ringer = None
        cause = Cause.ANSWERED_ELSEWHERE if elsewhere else Cause.NORMAL_CLEARING
        for leg in self.dialling.legs.values():
            self._call.legs.hang_up(leg, cause, elsewhere=elsewhere)
        self._call.forget_ring(self)

    async def join(self) -> None:
        await self._call.join(self)

    # What the call tells -----------------------------------------------------------------------------------

    def holds(self, leg: Leg) -> bool:
        """Whether a leg is one of these."""
        return self.dialling.holds(leg)

    def progressed(self, leg: Leg, progressed: Progressed) -> None:
        """A terminal is being alerted. What it sends before it answers is heard by nobody."""
        self.dialling.progressed(leg, progressed)

    def alerted(self, leg: Leg, early: bool, silenced: bool) -> None:
        """There is news of a terminal."""
        if self._ringer is not None and self.dialling.rings:
            self._ringer.rang()

    def answered(self, leg: Leg, answered: Answered) -> None:
        """A terminal answered."""
        self.dialling.answered(leg, answered)
        self._look()

    def on_line(self, leg: Leg) -> None:
        """The first that answered waits on the line."""
        self._call.legs.connect(leg)
        ringer, self._ringer = self._ringer, None
        if ringer is not None:
            ringer.answered(leg.id)

    def ended(self, leg: Leg, ended: Ended) -> None:
        """A terminal is gone."""
        self.dialling.ended(leg, ended)
        self._look()

    def _look(self) -> None:
        dial, ringer = self.dialling, self._ringer
        if ringer is not None and dial.winner is None and not dial.open:
            self._ringer = None
            self._call.forget_ring(self)
            ringer.refused(dial.refusal.cause)
