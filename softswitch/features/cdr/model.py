"""One call's facts → its one record."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from msgspec import Struct, field

from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRouted,
    Fact,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRang,
    MediaFigures,
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


class CdrLeg(Struct, frozen=True, gc=False):
    """One party's half of a call."""

    leg: LegId
    role: Literal["caller", "called"]
    destination: str
    """What it belongs to: `account/1002`, `trunk/uas`; for the caller, its origin."""
    number: str
    target: str
    """The URI that was invited; for the caller the address the call came from."""
    started_at: str
    ringing_at: str | None
    answered_at: str | None
    ended_at: str
    talk_ms: int
    cause: str
    cause_code: int
    status: int | None
    """The SIP status that ended it, where one did."""
    by_party: bool
    media: MediaFigures | None


class Cdr(Struct, frozen=True, gc=False, kw_only=True):
    """What became of a call. Times are ISO 8601 in UTC with milliseconds; a clock that was set back in the middle of
    the call makes spans 0, never negative."""

    call_id: CallId
    from_: str = field(name="from")
    from_name: str
    to: str
    origin: str
    """`account/1001`, `trunk/uas`, `guest/…`."""
    context: str
    plan_version: int | None
    """The dial plan that routed it first; None: no plan did."""
    destination: str | None
    """Where it was last sent: `account/1002`."""
    started_at: str
    answered_at: str | None
    ended_at: str
    duration_ms: int
    """From the first request to the end of all."""
    billable_ms: int
    """From the answer to the end; 0 without an answer."""
    disposition: Disposition
    cause: str
    cause_code: int
    """ITU-T Q.850."""
    note: str
    legs: tuple[CdrLeg, ...]


def disposition(answered: bool, cause: Cause, caller_gave_up: bool) -> Disposition:
    """What a call comes under. Each call comes under exactly one."""
    if answered:
        return "answered"
    if caller_gave_up:
        return "cancelled"
    return _BY_CAUSE.get(cause, "failed")


def iso(at: int) -> str:
    """Wall milliseconds as ISO 8601: `2026-11-21T22:54:13.120Z`."""
    return f"{_second(at // 1000)}.{at % 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    # Facts come in the order of time: nearly every one shares its second with those before it.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _Leg:
    """What the facts said of one leg so far."""

    __slots__ = ("answered", "dialed", "ended", "ringing", "started")

    def __init__(self, started: int, dialed: LegDialed | None) -> None:
        self.started = started
        self.dialed = dialed
        self.ringing: int | None = None
        self.answered: int | None = None
        self.ended: LegEnded | None = None


def record(facts: Iterable[Fact]) -> Cdr | None:
    """The record of a call's facts, from its `CallOffered` to its `CallEnded`; None as long as either is missing."""
    offered: CallOffered | None = None
    ended: CallEnded | None = None
    answered: int | None = None
    destination: Destination | None = None
    plan_version: int | None = None
    legs: dict[LegId, _Leg] = {}
    for fact in facts:
        # In words of `type() is`, which costs a tenth of what matching classes would: this runs for every call.
        if type(fact) is LegEnded:
            if (leg := legs.get(fact.leg)) is not None and leg.ended is None:
                leg.ended = fact
        elif type(fact) is LegDialed:
            legs[fact.leg] = _Leg(fact.at, fact)
        elif type(fact) is LegRang:
            if (leg := legs.get(fact.leg)) is not None and leg.ringing is None:
                leg.ringing = fact.at
        elif type(fact) is LegAnswered:
            if (leg := legs.get(fact.leg)) is not None and leg.answered is None:
                leg.answered = fact.at
        elif type(fact) is CallAnswered:
            answered = fact.at if answered is None else answered
        elif type(fact) is CallRouted:
            destination = fact.destination
            plan_version = fact.plan_version if plan_version is None else plan_version
        elif type(fact) is CallOffered:
            offered = fact
            legs[fact.leg] = _Leg(fact.at, None)
        elif type(fact) is CallEnded:
            ended = fact
    if offered is None or ended is None:
        return None
    return Cdr(
        call_id=offered.call,
        from_=offered.from_number,
        from_name=offered.from_name,
        to=offered.to_number,
        origin=f"{offered.origin_kind}/{offered.origin}",
        context=offered.context,
        plan_version=plan_version,
        destination=str(destination) if destination is not None else None,
        started_at=iso(offered.at),
        answered_at=iso(answered) if answered is not None else None,
        ended_at=iso(ended.at),
        duration_ms=max(0, ended.at - offered.at),
        billable_ms=max(0, ended.at - answered) if answered is not None else 0,
        disposition=disposition(answered is not None, ended.cause, ended.caller_gave_up),
        cause=ended.cause.text,
        cause_code=int(ended.cause),
        note=ended.note,
        legs=tuple([_leg(name, leg, offered, ended, answered) for name, leg in legs.items()]),
    )


def _leg(name: LegId, leg: _Leg, offered: CallOffered, ended: CallEnded, call_answered: int | None) -> CdrLeg:
    dialed, over = leg.dialed, leg.ended
    caller = name == offered.leg
    answered = leg.answered if leg.answered is not None or not caller else call_answered
    # A leg whose end nobody saw (the switch was killed) lasted as long as its call.
    ended_at, cause = (over.at, over.cause) if over is not None else (ended.at, ended.cause)
    return CdrLeg(
        leg=name,
        role="caller" if caller else "called",
        destination=str(dialed.destination) if dialed is not None else f"{offered.origin_kind}/{offered.origin}",
        number=dialed.number if dialed is not None else offered.from_number,
        target=dialed.target if dialed is not None else offered.source,
        started_at=iso(leg.started),
        ringing_at=iso(leg.ringing) if leg.ringing is not None else None,
        answered_at=iso(answered) if answered is not None else None,
        ended_at=iso(ended_at),
        talk_ms=max(0, ended_at - answered) if answered is not None else 0,
        cause=cause.text,
        cause_code=int(cause),
        status=over.status if over is not None else None,
        by_party=over is not None and over.by_party,
        media=over.figures if over is not None else None,
    )


def unfinished_end(facts: Sequence[Fact]) -> CallEnded | None:
    """How a call ended whose switch was killed: at the last moment something was heard of it. None: it is no such."""
    if not facts or type(facts[0]) is not CallOffered or any(type(fact) is CallEnded for fact in facts):
        return None
    return CallEnded(
        at=max(fact.at for fact in facts), call=facts[0].call, cause=Cause.TEMPORARY_FAILURE, note="switch stopped"
    )
