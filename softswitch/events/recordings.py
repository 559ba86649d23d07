"""What happens to recordings."""

from softswitch.events.base import Fact
from softswitch.events.calls import CallFact
from softswitch.kernel.ids import CallId, LegId


class RecordingStarted(CallFact, frozen=True, gc=False, kw_only=True):
    """What a party says, and perhaps what it hears, is recorded."""

    leg: LegId
    recording: str
    by: str
    """`policy`, `code`, or who ordered it over HTTP."""


class RecordingPaused(CallFact, frozen=True, gc=False, kw_only=True):
    """What is said from now on is left out."""

    leg: LegId
    recording: str
    mask: str
    """What stands for it: `silence`, `tone`, or nothing (`cut`)."""


class RecordingResumed(CallFact, frozen=True, gc=False, kw_only=True):
    leg: LegId
    recording: str


class RecordingTroubled(Fact, frozen=True, gc=False, kw_only=True):
    """Sound cannot be written, or not fast enough. The recording goes on."""

    recording: str
    of_call: CallId
    reason: str


class RecordingFinished(Fact, frozen=True, gc=False, kw_only=True):
    """The file is complete; the call may be over since some time."""

    recording: str
    of_call: CallId
    leg: LegId
    milliseconds: int
    size: int
    """Bytes; 0: there is no file."""
    lost_ms: int
    """Of sound that could not be written."""
    note: str = ""
    """What went wrong."""
