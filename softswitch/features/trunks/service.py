"""What can be done with trunks, and all of them in memory, as calls need them."""

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from softswitch.calls.signals import Origin
from softswitch.features.trunks import store
from softswitch.features.trunks.model import Network, Sources, Trunk
from softswitch.features.trunks.tables import TrunkRow
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "trunks"
"""What trunks are called among the `Changes`."""


class Trunks:
    """All trunks. Memory changes when a change is stored."""

    def __init__(self) -> None:
        self._trunks: dict[str, Trunk] = {}
        self._sources = Sources(())
        self._addresses: tuple[str, ...] = ()

    async def load(self, database: Database) -> None:
        """Read all trunks: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            self._remember({row.name: _trunk(row) for row in await store.all_trunks(session)})

    def trunk(self, name: str) -> Trunk | None:
        return self._trunks.get(name)

    def recognise(self, host: str) -> Origin | None:
        """Whose calls come from an address; None: no trunk's."""
        trunk = self._sources.find(host)
        return None if trunk is None else trunk.origin

    def addresses(self) -> tuple[str, ...]:
        """Networks and addresses that trunks send from, as text."""
        return self._addresses

    async def create(self, session: Session, values: Mapping[str, Any]) -> TrunkRow:
        """Add a trunk; `values` are its columns, `sources` a list. Raises Conflict or Invalid."""
        if await store.find_trunk(session, values["name"]) is not None:
            raise Conflict("trunk-exists", f"there is a trunk {values['name']} already")
        row = TrunkRow(**dict(values) | {"sources": write_sources(values["sources"])})
        session.add(row)
        await session.flush()
        await count_change(session, CHANGED)
        self._remember_later(session, row)
        return row

    async def change(self, session: Session, name: str, changes: Mapping[str, Any]) -> TrunkRow:
        """Change what `changes` names. Raises NotFound or Invalid."""
        row = await self.row(session, name)
        for field, value in changes.items():
            setattr(row, field, write_sources(value) if field == "sources" else value)
        await session.flush()
        await count_change(session, CHANGED)
        self._remember_later(session, row)
        return row

    async def remove(self, session: Session, name: str) -> None:
        """Delete a trunk. Calls that go through it go on. Raises NotFound."""
        await session.delete(await self.row(session, name))
        await session.flush()
        await count_change(session, CHANGED)
        session.after_commit(
            lambda: self._remember({other: trunk for other, trunk in self._trunks.items() if other != name})
        )

    async def row(self, session: Session, name: str) -> TrunkRow:
        """One trunk as stored. Raises NotFound."""
        row = await store.find_trunk(session, name)
        if row is None:
            raise NotFound("trunk", name)
        return row

    def _remember_later(self, session: Session, row: TrunkRow) -> None:
        trunk = _trunk(row)
        session.after_commit(lambda: self._remember(self._trunks | {trunk.name: trunk}))

    def _remember(self, trunks: dict[str, Trunk]) -> None:
        self._trunks = trunks
        self._sources = Sources(trunks[name] for name in sorted(trunks))
        self._addresses = tuple(sorted({address for trunk in trunks.values() for address in _addresses_of(trunk)}))


def write_sources(sources: list[str]) -> str:
    """Addresses and networks as stored. Raises Invalid naming the one that is none."""
    networks = []
    for text in sources:
        try:
            networks.append(str(ipaddress.ip_network(text)))
        except ValueError as error:
            raise Invalid("sources", f"{error}: write an address, or a network such as 192.0.2.0/24") from error
    return " ".join(dict.fromkeys(networks))


def read_sources(text: str) -> list[str]:
    """The same back, single addresses without a prefix length."""
    return [str(network.network_address) if network.num_addresses == 1 else str(network) for network in _networks(text)]


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in text.split())


def _addresses_of(trunk: Trunk) -> Iterator[str]:
    yield from map(str, trunk.sources)
    with contextlib.suppress(ValueError):  # a name: whoever it stands for must be among the sources
        yield str(ipaddress.ip_address(trunk.host))


def _trunk(row: TrunkRow) -> Trunk:
    return Trunk(
        name=row.name,
        host=row.host,
        port=row.port,
        transport=row.transport,
        sources=_networks(row.sources),
        strip=row.strip,
        prefix=row.prefix,
        anchored=row.media == "anchored",
        ring_seconds=row.ring_seconds,
        enabled=row.enabled,
        origin=Origin("trunk", row.name, row.context),
    )
