"""Every query about rights to supervise."""

from collections.abc import Mapping
from typing import cast

from sqlalchemy import delete, select

from softswitch.features.supervision.model import Act, Rights
from softswitch.features.supervision.tables import RightsRow
from softswitch.platform.database import Session


async def all_rights(session: Session) -> Mapping[str, Rights]:
    """By account."""
    return {row.account: _read(row) for row in await session.scalars(select(RightsRow))}


async def write(session: Session, rights: Rights) -> None:
    await session.merge(
        RightsRow(
            account=rights.account,
            everybody=rights.everybody,
            accounts=" ".join(rights.accounts),
            groups=" ".join(rights.groups),
            acts=" ".join(rights.acts),
        )
    )
    await session.flush()


async def remove(session: Session, account: str) -> None:
    await session.execute(delete(RightsRow).where(RightsRow.account == account))


def _read(row: RightsRow) -> Rights:
    return Rights(
        account=row.account,
        everybody=row.everybody,
        accounts=tuple(row.accounts.split()),
        groups=tuple(row.groups.split()),
        acts=cast(tuple[Act, ...], tuple(row.acts.split())),
    )
