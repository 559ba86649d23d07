"""Every query about people with one number."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from softswitch.features.persons.model import Person
from softswitch.features.persons.tables import PersonRow
from softswitch.platform.database import Session


async def all_persons(session: Session) -> Mapping[str, Person]:
    """By number, in their order."""
    rows = await session.scalars(select(PersonRow).order_by(PersonRow.number))
    return {row.number: msgspec.json.decode(row.person, type=Person) for row in rows}


async def write(session: Session, person: Person) -> None:
    """Store a person, a new one or as it is from now on."""
    await session.merge(PersonRow(number=person.number, person=msgspec.json.encode(person).decode()))
    await session.flush()


async def remove(session: Session, number: str) -> None:
    """Forget one."""
    row = await session.get(PersonRow, number)
    if row is not None:
        await session.delete(row)
        await session.flush()
