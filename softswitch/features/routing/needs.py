"""What the dial plan asks of others."""

from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import Struct

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId
from softswitch.kernel.opening import Opening
from softswitch.platform.database import Session


class Callers(Protocol):
    """Who calls from a number."""

    def origin_of(self, number: str) -> Origin | None:
        """The account of this number, with the context its calls are routed in; None: there is none."""
        ...


class Calendars(Protocol):
    """When somebody is there."""

    def exists(self, name: str) -> bool:
        """Whether there is a calendar of this name."""
        ...

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Whether it is open at a moment, wall milliseconds, and why. Raises NotFound."""
        ...


class Destinations(Protocol):
    """What there is to be called."""

    def why_missing(self, destination: Destination) -> str | None:
        """Why nothing answers at a destination, in words ("there is no account '1099'"); None: it exists."""
        ...

    def prospect(self, destination: Destination, number: str, calling: Calling) -> Prospect:
        """What a destination that exists would do with a call for a number."""
        ...

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        """What becomes of a call there before anything rings: forwarded, refused; None: it rings, or is answered."""
        ...


class PastCall(Struct, frozen=True, gc=False):
    """A call that the plan has routed."""

    call: CallId
    at: int
    """Wall milliseconds."""
    from_: str
    to: str
    """As dialled."""
    origin: Destination
    """Whom it came from: `account/1001`, `trunk/uas`."""
    context: str
    destination: Destination | None
    """Where it was last sent then."""


class History(Protocol):
    """The calls of the past."""

    def between(self, session: Session, since: int, until: int) -> AsyncIterator[PastCall]:
        """Those that a plan has routed and that began from `since` on and before `until` (wall milliseconds), oldest
        first."""
        ...
