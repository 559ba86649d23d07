"""Every query about rooms."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import select

from softswitch.features.conference.model.rules import Rules
from softswitch.features.conference.tables import RoomRow
from softswitch.platform.database import Session
from softswitch.platform.vault import Vault


async def rooms(session: Session, vault: Vault) -> Sequence[Rules]:
    """All, by number."""
    return [_read(row, vault) for row in await session.scalars(select(RoomRow).order_by(RoomRow.number))]


async def room(session: Session, number: str, vault: Vault) -> Rules | None:
    row = await session.get(RoomRow, number)
    return None if row is None else _read(row, vault)


async def write(session: Session, rules: Rules, vault: Vault) -> None:
    """Store a room, a new one or as it is from now on."""
    sealed = replace(
        rules,
        pin=vault.seal(rules.pin, _purpose(rules.number, "pin")) if rules.pin else "",
        host_pin=vault.seal(rules.host_pin, _purpose(rules.number, "host_pin")) if rules.host_pin else "",
    )
    await session.merge(RoomRow(number=rules.number, rules=msgspec.json.encode(sealed).decode()))
    await session.flush()


async def remove(session: Session, number: str) -> bool:
    """Forget one; False: there is none."""
    row = await session.get(RoomRow, number)
    if row is None:
        return False
    await session.delete(row)
    await session.flush()
    return True


def _read(row: RoomRow, vault: Vault) -> Rules:
    sealed = msgspec.json.decode(row.rules, type=Rules)
    return replace(
        sealed,
        pin=vault.open(sealed.pin, _purpose(row.number, "pin")) if sealed.pin else "",
        host_pin=vault.open(sealed.host_pin, _purpose(row.number, "host_pin")) if sealed.host_pin else "",
    )


def _purpose(number: str, which: str) -> str:
    return f"conference/{number}/{which}"
