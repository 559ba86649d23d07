"""What happens to supervisions. They are facts of the call that is supervised."""

from softswitch.events.calls import CallFact
from softswitch.kernel.ids import CallId, LegId


class SupervisionBegan(CallFact, frozen=True, gc=False, kw_only=True):
    """Somebody hears a party of the call, and whom that talks with."""

    leg: LegId
    """The party that is supervised."""
    by: str
    """The supervisor's account."""
    supervisor: CallId
    """The supervisor's own call."""
    mode: str
    """`listen`: nobody hears the supervisor; `whisper`: the supervised party does; `barge`: all do."""
    ordered_by: str = ""
    """Who ordered it over HTTP; empty where the supervisor dialled a code."""


class SupervisionModeChanged(CallFact, frozen=True, gc=False, kw_only=True):
    """Others hear the supervisor from now on."""

    leg: LegId
    by: str
    supervisor: CallId
    mode: str
    ordered_by: str = ""
    """Who ordered it over HTTP; empty where the supervisor pressed a key."""


class SupervisionEnded(CallFact, frozen=True, gc=False, kw_only=True):
    leg: LegId
    by: str
    supervisor: CallId
    reason: str
    """`left`: the supervisor did; `over`: the supervised party did; `taken over`: the supervisor has its place;
    `failed`: the mix was lost."""
