"""Every query about rules of being reached."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from softswitch.features.reach.model import NO_RULES, ReachRules
from softswitch.features.reach.tables import ReachRow
from softswitch.platform.database import Session


async def all_rules(session: Session) -> Mapping[str, ReachRules]:
    """By account."""
    rows = await session.scalars(select(ReachRow))
    return {row.account: msgspec.json.decode(row.rules, type=ReachRules) for row in rows}


async def rules_of(session: Session, account: str) -> ReachRules:
    """What an account has set, as stored."""
    row = await session.get(ReachRow, account)
    return NO_RULES if row is None else msgspec.json.decode(row.rules, type=ReachRules)


async def write(session: Session, account: str, rules: ReachRules) -> None:
    """Store what an account has set from now on; nothing is kept for one that has set nothing."""
    row = await session.get(ReachRow, account)
    if rules == NO_RULES:
        if row is not None:
            await session.delete(row)
    elif row is None:
        session.add(ReachRow(account=account, rules=msgspec.json.encode(rules).decode()))
    else:
        row.rules = msgspec.json.encode(rules).decode()
    await session.flush()
