"""Groups of trunks, stored and in memory."""

from collections.abc import Mapping
from typing import Any

import msgspec

from softswitch.features.trunks import store
from softswitch.features.trunks.model import GroupRules
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.tables import TrunkGroupRow
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "trunk-groups"
"""What groups are called among the `Changes`."""


class Groups:
    """All groups. Memory changes when a change is stored."""

    def __init__(self, trunks: Trunks) -> None:
        self._trunks = trunks
        self._groups: dict[str, GroupRules] = {}

    async def load(self, database: Database) -> None:
        """Read all groups: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            self._groups = {row.name: rules_of(row) for row in await store.all_groups(session)}

    def group(self, name: str) -> GroupRules | None:
        return self._groups.get(name)

    async def create(self, session: Session, name: str, values: Mapping[str, Any]) -> TrunkGroupRow:
        """Add a group. Raises Conflict, and Invalid naming a member that is no trunk."""
        if await store.find_group(session, name) is not None:
            raise Conflict("trunk-group-exists", f"there is a trunk group {name} already")
        row = TrunkGroupRow(name=name, rules="{}")
        session.add(row)
        return await self._store(session, row, values)

    async def change(self, session: Session, name: str, changes: Mapping[str, Any]) -> TrunkGroupRow:
        """Change what `changes` names. Raises NotFound, and Invalid naming a member that is no trunk."""
        row = await self.row(session, name)
        return await self._store(session, row, {**msgspec.json.decode(row.rules), **changes})

    async def remove(self, session: Session, name: str) -> None:
        """Delete a group. Calls that go through it go on. Raises NotFound."""
        await session.delete(await self.row(session, name))
        await session.flush()
        await count_change(session, CHANGED)

        def forget() -> None:
            self._groups.pop(name, None)

        session.after_commit(forget)

    async def row(self, session: Session, name: str) -> TrunkGroupRow:
        """One group as stored. Raises NotFound."""
        row = await store.find_group(session, name)
        if row is None:
            raise NotFound("trunk group", name)
        return row

    async def _store(self, session: Session, row: TrunkGroupRow, values: Mapping[str, Any]) -> TrunkGroupRow:
        rules = msgspec.convert(values, GroupRules)
        named = [member.trunk for member in rules.members]
        for place, trunk in enumerate(named):
            if self._trunks.trunk(trunk) is None:
                raise Invalid(f"members.{place}.trunk", f"there is no trunk {trunk!r}")
            if trunk in named[:place]:
                raise Invalid(f"members.{place}.trunk", f"trunk {trunk!r} is a member already")
        row.rules = msgspec.json.encode(rules).decode()
        await session.flush()
        await count_change(session, CHANGED)
        name = row.name
        session.after_commit(lambda: self._groups.update({name: rules}))
        return row


def rules_of(row: TrunkGroupRow) -> GroupRules:
    """A group as stored."""
    return msgspec.json.decode(row.rules, type=GroupRules)
