"""The dial plan in force, and how it is changed and asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import IntegrityError

from softswitch.calls.dialled_code import DialledCode
from softswitch.calls.signals import Origin
from softswitch.events import Fact, PlanPublished, RoutingStep
from softswitch.features.routing import store
from softswitch.features.routing.course import course, end_of
from softswitch.features.routing.model import Plan, PlanDocument, RouteRequest
from softswitch.features.routing.model.codes import dialled_code, with_code
from softswitch.features.routing.model.edit import rule_at
from softswitch.features.routing.needs import Calendars, Callers, Destinations, History
from softswitch.features.routing.replay import Replay, replay
from softswitch.features.routing.tables import PlanRow
from softswitch.kernel.cause import Cause
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

OUTSIDE = "guest"
"""The context in which a caller who is no account is explained, where none is named."""
CHANGED = "routing"
"""The name under which published versions are counted, so that another process notices them."""


@dataclass(frozen=True)
class Explanation:
    """Where a call would go, and why."""

    destination: Destination | None
    number: str
    caller: str
    context: str
    version: int
    cause: Cause | None
    """What the call would end with at once; None: it would go on."""
    steps: Sequence[RoutingStep]


class DialPlan:
    """Holds the compiled plan that calls are routed by. Each change is a new published version."""

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[Fact], None],
        callers: Callers,
        destinations: Destinations,
        calendars: Calendars,
    ) -> None:
        self._clock = clock
        self._publish = publish
        self._callers = callers
        self._destinations = destinations
        self._calendars = calendars
        self.document = PlanDocument()
        self.plan = Plan.compile(self.document, 0)
        """Read at each call; replaced as a whole, never changed."""

    async def load(self, database: Database) -> None:
        """Take the newest stored version, if there is one. Raises Invalid."""
        async with database.reading() as session:
            row = await store.newest(session)
        if row is not None:
            document = store.document_of(row)
            self._take(document, self.compiled(document, row.version))

    async def change(
        self, session: Session, edit: Callable[[PlanDocument], PlanDocument], author: str, comment: str
    ) -> tuple[PlanDocument, Plan]:
        """Publish the newest version as `edit` changes it. Raises what `edit` does, Invalid, and Conflict where
        another program published meanwhile: then nothing changes.

        The new plan routes from the moment the session's transaction is on disk.
        """
        row = await store.newest(session)
        document = edit(store.document_of(row) if row is not None else PlanDocument())
        return document, await self._publish_version(session, document, row, author, comment, None)

    def compiled(self, document: PlanDocument, version: int) -> Plan:
        """A document ready to route by. Raises Invalid."""
        return Plan.compile(document, version, self._calendars.opening)

    def _checked(self, document: PlanDocument, version: int) -> Plan:
        """The same for one that is new: the calendars that it names must be there."""
        plan = self.compiled(document, version)
        for rule in document.rules:
            for field, name in (("while_open", rule.while_open), ("while_closed", rule.while_closed)):
                if name and not self._calendars.exists(name):
                    raise Invalid(f"{rule.path}.{field}", f"there is no calendar {name!r}")
        return plan

    def rules_by_calendar(self, calendar: str) -> Sequence[str]:
        """The rules in force that go by a calendar."""
        return [rule.path for rule in self.document.rules if calendar in (rule.while_open, rule.while_closed)]

    def codes(self) -> Sequence[DialledCode]:
        """The rules in force that are codes, in the plan's order."""
        return [code for rule in self.document.rules if (code := dialled_code(rule)) is not None]

    async def change_code(self, session: Session, rule: str, changes: Mapping[str, object], author: str) -> DialledCode:
        """Change `code`, `enabled` or `note` of a rule that is a code: a new version. Raises NotFound and Invalid."""
        document, _ = await self.change(
            session, lambda before: with_code(before, rule, changes), author, f"code {rule} changed"
        )
        changed = dialled_code(rule_at(document, rule)[0])
        assert changed is not None
        return changed

    async def roll_back(self, session: Session, version: int, author: str) -> Plan:
        """Publish an old version again, as a new one. Raises NotFound, and Invalid where this program no longer
        accepts it."""
        old = await self.stored(session, version)
        row = await store.newest(session)
        comment = f"back to version {version}"
        return await self._publish_version(session, store.document_of(old), row, author, comment, version)

    async def stored(self, session: Session, version: int) -> PlanRow:
        """One version as stored. Raises NotFound."""
        row = await store.version(session, version)
        if row is None:
            raise NotFound("version of the dial plan", str(version))
        return row

    def explain(
        self,
        caller: str,
        number: str,
        *,
        at: int | None = None,
        context: str | None = None,
        origin: Origin | None = None,
        proposed: PlanDocument | None = None,
    ) -> Explanation:
        """Where a call would go and why, by the function that routes calls.

        `at`: wall milliseconds, now if None. `origin`: who calls; if None the account whose number `caller` is, else
        a guest. `proposed`: a plan to try instead of the one in force. Raises Invalid for a proposed plan that is bad.
        """
        plan = self.plan if proposed is None else self._checked(proposed, self.plan.version)
        steps: list[RoutingStep] = []
        if origin is None:
            origin = self._callers.origin_of(caller)
        if origin is None:
            origin = Origin("guest", caller, context or OUTSIDE)
            steps.append(RoutingStep("caller", "skipped", f"there is no account {caller!r}: taken as a guest"))
        now = self._clock.wall_ms() if at is None else at
        asked = RouteRequest(number, caller, context or origin.context, origin.kind, origin.name, now)
        taken = course(plan, self._destinations, asked, origin, explain=True)
        steps += taken.steps
        cause, why = end_of(taken, self._destinations)
        destination = taken.destination
        if destination is not None and not taken.ended and destination.kind != "hangup":
            if cause is not None:
                steps.append(RoutingStep(str(destination), "failed", why))
            else:
                prospect = self._destinations.prospect(destination, taken.routed.number, taken.calling)
                steps += prospect.steps
                cause = prospect.cause
        return Explanation(
            destination, taken.routed.number, taken.shown, taken.asked.context, plan.version, cause, steps
        )

    async def replay(
        self, session: Session, history: History, proposed: PlanDocument, since: int, until: int, most: int
    ) -> Replay:
        """Which calls of a time (wall milliseconds) would go elsewhere by another plan; `most` of them in detail.

        Raises Invalid for a proposed plan that is bad."""
        tried = self._checked(proposed, self.plan.version)
        calls = history.between(session, since, until)
        return await replay(calls, self.plan, tried, self._destinations, most)

    async def _publish_version(
        self,
        session: Session,
        document: PlanDocument,
        newest: PlanRow | None,
        author: str,
        comment: str,
        rolled_back_to: int | None,
    ) -> Plan:
        number = newest.version + 1 if newest is not None else 1
        plan = self._checked(document, number)
        now = self._clock.wall_ms()
        await count_change(session, CHANGED)
        session.add(
            PlanRow(
                version=number,
                published_at=now,
                author=author,
                comment=comment[:200],
                rolled_back_to=rolled_back_to,
                document=store.text_of(document),
            )
        )
        try:
            await session.flush()
        except IntegrityError as error:
            raise Conflict("changed-meanwhile", "someone else changed the dial plan just now: try again") from error

        def in_force() -> None:
            self._take(document, plan)
            self._publish(PlanPublished(at=now, version=number, by=author, rolled_back_to=rolled_back_to))

        session.after_commit(in_force)
        return plan

    def _take(self, document: PlanDocument, plan: Plan) -> None:
        self.document, self.plan = document, plan
        for warning in plan.warnings:
            log.warning("the dial plan looks wrong", version=plan.version, warning=warning)
