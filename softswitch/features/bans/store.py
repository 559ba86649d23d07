"""Every query about bans."""

from collections.abc import Mapping

from sqlalchemy import delete, select

from softswitch.features.bans.model import Ban
from softswitch.features.bans.tables import BanRow
from softswitch.platform.database import Session

_FIELDS = ("network", "reason", "detail", "since", "until", "times", "by")


async def load(session: Session) -> list[Ban]:
    """All that are stored."""
    rows = await session.scalars(select(BanRow))
    return [Ban(**{field: getattr(row, field) for field in _FIELDS}) for row in rows]


async def write(session: Session, bans: Mapping[str, Ban | None]) -> None:
    """Store each network's ban, or that it has none."""
    for network, ban in bans.items():
        if ban is None:
            await session.execute(delete(BanRow).where(BanRow.network == network))
        else:
            # PostgreSQL cannot hold a NUL, which a User-Agent may.
            values = {field: getattr(ban, field) for field in _FIELDS}
            values["detail"] = ban.detail.replace("\x00", "")[:200]
            await session.merge(BanRow(**values))
