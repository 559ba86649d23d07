"""Every query about codes."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from softswitch.features.codes.model import InCallCode
from softswitch.features.codes.tables import CodeRow
from softswitch.platform.database import Session


async def all_codes(session: Session) -> Mapping[str, InCallCode]:
    """Those that were set, by name."""
    rows = await session.scalars(select(CodeRow).order_by(CodeRow.name))
    return {row.name: msgspec.json.decode(row.code, type=InCallCode) for row in rows}


async def write(session: Session, code: InCallCode) -> None:
    text = msgspec.json.encode(code).decode()
    row = await session.get(CodeRow, code.name)
    if row is None:
        session.add(CodeRow(name=code.name, code=text))
    else:
        row.code = text
    await session.flush()


async def remove(session: Session, name: str) -> None:
    row = await session.get(CodeRow, name)
    if row is not None:
        await session.delete(row)
        await session.flush()
