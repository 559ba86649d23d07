"""/api/v1/audit: who changed what, and who failed to get in."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from softswitch.platform.audit import Audit, page
from softswitch.platform.auth import Admin
from softswitch.platform.rest import Moment, Page, Paging, Reading

router = APIRouter(prefix="/audit", tags=["audit"])


class EntryOut(BaseModel):
    """One thing that somebody did or tried."""

    id: int
    at: Moment
    who: str = Field(description="the user or token; empty where nobody was recognised")
    source: str
    action: str
    status: int = Field(description="of the answer; 0 where there was no request")
    detail: str = Field(description="the body, its secrets masked")


@router.get("")
async def list_(
    paging: Paging,
    session: Reading,
    request: Request,
    admin: Admin,
    who: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[EntryOut]:
    """Entries, the newest first."""
    audit: Audit | None = request.app.state.audit
    if audit is not None:
        await audit.write()
    rows = await page(session, paging.after(int), paging.limit + 1, who)
    return paging.page(rows, lambda row: row.id, lambda row: EntryOut.model_validate(row, from_attributes=True))
