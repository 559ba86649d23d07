"""What the dial plan asks of others."""

from collections.abc import Sequence
from typing import Protocol

from softswitch.calls.onward import Onward
from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.kernel.destination import Destination


class Callers(Protocol):
    """Who calls from a number."""

    def origin_of(self, number: str) -> Origin | None:
        """The account of this number, with the context its calls are routed in; None: there is none."""
        ...


class Destinations(Protocol):
    """What there is to be called."""

    def why_missing(self, destination: Destination) -> str | None:
        """Why nothing answers at a destination, in words ("there is no account '1099'"); None: it exists."""
        ...

    def tried(self, destination: Destination, number: str) -> Sequence[RoutingStep]:
        """What a destination that is several would try for a number now, in order, and what it would skip and why."""
        ...

    def onward(self, destination: Destination, caller: Origin) -> Onward | None:
        """What becomes of a call there before anything rings: forwarded, refused; None: it rings, or is answered."""
        ...
