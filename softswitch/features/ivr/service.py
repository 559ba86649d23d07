"""The flows in force, and how they are written, published and rolled back."""

from collections.abc import Callable

import structlog
from sqlalchemy.exc import IntegrityError

from softswitch.events import Fact, FlowEnded, FlowPublished
from softswitch.features.ivr import source, store
from softswitch.features.ivr.journey import Flows, Published
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.model.finding import Finding, refuse
from softswitch.features.ivr.needs import Log, Parts
from softswitch.features.ivr.tables import DraftRow, VersionRow
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

CHANGED = "flows"
"""The name under which published versions are counted, so that another process notices them."""


class IvrFlows:
    """Holds the flows that calls go through. `live` is read when a call enters one, and replaced as a whole: a call
    goes on with what was there when it came."""

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[Fact], None],
        event_log: Log,
        shipped: Flows,
        parts: Parts,
        catalogue: Catalogue,
    ) -> None:
        self._clock = clock
        self.publish = publish
        self._log = event_log
        self.shipped = shipped
        self.parts = parts
        self._catalogue = catalogue
        self.live: Flows = shipped
        self._paths = 0
        """How many were stored: a call may come through a flow twice in one millisecond."""
        catalogue.flows = lambda: self.live

    async def load(self, database: Database) -> None:
        """Take the newest stored version of each flow: before the first call, and when another process has published.

        One that this program no longer accepts stays as it was, and is told.
        """
        async with database.reading() as session:
            rows = await store.all_newest(session)
        live = dict(self.shipped)
        for row in rows:
            known = self.live.get(row.flow)
            try:
                if row.source:
                    live[row.flow] = source.from_yaml(row.source, row.flow, row.version)
            except Invalid as error:
                log.error("a stored flow is not accepted", flow=row.flow, version=row.version, error=str(error))
                if known is not None:
                    live[row.flow] = known
        self.live = live

    # Drafts and versions ------------------------------------------------------------------------------------

    def check(self, text: str, file: str) -> list[Finding]:
        """All that is wrong with a flow in YAML. Raises Invalid for what is no YAML."""
        return source.findings(text, file, self._catalogue)

    def _checked(self, name: str, text: str, version: int) -> Published:
        """Raises Invalid with all that is wrong."""
        refuse(name, self.check(text, name))
        published = source.from_yaml(text, name, version)
        if published.name != name:
            raise Invalid(f"{name}:1", f"the flow calls itself {published.name!r}")
        round_trip = self._way_back(published)
        if round_trip is not None:
            raise Invalid(f"{name}:1", f"it goes through itself, by {' and '.join(round_trip)}")
        return published

    def _way_back(self, published: Published) -> list[str] | None:
        """The flows by which one comes to itself again; None: it never does."""
        ways = [[name] for name in published.within]
        seen = set(published.within)
        while ways:
            way = ways.pop()
            if way[-1] == published.name:
                return way[:-1]
            following = self.live.get(way[-1])
            for name in following.within if following is not None else ():
                if name not in seen:
                    seen.add(name)
                    ways.append([*way, name])
        return None

    async def write_draft(self, session: Session, name: str, text: str, author: str) -> DraftRow:
        """Keep a flow that is being written. Raises Invalid with all that is wrong with it."""
        self._checked(name, text, 0)
        row = DraftRow(flow=name, changed_at=self._clock.wall_ms(), author=author, source=text)
        await store.write_draft(session, row)
        return row

    async def draft(self, session: Session, name: str) -> DraftRow:
        """Raises NotFound."""
        row = await store.draft(session, name)
        if row is None:
            raise NotFound("draft of the flow", name)
        return row

    async def publish_draft(self, session: Session, name: str, author: str, comment: str) -> VersionRow:
        """Let calls go by a draft from now on; it is no draft any more. Raises NotFound, Invalid, and Conflict."""
        text = (await self.draft(session, name)).source
        row = await self._publish_version(session, name, text, author, comment, None)
        await store.remove_draft(session, name)
        return row

    async def publish_source(self, session: Session, name: str, text: str, author: str, comment: str) -> VersionRow:
        """The same without a draft."""
        return await self._publish_version(session, name, text, author, comment, None)

    async def roll_back(self, session: Session, name: str, version: int, author: str) -> VersionRow:
        """Publish an old version again, as a new one. Raises NotFound, and Invalid where this program no longer
        accepts it."""
        old = await self.stored(session, name, version)
        comment = f"back to version {version}"
        return await self._publish_version(session, name, old.source, author, comment, version)

    async def withdraw(self, session: Session, name: str, author: str) -> VersionRow:
        """Let calls go no more by what was published: the flow that ships under this name is in force again, or there
        is none. Raises NotFound, and Conflict for one that only ships."""
        live = self.live.get(name)
        if live is None:
            raise NotFound("flow", name)
        if live.version == 0:
            raise Conflict("ships", f"{name} ships with the switch and was never changed")
        await store.remove_draft(session, name)
        return await self._publish_version(session, name, "", author, "withdrawn", None)

    async def stored(self, session: Session, name: str, version: int) -> VersionRow:
        """One version as stored. Raises NotFound."""
        row = await store.version(session, name, version)
        if row is None:
            raise NotFound(f"version of {name}", str(version))
        return row

    async def _publish_version(
        self, session: Session, name: str, text: str, author: str, comment: str, rolled_back_to: int | None
    ) -> VersionRow:
        newest = await store.newest(session, name)
        number = newest.version + 1 if newest is not None else 1
        published = self._checked(name, text, number) if text else None
        now = self._clock.wall_ms()
        await count_change(session, CHANGED)
        row = VersionRow(
            flow=name,
            version=number,
            published_at=now,
            author=author,
            comment=comment[:200],
            rolled_back_to=rolled_back_to,
            source=text,
        )
        session.add(row)
        try:
            await session.flush()
        except IntegrityError as error:
            raise Conflict("changed-meanwhile", f"someone else published {name} just now: try again") from error

        def in_force() -> None:
            live: dict[str, Published] = {**self.live}
            if published is not None:
                live[name] = published
            elif name in self.shipped:
                live[name] = self.shipped[name]
            else:
                live.pop(name, None)
            self.live = live
            self.publish(FlowPublished(at=now, flow=name, version=number, by=author, rolled_back_to=rolled_back_to))

        session.after_commit(in_force)
        return row

    # Paths --------------------------------------------------------------------------------------------------

    def ended(self, path: FlowEnded) -> None:
        """A call has come through a flow."""
        self._paths += 1
        self._log.add(store.PATHS, store.path_row(path, self._paths))
