"""/api/v1/parked: who waits where."""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel

from softswitch.features.parking.lot import Lot
from softswitch.platform.rest import Page, Paging


class ParkedOut(BaseModel):
    """A call that waits in a slot."""

    slot: str
    call_id: str
    number: str
    by: str
    since: datetime


def build_router(lot: Lot) -> APIRouter:
    """The path."""
    router = APIRouter(prefix="/parked", tags=["parked"])

    @router.get("")
    async def list_(paging: Paging) -> Page[ParkedOut]:
        """The parked calls, by slot."""
        after = paging.after(str)
        rows = [each for each in lot.all() if after is None or each.slot > after][: paging.limit + 1]
        return paging.page(
            rows,
            lambda parked: parked.slot,
            lambda parked: ParkedOut(
                slot=parked.slot,
                call_id=parked.call,
                number=parked.number,
                by=parked.by,
                since=datetime.fromtimestamp(parked.since / 1000, UTC),
            ),
        )

    return router
