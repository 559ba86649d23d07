"""Whose calls are recorded, and what a recording is. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from softswitch.events import (
    CallerLeftQueue,
    CallFact,
    CallOffered,
    LegArrived,
    LegDialed,
    LegEnded,
    LegMoved,
    LegsBridged,
)
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

    @property
    def manner(self) -> "Manner":
        return Manner(self.layout, self.format, self.consent_tone, self.keep_days)

    def begins(self, chance: float) -> bool:
        """Whether a call is recorded from its answer on. `chance`: a random number from 0 to below 1."""
        return self.mode == "all" or (self.mode == "percentage" and chance * 100 < self.percentage)


class Manner(Struct, frozen=True, gc=False):
    """How something is recorded."""

    layout: Layout
    format: Format
    consent_tone: bool
    keep_days: int


class Link(Struct, frozen=True, gc=False):
    """What a talk belongs to beside its call; nothing where no queue brought the two together."""

    queue: str = ""
    stay: int = 0
    """The caller's stay in the queue."""
    agent: str = ""


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
    """`policy`, `rule`, `code`, or who ordered it over HTTP."""
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
    queue: str = ""
    """The queue that brought the two together who talk."""
    stay: int = 0
    """The caller's stay there."""
    agent: str = ""
    rule: str = ""
    """By which rule."""

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
    whose = whose_is(facts, leg)
    if type(offered) is not CallOffered or whose is None:
        return None
    return Party(whose.name if whose.kind == "account" else "", offered.from_number, offered.to_number)


def whose_is(facts: Sequence[CallFact], leg: LegId) -> Destination | None:
    """What a leg of a live call belongs to; None: there is none of that name, or no more."""
    whose: Destination | None = None
    for fact in facts:
        if type(fact) is CallOffered and fact.leg == leg:
            whose = Destination(fact.origin_kind, fact.origin)
        elif (type(fact) is LegDialed or type(fact) is LegArrived) and fact.leg == leg:
            whose = fact.destination
        elif (type(fact) is LegEnded or type(fact) is LegMoved) and fact.leg == leg:
            whose = None
    return whose


def link_of(facts: Sequence[CallFact], a: LegId, b: LegId | None = None) -> Link:
    """Which stay in a queue brought a party together with another (None: whoever it was last), if one did.

    The first two that talk after an agent has answered are the caller and the agent.
    """
    found = Link()
    for pair, link in _links(facts):
        if pair is None or (a in pair and (b is None or b in pair)):
            found = link
    return found


def _links(facts: Sequence[CallFact]) -> Iterator[tuple[tuple[LegId, LegId] | None, Link]]:
    """Each answered stay with the two legs it brought together; None: they are about to talk."""
    answered: Link | None = None
    for fact in facts:
        if type(fact) is CallerLeftQueue and fact.outcome == "answered":
            answered = Link(fact.queue, fact.stay, fact.agent)
        elif type(fact) is LegsBridged and answered is not None:
            yield (fact.a, fact.b), answered
            answered = None
    if answered is not None:
        yield None, answered


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
