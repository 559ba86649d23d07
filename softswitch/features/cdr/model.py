"""One call's facts → its one record."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field, structs

from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallerIdentified,
    CallForwarded,
    CallOffered,
    CallRouted,
    CallTroubled,
    Fact,
    LegAnswered,
    LegArrived,
    LegDialed,
    LegEnded,
    LegMoved,
    LegRang,
    LegsBridged,
    LegsMixed,
    LegsParted,
    LegVideo,
    MediaFigures,
    RecordingStarted,
    TransferBegan,
    TransferCompleted,
    TransferFailed,
    Trouble,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId

Disposition = Literal["answered", "no_answer", "busy", "failed", "cancelled"]

_BY_CAUSE: dict[Cause, Disposition] = {
    Cause.USER_BUSY: "busy",
    Cause.NO_ANSWER: "no_answer",
    Cause.NO_USER_RESPONDING: "no_answer",
}


class CdrLeg(Struct, frozen=True, gc=False, omit_defaults=True):
    """One party's half of a call."""

    leg: LegId
    role: Literal["caller", "called"]
    destination: Destination
    """What it belongs to: `account/1002`, `trunk/uas`; for the caller, its origin."""
    number: str
    target: str
    """The URI that was invited; for the caller the address the call came from."""
    started_at: int
    ringing_at: int | None
    answered_at: int | None
    ended_at: int
    talk_ms: int
    cause: Cause
    status: int | None
    """The SIP status that ended it, where one did."""
    by_party: bool
    media: MediaFigures | None
    redirected_to: tuple[str, ...] = ()
    """Where the party sent the call instead of taking it: URIs."""
    moved_from: CallId | None = None
    """The call that it came from: until then its times are in that call's record."""
    moved_to: CallId | None = None
    """The call that it went on in: from then on its times are in that call's record."""
    codec: str = ""
    """The speech agreed with the party last, such as `PCMA`; empty where it was never up, or moved on."""
    recordings: tuple[str, ...] = ()
    """What was recorded of it, begun in this call."""
    video: tuple[LegVideo, ...] = ()
    """The video lines that it has had."""


class CdrTalk(Struct, frozen=True, gc=False):
    """Two parties heard each other, or one held the other."""

    a: LegId
    b: LegId
    started_at: int
    ended_at: int


class CdrMix(Struct, frozen=True, gc=False):
    """Three parties or more heard each other."""

    legs: tuple[LegId, ...]
    started_at: int
    ended_at: int


class CdrTransfer(Struct, frozen=True, gc=False):
    """Somebody had another party talk with somebody else, or tried to."""

    at: int
    by: LegId
    kind: str
    """`blind`, `attended`, `replaced`, `pickup` or `parked`."""
    target: str
    """The number called, or the call joined."""
    outcome: Literal["completed", "failed", "unfinished"]
    cause: Cause | None
    """Why it failed."""


class Forwarded(Struct, frozen=True, gc=False):
    """Whom the call was for sent it on."""

    by: Destination
    number: str
    reason: str
    """In the words of RFC 5806."""


class Cdr(Struct, frozen=True, gc=False, kw_only=True):
    """What became of a call. Times are wall milliseconds; a clock that was set back in the middle of the call makes
    spans 0, never negative."""

    call_id: CallId
    from_: str = field(name="from")
    from_name: str
    to: str
    origin: Destination
    """`account/1001`, `trunk/uas`, `guest/…`."""
    context: str
    plan_version: int | None
    """The dial plan that routed it first; None: no plan did."""
    destination: Destination | None
    """Where it was last sent: `account/1002`."""
    forwards: tuple[Forwarded, ...] = ()
    """Who sent it on to another number, in order."""
    session_id: str = ""
    """The caller's half of the Session-ID (RFC 7989), by which other systems know the call."""
    started_at: int
    answered_at: int | None
    ended_at: int
    duration_ms: int
    """From the first request to the end of all."""
    billable_ms: int
    """From the answer to the end; 0 without an answer."""
    disposition: Disposition
    cause: Cause
    note: str
    legs: tuple[CdrLeg, ...]
    talks: tuple[CdrTalk, ...] = ()
    """Who talked with whom, and when."""
    mixes: tuple[CdrMix, ...] = ()
    """Who talked in threes and more, and when."""
    transfers: tuple[CdrTransfer, ...] = ()
    trouble: tuple[Trouble, ...] = ()
    """What went wrong with its sound."""
    asserted: str = ""
    """The caller's number as the trunk's network vouches for it; empty where none does."""
    private: bool = False
    """Whether the caller asked not to be shown."""
    diverted_by: str = ""
    """Who had sent the call on before it came here."""
    verstat: str = ""
    """What the check of the caller's passport gave."""


def disposition(answered: bool, cause: Cause, caller_gave_up: bool) -> Disposition:
    """What a call comes under. Each call comes under exactly one."""
    if answered:
        return "answered"
    if caller_gave_up:
        return "cancelled"
    return _BY_CAUSE.get(cause, "failed")


class _Leg:
    """What the facts said of one leg so far."""

    __slots__ = ("answered", "dialed", "ended", "moved", "ringing", "started")

    def __init__(self, started: int, dialed: LegDialed | LegArrived | None) -> None:
        self.started = started
        self.dialed = dialed
        self.moved: LegMoved | None = None
        self.ringing: int | None = None
        self.answered: int | None = None
        self.ended: LegEnded | None = None


def record(facts: Sequence[Fact]) -> Cdr | None:
    """The record of a call's facts, from its `CallOffered` to its `CallEnded`; None as long as either is missing."""
    if not facts:
        return None
    offered, ended = facts[0], facts[-1]
    if type(offered) is not CallOffered or type(ended) is not CallEnded:
        return None
    answered: int | None = None
    destination: Destination | None = None
    plan_version: int | None = None
    forwards: tuple[Forwarded, ...] = ()
    first_up: LegId | None = None
    trouble: tuple[Trouble, ...] = ()
    identified: CallerIdentified | None = None
    legs = {offered.leg: _Leg(offered.at, None)}
    talks: list[CdrTalk] = []
    talking: LegsBridged | None = None
    mixes: list[CdrMix] = []
    mixed: LegsMixed | None = None
    transfers: list[CdrTransfer] = []
    recordings: Mapping[LegId, tuple[str, ...]] = {}
    for fact in facts:
        # In words of `type() is`, which costs a tenth of what matching classes would: this runs for every call.
        if type(fact) is LegEnded:
            if (leg := legs.get(fact.leg)) is not None and leg.ended is None:
                leg.ended = fact
            if talking is not None and fact.leg in (talking.a, talking.b):
                talks.append(CdrTalk(talking.a, talking.b, talking.at, max(talking.at, fact.at)))
                talking = None
            if mixed is not None and fact.leg in mixed.legs:
                mixes.append(CdrMix(mixed.legs, mixed.at, max(mixed.at, fact.at)))
                mixed = None
        elif type(fact) is LegDialed:
            legs[fact.leg] = _Leg(fact.at, fact)
        elif type(fact) is LegRang:
            if (leg := legs.get(fact.leg)) is not None and leg.ringing is None:
                leg.ringing = fact.at
        elif type(fact) is LegAnswered:
            if (leg := legs.get(fact.leg)) is not None and leg.answered is None:
                leg.answered = fact.at
                first_up = first_up or fact.leg
        elif type(fact) is CallAnswered:
            answered = fact.at if answered is None else answered
        elif type(fact) is CallRouted:
            destination = fact.destination
            plan_version = fact.plan_version if plan_version is None else plan_version
        elif type(fact) is CallerIdentified:
            identified = fact
        elif type(fact) is CallForwarded:
            forwards += (Forwarded(fact.by, fact.number, fact.reason),)
        elif type(fact) is LegsBridged:
            talking = fact
        elif type(fact) is LegsParted or type(fact) is LegMoved:
            if talking is not None:
                talks.append(CdrTalk(talking.a, talking.b, talking.at, max(talking.at, fact.at)))
                talking = None
            if type(fact) is LegMoved and (leg := legs.get(fact.leg)) is not None:
                leg.moved = fact
        elif type(fact) is LegsMixed:
            if mixed is not None:
                mixes.append(CdrMix(mixed.legs, mixed.at, max(mixed.at, fact.at)))
            mixed = fact if len(fact.legs) > 1 else None
        elif type(fact) is LegArrived:
            # Also one that was here before, and left, and has come back: its first stay is in its talks.
            legs[fact.leg] = _Leg(fact.at, fact)
            legs[fact.leg].answered = fact.at if fact.up else None
        elif type(fact) is TransferBegan:
            transfers.append(CdrTransfer(fact.at, fact.by, fact.kind, fact.target, "unfinished", None))
        elif type(fact) is TransferCompleted and transfers:
            transfers[-1] = structs.replace(transfers[-1], outcome="completed")
        elif type(fact) is TransferFailed and transfers:
            transfers[-1] = structs.replace(transfers[-1], outcome="failed", cause=fact.cause)
        elif type(fact) is CallTroubled:
            trouble = fact.troubles
        elif type(fact) is RecordingStarted:
            recordings = {**recordings, fact.leg: (*recordings.get(fact.leg, ()), fact.recording)}
    if talking is not None:  # the switch was killed meanwhile
        talks.append(CdrTalk(talking.a, talking.b, talking.at, max(talking.at, ended.at)))
    if mixed is not None:
        mixes.append(CdrMix(mixed.legs, mixed.at, max(mixed.at, ended.at)))
    caller = offered.leg
    if first_up is not None and type(legs[caller].dialed) is LegDialed:
        caller = first_up  # a call of our own: of the phones that were rung first, the one that answered
    return Cdr(
        call_id=offered.call,
        # What a trunk's rules have made of its numbers is what counts, and what is found again.
        from_=offered.from_number if identified is None else identified.from_number,
        from_name=offered.from_name,
        to=offered.to_number if identified is None else identified.to_number,
        origin=Destination(offered.origin_kind, offered.origin),
        context=offered.context,
        plan_version=plan_version,
        destination=destination,
        forwards=forwards,
        session_id=offered.session_id,
        started_at=offered.at,
        answered_at=answered,
        ended_at=ended.at,
        duration_ms=max(0, ended.at - offered.at),
        billable_ms=max(0, ended.at - answered) if answered is not None else 0,
        disposition=disposition(answered is not None, ended.cause, ended.caller_gave_up),
        cause=ended.cause,
        note=ended.note,
        legs=tuple(
            [
                _leg(name, leg, name == caller, offered, ended, answered, recordings.get(name, ()))
                for name, leg in legs.items()
            ]
        ),
        talks=tuple(talks),
        mixes=tuple(mixes),
        transfers=tuple(transfers),
        trouble=trouble,
        asserted=identified.asserted if identified is not None else "",
        private=identified is not None and identified.private,
        diverted_by=identified.diverted_by if identified is not None else "",
        verstat=identified.verstat if identified is not None else "",
    )


def _leg(
    name: LegId,
    leg: _Leg,
    caller: bool,
    offered: CallOffered,
    ended: CallEnded,
    call_answered: int | None,
    recordings: tuple[str, ...],
) -> CdrLeg:
    dialed, over = leg.dialed, leg.ended
    # A leg whose end nobody saw (the switch was killed) lasted as long as its call.
    ended_at, cause = (over.at, over.cause) if over is not None else (ended.at, ended.cause)
    moved_to, moved_from = None, None
    if leg.moved is not None:
        ended_at, cause, moved_to = leg.moved.at, Cause.NORMAL_CLEARING, leg.moved.to
    answered = leg.answered
    if answered is None and caller and call_answered is not None and call_answered <= ended_at:
        answered = call_answered
    figures = over.figures if over is not None else None
    talk = max(0, ended_at - answered) if answered is not None else 0
    status, by_party = (over.status, over.by_party) if over is not None else (None, False)
    if dialed is None:
        origin = Destination(offered.origin_kind, offered.origin)
        destination, number, target = origin, offered.from_number, offered.source
    elif type(dialed) is LegArrived:
        destination, number, target, moved_from = dialed.destination, dialed.number, "", dialed.from_call
    else:
        assert type(dialed) is LegDialed
        destination, number, target = dialed.destination, dialed.number, dialed.target
    # By position, in the order of the fields: half the time of names.
    return CdrLeg(
        name,
        "caller" if caller else "called",
        destination,
        number,
        target,
        leg.started,
        leg.ringing,
        answered,
        ended_at,
        talk,
        cause,
        status,
        by_party,
        figures,
        over.contacts if over is not None else (),
        moved_from,
        moved_to,
        over.codec if over is not None else "",
        recordings,
        over.video if over is not None else (),
    )


def transcoded(cdr: Cdr) -> bool:
    """Whether two that talked spoke different codecs, so that the switch converted their sound."""
    codec = {leg.leg: leg.codec for leg in cdr.legs}
    spoken = [(codec.get(talk.a), codec.get(talk.b)) for talk in cdr.talks]
    return any(one and other and one != other for one, other in spoken)


def unfinished_end(facts: Sequence[Fact], died_at: int) -> CallEnded | None:
    """How a call ended whose switch was killed; None: it is no such.

    A call whose caller had gone, or whose only other party had, was over: only the last fact is missing. Otherwise the
    kill ended it. `died_at`: when the switch was last known to live; of the call itself nothing need have been heard
    for long.
    """
    if not facts or type(facts[0]) is not CallOffered or any(type(fact) is CallEnded for fact in facts):
        return None
    call, caller = facts[0].call, facts[0].leg
    answered = any(type(fact) is CallAnswered for fact in facts)
    others: set[LegId] = set()
    """Parties that were dialled and have not gone."""
    own = False
    for fact in facts:
        if type(fact) is LegDialed:
            others.add(fact.leg)
            own = own or fact.leg == caller
        elif type(fact) is LegAnswered and own:
            caller, own = fact.leg, False  # of the phones that were rung first, the one that answered
        elif type(fact) is LegEnded:
            others.discard(fact.leg)
            if fact.leg == caller and not own:
                gave_up = fact.by_party and not answered
                return CallEnded(at=fact.at, call=call, cause=fact.cause, caller_gave_up=gave_up)
    last = facts[-1]
    if answered and type(last) is LegEnded and last.by_party and not others:
        return CallEnded(at=last.at, call=call, cause=last.cause)
    at = max(died_at, *(fact.at for fact in facts))
    return CallEnded(at=at, call=call, cause=Cause.TEMPORARY_FAILURE, note="switch stopped")
