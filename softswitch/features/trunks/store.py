"""Every query about trunks and their groups."""

from collections.abc import Sequence

from sqlalchemy import select

from softswitch.features.trunks.tables import TrunkGroupRow, TrunkRow
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


async def all_groups(session: Session) -> Sequence[TrunkGroupRow]:
    """By name."""
    return (await session.scalars(select(TrunkGroupRow).order_by(TrunkGroupRow.name))).all()


async def page_of_groups(session: Session, after: str | None, limit: int) -> Sequence[TrunkGroupRow]:
    """By name, from behind `after`."""
    query = select(TrunkGroupRow).order_by(TrunkGroupRow.name).limit(limit)
    if after is not None:
        query = query.where(TrunkGroupRow.name > after)
    return (await session.scalars(query)).all()


async def find_group(session: Session, name: str) -> TrunkGroupRow | None:
    return await session.get(TrunkGroupRow, name)
