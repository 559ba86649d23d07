"""What happens in flows."""

from msgspec import Struct

from softswitch.events.base import Fact
from softswitch.events.calls import CallFact


class FlowStep(Struct, frozen=True, gc=False):
    """A node that a call came through."""

    node: str
    """Of a flow within the flow: `survey/question`."""
    kind: str
    after_ms: int
    """From the beginning of the flow."""
    result: str = ""
    """What came of it: a key that was pressed, `silent`, `open` ...; empty: the call ended there. Digits that were
    collected are not kept."""


class FlowEnded(CallFact, frozen=True, gc=False, kw_only=True):
    """A call has come through a flow, or left it."""

    flow: str
    version: int
    """0: as it ships."""
    began_at: int
    outcome: str
    """`transferred`, `ended`, `left` (the caller hung up, or was fetched away), `refused` or `failed`."""
    destination: str = ""
    """Where it was transferred."""
    language: str = ""
    """The last one."""
    steps: tuple[FlowStep, ...] = ()


class FlowSent(CallFact, frozen=True, gc=False, kw_only=True):
    """A flow tells something of its own."""

    flow: str
    event: str
    data: dict[str, str]


class FlowPublished(Fact, frozen=True, gc=False, kw_only=True):
    """A version of a flow went live: every call that enters it from now on goes by it."""

    flow: str
    version: int
    by: str
    rolled_back_to: int | None = None
    """The version that it repeats, where it is a rollback."""
