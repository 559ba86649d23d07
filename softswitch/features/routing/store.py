"""Every query of the dial plans."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from softswitch.features.routing.model import PlanDocument
from softswitch.features.routing.tables import PlanRow
from softswitch.platform.database import Session

_decoder = msgspec.json.Decoder(PlanDocument)


def text_of(document: PlanDocument) -> str:
    """A document as it is stored."""
    return msgspec.json.encode(document).decode()


def document_of(row: PlanRow) -> PlanDocument:
    """A document as it was stored."""
    return _decoder.decode(row.document)


async def newest(session: Session) -> PlanRow | None:
    """The version in force; None when none was ever published."""
    return await session.scalar(select(PlanRow).order_by(PlanRow.version.desc()).limit(1))


async def version(session: Session, number: int) -> PlanRow | None:
    """One version."""
    return await session.get(PlanRow, number)


async def versions(session: Session, before: int | None, limit: int) -> Sequence[PlanRow]:
    """Versions from the newest on, from behind `before`."""
    query = select(PlanRow).order_by(PlanRow.version.desc()).limit(limit)
    if before is not None:
        query = query.where(PlanRow.version < before)
    return (await session.scalars(query)).all()
