"""/api/v1/cdrs: what became of calls."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from softswitch.features.cdr.model import Disposition
from softswitch.features.cdr.store import CdrQuery, find, page
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId
from softswitch.platform.rest import Page, Paging, Reading

router = APIRouter(prefix="/cdrs", tags=["cdrs"])


class MediaOut(BaseModel):
    """What a leg's sound measured."""

    received: int
    sent: int
    lost: int
    jitter_ms: float
    first_packet_ms: int | None
    last_address: str
    discarded: int


class LegOut(BaseModel):
    """One party's half of a call."""

    leg: str
    role: Literal["caller", "called"]
    destination: str
    number: str
    target: str
    started_at: datetime
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime
    talk_ms: int
    cause: str
    cause_code: int
    status: int | None
    by_party: bool
    media: MediaOut | None


class CdrOut(BaseModel):
    """What became of a call; times in UTC, exact to the millisecond."""

    call_id: str
    from_: str = Field(alias="from")
    from_name: str
    to: str
    origin: str
    context: str
    plan_version: int | None
    destination: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    duration_ms: int
    billable_ms: int
    disposition: Disposition
    cause: str
    cause_code: int
    note: str
    legs: list[LegOut]


def _ms(moment: datetime | None) -> int | None:
    """Wall milliseconds; a time without a zone is taken as UTC."""
    if moment is None:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


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
    query = CdrQuery(from_, to, _ms(since), _ms(until), disposition)
    rows = await page(session, query, paging.after(int, str), paging.limit + 1)
    return paging.page(rows, lambda row: (row[0], row[1]), lambda row: CdrOut.model_validate_json(row[2]))


@router.get("/{call_id}")
async def get(call_id: str, session: Reading) -> CdrOut:
    """One record."""
    body = await find(session, CallId(call_id))
    if body is None:
        raise NotFound("record of a call", call_id)
    return CdrOut.model_validate_json(body)
