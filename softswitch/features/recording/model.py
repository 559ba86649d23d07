"""Whose calls are recorded, and what a recording is. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from softswitch.events import CallFact, CallOffered, LegArrived, LegDialed, LegEnded, LegMoved
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId

Mode = Literal["none", "on-demand", "percentage", "all"]
Layout = Literal["said", "mixed", "stereo"]
"""Of a leg: what its party says; that and what it hears in one channel; or each in its own, left and right."""
Format = Literal["wav", "opus"]
Mask = Literal["silence", "tone", "cut"]
State = Literal["recording", "paused", "finished", "failed"]

DEFAULT = "default"
"""The policy of accounts that have none of their own."""
DAY_MS = 86_400_000


class Policy(Struct, frozen=True, gc=False, kw_only=True):
    """What is recorded of an account's calls."""

    account: str
    """Its number, or `default`."""
    mode: Mode = "none"
    """`on-demand`: when a party of the account presses the code; the others begin by themselves, with the answer."""
    percentage: int = 100
    """Of how many of a hundred calls, by `percentage`."""
    layout: Layout = "stereo"
    format: Format = "wav"
    consent_tone: bool = False
    """Whether all parties hear a tone when it begins."""
    keep_days: int = 0
    """After how many days a recording is deleted; 0: never."""

    def begins(self, chance: float) -> bool:
        """Whether a call is recorded from its answer on. `chance`: a random number from 0 to below 1."""
        return self.mode == "all" or (self.mode == "percentage" and chance * 100 < self.percentage)


class Recording(Struct, frozen=True, gc=False, kw_only=True):
    """One recording. Times are wall milliseconds."""

    id: str
    call: CallId
    """The call that the leg was in when it began."""
    leg: LegId
    account: str
    """The account whose leg it is; empty: none's."""
    from_number: str
    to_number: str
    by: str
    """`policy`, `code`, or who ordered it over HTTP."""
    started_at: int
    ended_at: int | None = None
    state: State
    layout: Layout
    format: Format
    file: str
    """Below the folder of recordings."""
    milliseconds: int = 0
    """Of sound in the file."""
    size: int = 0
    """Bytes of the file."""
    lost_ms: int = 0
    """Of sound that could not be written."""
    note: str = ""
    """What went wrong."""
    expires_at: int | None = None
    """When it is deleted; None: never."""

    @property
    def live(self) -> bool:
        return self.state in ("recording", "paused")


class Party(Struct, frozen=True, gc=False):
    """Whose leg it is, and who called whom."""

    account: str
    from_number: str
    to_number: str


def party_of(facts: Sequence[CallFact], leg: LegId) -> Party | None:
    """What the facts of a live call tell of one of its legs; None: it has none of that name, or no more."""
    offered = facts[0] if facts else None
    if type(offered) is not CallOffered:
        return None
    whose: Destination | None = None
    for fact in facts:
        if type(fact) is CallOffered and fact.leg == leg:
            whose = Destination(fact.origin_kind, fact.origin)
        elif (type(fact) is LegDialed or type(fact) is LegArrived) and fact.leg == leg:
            whose = fact.destination
        elif (type(fact) is LegEnded or type(fact) is LegMoved) and fact.leg == leg:
            whose = None
    if whose is None:
        return None
    return Party(whose.name if whose.kind == "account" else "", offered.from_number, offered.to_number)


def legs_of(facts: Sequence[CallFact]) -> Sequence[LegId]:
    """The legs of a live call that are there, the caller's first."""
    offered = facts[0] if facts else None
    if type(offered) is not CallOffered:
        return ()
    legs = [offered.leg, *(fact.leg for fact in facts if type(fact) is LegDialed or type(fact) is LegArrived)]
    return [leg for leg in dict.fromkeys(legs) if party_of(facts, leg) is not None]


def file_of(recording: str, started_at: int, format: Format) -> str:
    """Where a recording is kept, below the folder: by its day, under its name."""
    return f"{datetime.fromtimestamp(started_at / 1000, UTC):%Y/%m/%d}/{recording}.{format}"


def expiry(started_at: int, keep_days: int) -> int | None:
    """When a recording is deleted."""
    return started_at + keep_days * DAY_MS if keep_days else None
