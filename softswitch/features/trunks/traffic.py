"""How many calls each trunk carries now, counted from the facts of their legs, and how many more it may."""

from collections.abc import Callable

from softswitch.events import CallEnded, Fact, LegDialed, LegEnded
from softswitch.features.trunks.model import Load, Trunk
from softswitch.kernel.clock import Clock
from softswitch.kernel.ids import CallId, LegId


class Traffic:
    """An outgoing call counts as long as its leg to the trunk lives; an incoming one from its admission to its end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loads: dict[str, Load] = {}
        self._out: dict[LegId, Load] = {}
        self._in: dict[CallId, Load] = {}

    def subscriptions(self) -> tuple[tuple[type[Fact], Callable[[Fact], None]], ...]:
        """What to tell `Bus.subscribe`."""
        return ((LegDialed, self._dialed), (LegEnded, self._leg_ended), (CallEnded, self._call_ended))

    def load(self, trunk: Trunk) -> Load:
        """What a trunk carries, by its present limits."""
        load = self._loads.get(trunk.name)
        if load is None:
            load = self._loads[trunk.name] = Load(trunk.rules.limits)
        else:
            load.limited(trunk.rules.limits)
        return load

    def admit(self, trunk: Trunk, call: CallId) -> str | None:
        """Count an incoming call; or why it may not come, in words."""
        load = self.load(trunk)
        why = load.take("in", self._clock.monotonic())
        if why is None:
            load.calls_in += 1
            self._in[call] = load
        return why

    def leave(self, trunk: Trunk) -> str | None:
        """Ask for an outgoing call: why it may not leave, in words. It must be dialled at once, which counts it."""
        return self.load(trunk).take("out", self._clock.monotonic())

    def why_full(self, trunk: Trunk) -> str | None:
        """Why no further call may leave, in words; changes nothing."""
        return self.load(trunk).why_full("out", self._clock.monotonic())

    def _dialed(self, fact: Fact) -> None:
        assert isinstance(fact, LegDialed)
        kind, name = fact.destination
        if kind == "trunk" and (load := self._loads.get(name)) is not None:
            load.calls_out += 1
            self._out[fact.leg] = load

    def _leg_ended(self, fact: Fact) -> None:
        assert isinstance(fact, LegEnded)
        if self._out and (load := self._out.pop(fact.leg, None)) is not None:
            load.calls_out -= 1

    def _call_ended(self, fact: Fact) -> None:
        assert isinstance(fact, CallEnded)
        if self._in and (load := self._in.pop(fact.call, None)) is not None:
            load.calls_in -= 1
