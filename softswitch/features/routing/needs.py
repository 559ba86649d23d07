"""What the dial plan asks of others."""

from typing import Protocol

from softswitch.calls.onward import Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.kernel.address import Party
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

    def prospect(
        self, destination: Destination, number: str, caller: Party, origin: Origin, routed_as: Origin
    ) -> Prospect:
        """What a destination that exists would do with a call for a number now. `caller`: who is shown; `origin`: who
        called; `routed_as`: who sent the call on, else the same."""
        ...

    def onward(self, destination: Destination, caller: Origin) -> Onward | None:
        """What becomes of a call there before anything rings: forwarded, refused; None: it rings, or is answered."""
        ...
