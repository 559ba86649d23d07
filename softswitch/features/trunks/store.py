"""Every query about trunks."""

from collections.abc import Sequence

from sqlalchemy import select

from softswitch.features.trunks.tables import TrunkRow
from softswitch.platform.database import Session


async def all_trunks(session: Session) -> Sequence[TrunkRow]:
    """By name."""
    return (await session.scalars(select(TrunkRow).order_by(TrunkRow.name))).all()


async def page_of_trunks(session: Session, after: str | None, limit: int) -> Sequence[TrunkRow]:
    """By name, from behind `after`."""
    query = select(TrunkRow).order_by(TrunkRow.name).limit(limit)
    if after is not None:
        query = query.where(TrunkRow.name > after)
    return (await session.scalars(query)).all()


async def find_trunk(session: Session, name: str) -> TrunkRow | None:
    return await session.get(TrunkRow, name)
