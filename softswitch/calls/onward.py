"""What becomes of a call at a destination, said beforehand to whoever asks for an explanation."""

from msgspec import Struct

from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination


class Calling(Struct, frozen=True, gc=False):
    """Whose call is asked about, and when it would come."""

    shown: str
    """The caller's number; empty: hidden."""
    origin: Origin
    """With whose rights it comes there: the caller's, or those of whom sent it on."""
    first: Origin
    """Who called."""
    at: int
    """Wall milliseconds."""


class Onward(Struct, frozen=True, gc=False):
    """The call goes on to a number or a destination, or ends."""

    steps: tuple[RoutingStep, ...]
    """Which rules say so, and why."""
    number: str = ""
    """Routed in the context of `routed_as`; empty: it goes to `destination`, or ends."""
    routed_as: Origin | None = None
    """Whose rights it goes on with."""
    cause: Cause | None = None
    """What it ends with."""
    destination: Destination | None = None
    """Where it goes on without the dial plan."""
    hidden: bool = False
    """Whether nobody is shown from now on who calls."""
    reason: str = ""
    """In the words of RFC 5806, where somebody has sent it on: `unconditional`, `user-busy`."""
    status: int | None = None
    """The SIP status it ends with, where the cause does not say enough."""


class Prospect(Struct, frozen=True, gc=False):
    """What awaits a call at its last destination, as things stand."""

    steps: tuple[RoutingStep, ...] = ()
    """What would be tried, in order, and what not and why."""
    cause: Cause | None = None
    """What the call would be refused with; None: it would be taken, as far as can be known beforehand."""
