"""What happens to media streams."""

from softswitch.events.base import Fact
from softswitch.events.calls import CallFact
from softswitch.kernel.ids import CallId, LegId


class StreamStarted(CallFact, frozen=True, gc=False, kw_only=True):
    """A server is to get a leg's sound, and perhaps to say something to its party."""

    leg: LegId
    stream: str
    url: str
    """Of the server, without what follows a `?`."""
    play: str
    """Whether the party hears the server: `none`, `over` or `instead`."""
    by: str
    """Who ordered it."""


class StreamFinished(Fact, frozen=True, gc=False, kw_only=True):
    """It is over, or could not begin; the call may be over since a moment."""

    stream: str
    of_call: CallId
    leg: LegId
    lost_ms: int
    """Of sound that the server was too slow for."""
    reason: str
