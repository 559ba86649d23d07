"""What becomes of a call at a destination, said beforehand to whoever asks for an explanation."""

from msgspec import Struct

from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.kernel.cause import Cause


class Onward(Struct, frozen=True, gc=False):
    """The call goes on to a number, or ends."""

    step: RoutingStep
    """Which rule says so, and why."""
    number: str = ""
    """Routed in the context of `routed_as`; empty: the call ends."""
    routed_as: Origin | None = None
    """Whose rights it goes on with."""
    cause: Cause | None = None
    """What it ends with."""


class Prospect(Struct, frozen=True, gc=False):
    """What awaits a call at its last destination, as things stand."""

    steps: tuple[RoutingStep, ...] = ()
    """What would be tried, in order, and what not and why."""
    cause: Cause | None = None
    """What the call would be refused with; None: it would be taken, as far as can be known beforehand."""
