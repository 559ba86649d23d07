"""What happens to recordings."""

from typing import Literal

from softswitch.events.base import Fact
from softswitch.events.calls import CallFact, RoutingStep
from softswitch.kernel.ids import CallId, LegId


class RecordingDecided(CallFact, frozen=True, gc=False, kw_only=True):
    """Two talk, and by the rules it was decided once whether that is recorded."""

    leg: LegId
    """The leg whose sound, with what it hears, would be."""
    other: LegId
    """Whom it talks with."""
    outcome: Literal["recorded", "not_recorded", "on_demand", "failed"]
    rule: str = ""
    """The rule that decided; empty: none spoke of it."""
    queue: str = ""
    stay: int = 0
    agent: str = ""
    steps: tuple[RoutingStep, ...] = ()
    """Why."""


class RecordingStarted(CallFact, frozen=True, gc=False, kw_only=True):
    """What a party says, and perhaps what it hears, is recorded."""

    leg: LegId
    recording: str
    by: str
    """`policy`, `rule`, `code`, or who ordered it over HTTP."""
    rule: str = ""
    """By which rule."""
    queue: str = ""
    """The queue that brought the two together."""
    stay: int = 0
    """The caller's stay there."""
    agent: str = ""


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
