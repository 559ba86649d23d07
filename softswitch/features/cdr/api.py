"""/api/v1/cdrs: what became of calls."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from softswitch.features.cdr.model import Cdr, CdrLeg, Disposition, transcoded
from softswitch.features.cdr.store import CdrQuery, find, page
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId
from softswitch.platform.call_shapes import (
    CallOutline,
    CallTime,
    MediaOut,
    PartyOut,
    TroubleOut,
    VideoOut,
    media_out,
    video_out,
)
from softswitch.platform.rest import Page, Paging, Reading, moment, wall_ms

router = APIRouter(prefix="/cdrs", tags=["cdrs"])


class LegOut(PartyOut):
    """One party's half of a call that is over."""

    started_at: CallTime
    ringing_at: CallTime | None
    answered_at: CallTime | None
    ended_at: CallTime
    talk_ms: int
    cause: str
    cause_code: int
    status: int | None
    by_party: bool
    media: MediaOut | None
    redirected_to: list[str]
    """Where the party sent the call instead of taking it."""
    moved_from: str | None = Field(description="the call it came from; its times before are in that call's record")
    moved_to: str | None = Field(description="the call it went on in; its times after are in that call's record")
    codec: str = Field(description="the speech agreed with the party last; empty where none was, or it moved on")
    recordings: list[str] = Field(description="what was recorded of it: `/recordings/ID`")
    video: list[VideoOut] = Field(description="the video lines that it has had; empty: none")


class TalkOut(BaseModel):
    """Two parties heard each other, or one held the other."""

    a: str
    b: str
    started_at: CallTime
    ended_at: CallTime


class MixOut(BaseModel):
    """Three parties or more heard each other."""

    legs: list[str]
    started_at: CallTime
    ended_at: CallTime


class TransferOut(BaseModel):
    """Somebody had another party talk with somebody else, or tried to."""

    at: CallTime
    by: str
    kind: str
    target: str
    outcome: Literal["completed", "failed", "unfinished"]
    cause: str | None


class ForwardOut(BaseModel):
    """Whom the call was for sent it on to another number."""

    by: str
    number: str
    reason: str


class CdrOut(CallOutline):
    """What became of a call; times in UTC, exact to the millisecond."""

    plan_version: int | None
    forwards: list[ForwardOut]
    session_id: str
    """The caller's half of the Session-ID (RFC 7989); empty: it gave none."""
    ended_at: CallTime
    duration_ms: int
    billable_ms: int
    disposition: Disposition
    cause: str
    cause_code: int
    note: str
    legs: list[LegOut]
    transcoded: bool
    """Whether sound was converted between the codecs of two that talked."""
    talks: list[TalkOut] = Field(description="who talked with whom, and when")
    mixes: list[MixOut] = Field(description="who talked in threes and more, and when")
    transfers: list[TransferOut]
    trouble: list[TroubleOut]


@router.get("")
async def list_(
    paging: Paging,
    session: Reading,
    from_: Annotated[str | None, Query(alias="from", description="the caller's number")] = None,
    to: Annotated[str | None, Query(description="the number dialled")] = None,
    since: Annotated[datetime | None, Query(description="started then or later")] = None,
    until: Annotated[datetime | None, Query(description="started before")] = None,
    disposition: Disposition | None = None,
) -> Page[CdrOut]:
    """Records, the newest call first."""
    query = CdrQuery(from_, to, wall_ms(since), wall_ms(until), disposition)
    rows = await page(session, query, paging.after(int, str), paging.limit + 1)
    return paging.page(rows, lambda cdr: (cdr.started_at, cdr.call_id), _show)


@router.get("/{call_id}")
async def get(call_id: str, session: Reading) -> CdrOut:
    """One record."""
    cdr = await find(session, CallId(call_id))
    if cdr is None:
        raise NotFound("record of a call", call_id)
    return _show(cdr)


def _show(cdr: Cdr) -> CdrOut:
    return CdrOut(
        call_id=cdr.call_id,
        from_=cdr.from_,
        from_name=cdr.from_name,
        to=cdr.to,
        origin=str(cdr.origin),
        context=cdr.context,
        plan_version=cdr.plan_version,
        destination=str(cdr.destination) if cdr.destination is not None else None,
        session_id=cdr.session_id,
        forwards=[ForwardOut(by=str(f.by), number=f.number, reason=f.reason) for f in cdr.forwards],
        started_at=moment(cdr.started_at),
        answered_at=moment(cdr.answered_at),
        ended_at=moment(cdr.ended_at),
        duration_ms=cdr.duration_ms,
        billable_ms=cdr.billable_ms,
        disposition=cdr.disposition,
        cause=cdr.cause.text,
        cause_code=int(cdr.cause),
        note=cdr.note,
        legs=[_leg(leg) for leg in cdr.legs],
        transcoded=transcoded(cdr),
        talks=[
            TalkOut(a=talk.a, b=talk.b, started_at=moment(talk.started_at), ended_at=moment(talk.ended_at))
            for talk in cdr.talks
        ],
        mixes=[
            MixOut(legs=list(mix.legs), started_at=moment(mix.started_at), ended_at=moment(mix.ended_at))
            for mix in cdr.mixes
        ],
        transfers=[
            TransferOut(
                at=moment(each.at),
                by=each.by,
                kind=each.kind,
                target=each.target,
                outcome=each.outcome,
                cause=None if each.cause is None else each.cause.text,
            )
            for each in cdr.transfers
        ],
        trouble=[TroubleOut.model_validate(one, from_attributes=True) for one in cdr.trouble],
    )


def _leg(leg: CdrLeg) -> LegOut:
    return LegOut(
        leg=leg.leg,
        role=leg.role,
        destination=str(leg.destination),
        number=leg.number,
        target=leg.target,
        started_at=moment(leg.started_at),
        ringing_at=moment(leg.ringing_at),
        answered_at=moment(leg.answered_at),
        ended_at=moment(leg.ended_at),
        talk_ms=leg.talk_ms,
        cause=leg.cause.text,
        cause_code=int(leg.cause),
        status=leg.status,
        by_party=leg.by_party,
        media=media_out(leg.media),
        redirected_to=list(leg.redirected_to),
        moved_from=leg.moved_from,
        moved_to=leg.moved_to,
        codec=leg.codec,
        recordings=list(leg.recordings),
        video=video_out(leg.video),
    )
