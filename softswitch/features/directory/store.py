"""Every query about accounts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from softswitch.features.directory.tables import AccountRow
from softswitch.platform.database import Session


async def all_accounts(session: Session) -> Sequence[Any]:
    """Every account, as plain rows with the columns of `AccountRow`: there may be 100,000."""
    return (await session.execute(select(*AccountRow.__table__.columns))).all()


async def page_of_accounts(session: Session, after: str | None, limit: int) -> Sequence[AccountRow]:
    """By number, from behind `after`."""
    query = select(AccountRow).order_by(AccountRow.number).limit(limit)
    if after is not None:
        query = query.where(AccountRow.number > after)
    return (await session.scalars(query)).all()


async def find_account(session: Session, number: str) -> AccountRow | None:
    return await session.get(AccountRow, number)


async def add_accounts(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    await session.execute(insert(AccountRow), list(rows))


async def delete_account(session: Session, number: str) -> None:
    await session.execute(delete(AccountRow).where(AccountRow.number == number))


async def numbers_taken(session: Session, numbers: Sequence[str]) -> set[str]:
    """Which of these exist already."""
    taken: set[str] = set()
    for start in range(0, len(numbers), 1000):  # a statement takes a bounded number of values
        some = numbers[start : start + 1000]
        taken.update(await session.scalars(select(AccountRow.number).where(AccountRow.number.in_(some))))
    return taken
