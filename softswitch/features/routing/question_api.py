"""/api/v1/routes/explain and /api/v1/routes/replay: what a plan would do."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.routing import store
from softswitch.features.routing.needs import History
from softswitch.features.routing.replay import Rerouted, Way
from softswitch.features.routing.service import DialPlan
from softswitch.features.routing.shapes import NewPlan
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid
from softswitch.platform.call_shapes import CallTime
from softswitch.platform.rest import Input, Reading, moment, wall_ms


class Question(Input):
    """Where would this call go?"""

    from_: str = Field(alias="from", max_length=256, examples=["1001"])
    to: str = Field(max_length=256, examples=["81234"])
    at: datetime | None = Field(default=None, description="null: now; without a zone it is UTC")
    context: str | None = Field(default=None, description="null: the caller's own")
    origin: str | None = Field(
        default=None,
        pattern="^(account|trunk|guest|api)/.+$",
        description="`trunk/uas` for a call that comes from there; null: the account whose number `from` is",
    )
    plan: NewPlan | None = Field(default=None, description="try this plan instead of the one in force")


class DestinationOut(BaseModel):
    kind: str
    name: str


class StepOut(BaseModel):
    """One rule as it was tried."""

    rule: str
    result: str
    reason: str


class ExplanationOut(BaseModel):
    """Where the call would go, and why."""

    destination: DestinationOut | None
    number: str
    """As it would be called, after rewriting."""
    caller: str
    """As it would be shown."""
    context: str
    plan_version: int
    cause: str | None
    """What the call would end with at once; null: it would go on."""
    cause_code: int | None
    steps: list[StepOut]


class Replaying(Input):
    """Which calls of the past would go elsewhere by another plan?"""

    plan: NewPlan | None = Field(default=None, description="the plan to try; else name a `version`")
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="a version that was published before")
    since: datetime = Field(description="calls that began then or later; without a zone it is UTC")
    until: datetime | None = Field(default=None, description="and before this; null: until now")
    limit: int = Field(default=100, ge=1, le=1000, description="how many to list; all are counted")


class WayOut(BaseModel):
    """Where a plan sends a call."""

    destination: DestinationOut | None
    number: str
    caller: str
    cause: str | None


class ReroutedOut(BaseModel):
    """A call that would go elsewhere."""

    call_id: str
    started_at: CallTime
    from_: str = Field(alias="from")
    to: str
    origin: DestinationOut
    context: str
    recorded: DestinationOut | None = Field(description="where it was last sent then")
    in_force: WayOut = Field(description="where the plan in force would send it")
    tried: WayOut = Field(description="where the other plan would")
    steps: list[StepOut] = Field(description="why, by the other plan")


class ReplayOut(BaseModel):
    """What a replay has shown."""

    calls: int
    elsewhere: int
    plan_version: int = Field(description="of the plan in force, which the other was compared with")
    items: list[ReroutedOut]


def router_for(dial_plan: DialPlan, history: History) -> APIRouter:
    """The paths, bound to the plan in force and the calls that were."""
    router = APIRouter(prefix="/routes", tags=["routes"])

    @router.post("/explain")
    async def explain(body: Question) -> ExplanationOut:
        """Where a call would go, each rule that was tried with its reason, by the function that routes calls."""
        origin = None
        if body.origin is not None:
            kind, _, name = body.origin.partition("/")
            origin = Origin(kind, name, body.context or "default")
        said = dial_plan.explain(
            body.from_,
            body.to,
            at=wall_ms(body.at),
            context=body.context,
            origin=origin,
            proposed=body.plan.document() if body.plan is not None else None,
        )
        return ExplanationOut(
            destination=_destination(said.destination),
            number=said.number,
            caller=said.caller,
            context=said.context,
            plan_version=said.version,
            cause=said.cause.text if said.cause is not None else None,
            cause_code=int(said.cause) if said.cause is not None else None,
            steps=_steps(said.steps),
        )

    @router.post("/replay")
    async def replay(body: Replaying, session: Reading) -> ReplayOut:
        """The calls of a time against a plan that is not in force: each that would go elsewhere."""
        if (body.plan is None) == (body.version is None):
            raise Invalid("plan", "give either a plan or a version")
        if body.version is not None:
            tried = store.document_of(await dial_plan.stored(session, body.version))
        else:
            assert body.plan is not None
            tried = body.plan.document()
        since, until = wall_ms(body.since), 2**53 if body.until is None else wall_ms(body.until)
        if until <= since:
            raise Invalid("until", "must be later than since")
        found = await dial_plan.replay(session, history, tried, since, until, body.limit)
        return ReplayOut(
            calls=found.calls,
            elsewhere=found.elsewhere,
            plan_version=dial_plan.plan.version,
            items=[_rerouted(call) for call in found.rerouted],
        )

    return router


def _destination(destination: Destination | None) -> DestinationOut | None:
    return DestinationOut(**destination._asdict()) if destination is not None else None


def _steps(steps: Sequence[RoutingStep]) -> list[StepOut]:
    return [StepOut(rule=step.rule, result=step.result, reason=step.reason) for step in steps]


def _way(way: Way) -> WayOut:
    return WayOut(
        destination=_destination(way.destination),
        number=way.number,
        caller=way.caller,
        cause=way.cause.text if way.cause is not None else None,
    )


def _rerouted(found: Rerouted) -> ReroutedOut:
    call = found.call
    return ReroutedOut(
        call_id=call.call,
        started_at=moment(call.at),
        **{"from": call.from_},
        to=call.to,
        origin=DestinationOut(**call.origin._asdict()),
        context=call.context,
        recorded=_destination(call.destination),
        in_force=_way(found.now),
        tried=_way(found.then),
        steps=_steps(found.steps),
    )
