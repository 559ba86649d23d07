"""/api/v1/flows: what callers hear, its drafts and versions, and where callers leave it."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from softswitch.features.ivr import source, store
from softswitch.features.ivr.journey import Published
from softswitch.features.ivr.model import report
from softswitch.features.ivr.model.document import FLOW_NAME
from softswitch.features.ivr.model.finding import Finding
from softswitch.features.ivr.model.tree import MOST_CHARACTERS
from softswitch.features.ivr.needs import Parts, Sounds
from softswitch.features.ivr.service import IvrFlows
from softswitch.features.ivr.simulator import Prompts, simulate
from softswitch.features.ivr.tables import DraftRow, PathRow, VersionRow
from softswitch.kernel.errors import NotFound
from softswitch.platform.auth import Admin
from softswitch.platform.rest import Input, Key, Moment, Page, Paging, Reading, Writing, moment, wall_ms

MOST_PATHS = 50_000
"""That one report looks at: the newest of the period."""

FlowName = Annotated[str, Path(pattern=FLOW_NAME)]
Source = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, description="the flow in YAML")]
Comment = Annotated[str, Field(max_length=200)]


class FlowOut(BaseModel):
    """A flow in force."""

    name: str
    title: str
    language: str
    """`yaml`, or `python`: such ship with the switch, and are changed in its files."""
    version: int
    """0: as it ships."""


class FlowInFull(FlowOut):
    source: str


class DraftOut(BaseModel):
    """A flow that is being written."""

    name: str
    changed_at: Moment
    author: str
    source: str


class VersionOut(BaseModel):
    """A version as it was published."""

    version: int
    published_at: Moment
    author: str
    comment: str
    rolled_back_to: int | None
    withdrawn: bool


class VersionInFull(VersionOut):
    source: str


class FindingOut(BaseModel):
    """Something that is wrong with a flow."""

    line: int
    node: str
    message: str
    warning: bool
    """Whether it may be stored all the same."""


class NewDraft(Input):
    source: Source


class Publication(Input):
    source: Source | None = Field(default=None, description="null: the draft")
    comment: Comment = ""


class Rollback(Input):
    version: int = Field(ge=1, le=2**31 - 1)


class ScriptedCaller(Input):
    """A caller who exists on paper."""

    press: str = Field(default="", max_length=500, examples=["1,,9"], description="a comma waits a second")
    at: datetime | None = Field(default=None, description="null: now; without a zone it is UTC")
    from_: str = Field(default="1001", alias="from", max_length=64)
    language: str = Field(default="en", pattern="^(en|zh)$")
    draft: bool = Field(default=False, description="the draft instead of what is in force")


class LineOut(BaseModel):
    after: float
    """Seconds from the beginning of the call."""
    what: str
    text: str


class StepOut(BaseModel):
    """A node that a call came through."""

    node: str
    kind: str
    after_ms: int
    result: str


class SimulationOut(BaseModel):
    """What a caller would hear, and where it would go."""

    lines: list[LineOut]
    steps: list[StepOut]
    destination: str | None


class PathOut(BaseModel):
    """A call's way through a flow."""

    call_id: str
    version: int
    began_at: Moment
    ended_at: Moment
    outcome: str
    """`transferred`, `ended`, `left`, `refused` or `failed`."""
    destination: str
    language: str
    steps: list[StepOut]


class NodeOut(BaseModel):
    """What became of calls at a node."""

    node: str
    kind: str
    calls: int
    visits: int
    left: int
    """Calls whose callers hung up there."""
    drop_off: float
    """The part of the calls that came to it."""
    seconds: float
    """Of one visit, on average."""
    results: dict[str, int]


class ReportOut(BaseModel):
    """Where callers leave a flow."""

    calls: int
    complete: bool
    """False: there were more, and the newest are told of."""
    outcomes: dict[str, int]
    nodes: list[NodeOut]


def router_for(flows: IvrFlows, sounds: Sounds) -> APIRouter:
    """The paths, bound to the flows in force."""
    router = APIRouter(prefix="/flows", tags=["flows"])

    def in_force(name: str) -> Published:
        published = flows.live.get(name)
        if published is None:
            raise NotFound("flow", name)
        return published

    @router.get("")
    async def list_(paging: Paging) -> Page[FlowOut]:
        """The flows that calls may enter, by name."""
        after = paging.after(str) or ""
        names = sorted(name for name in flows.live if name > after)[: paging.limit + 1]
        return paging.page(names, str, lambda name: FlowOut.model_validate(flows.live[name], from_attributes=True))

    @router.post("/check")
    async def check(body: NewDraft, who: Admin) -> list[FindingOut]:
        """What is wrong with a flow; nothing is stored."""
        return [_finding(finding) for finding in flows.check(body.source, "flow")]

    @router.get("/{name}")
    async def get(name: FlowName) -> FlowInFull:
        """A flow in force."""
        return FlowInFull.model_validate(in_force(name), from_attributes=True)

    @router.delete("/{name}", status_code=204)
    async def withdraw(name: FlowName, session: Writing, who: Admin) -> None:
        """Let calls go no more by what was published: what ships under this name is in force again, if anything does.
        Versions stay, and can be rolled back to."""
        await flows.withdraw(session, name, who.name)

    # Drafts and versions ------------------------------------------------------------------------------------

    @router.get("/{name}/draft")
    async def get_draft(name: FlowName, session: Reading) -> DraftOut:
        """What is being written."""
        return _draft(await flows.draft(session, name))

    @router.put("/{name}/draft")
    async def put_draft(name: FlowName, body: NewDraft, session: Writing, who: Admin) -> DraftOut:
        """Keep a draft, if nothing is wrong with it."""
        return _draft(await flows.write_draft(session, name, body.source, who.name))

    @router.delete("/{name}/draft", status_code=204)
    async def delete_draft(name: FlowName, session: Writing, who: Admin) -> None:
        """Throw a draft away."""
        await flows.draft(session, name)
        await store.remove_draft(session, name)

    @router.post("/{name}/publish", status_code=201)
    async def publish(name: FlowName, body: Publication, session: Writing, who: Admin) -> VersionOut:
        """Let every call that comes from now on go by the draft, or by what the body brings."""
        if body.source is None:
            row = await flows.publish_draft(session, name, who.name, body.comment)
        else:
            row = await flows.publish_source(session, name, body.source, who.name, body.comment)
        return _version(row)

    @router.post("/{name}/rollback", status_code=201)
    async def roll_back(name: FlowName, body: Rollback, session: Writing, who: Admin) -> VersionOut:
        """Publish an old version again, as a new one."""
        return _version(await flows.roll_back(session, name, body.version, who.name))

    @router.get("/{name}/versions")
    async def versions(name: FlowName, paging: Paging, session: Reading) -> Page[VersionOut]:
        """What was published, the newest first."""
        rows = await store.versions(session, name, paging.after(int), paging.limit + 1)
        if not rows:
            in_force(name)
        return paging.page(rows, lambda row: row.version, _version)

    @router.get("/{name}/versions/{version}")
    async def version(
        name: FlowName, version: Annotated[int, Path(ge=1, le=2**31 - 1)], session: Reading
    ) -> VersionInFull:
        """One version."""
        row = await flows.stored(session, name, version)
        return VersionInFull(**_version(row).model_dump(), source=row.source)

    # Callers ------------------------------------------------------------------------------------------------

    @router.post("/{name}/simulate")
    async def simulated(name: FlowName, body: ScriptedCaller, session: Reading, who: Admin) -> SimulationOut:
        """What a scripted caller would hear, by the calendars and destinations of this switch. Web services, databases
        and queues are not asked: what needs them comes to nothing."""
        live = dict(flows.live)
        if body.draft:
            live[name] = source.from_yaml((await flows.draft(session, name)).source, name, 0)
        parts = Parts(places=flows.parts.places, calendars=flows.parts.calendars)
        # A loop of its own, on which no time goes by, needs a thread of its own.
        done = await asyncio.to_thread(
            simulate,
            name,
            live,
            Prompts(sounds.in_language, sounds.text, sounds.seconds),
            at_ms=wall_ms(body.at or datetime.now(UTC)),
            press=body.press,
            parts=parts,
            caller=body.from_,
            language=body.language,
        )
        return SimulationOut(
            lines=[LineOut(**line._asdict()) for line in done.lines],
            steps=[StepOut.model_validate(step, from_attributes=True) for step in done.path.steps],
            destination=None if done.destination is None else str(done.destination),
        )

    @router.get("/{name}/paths")
    async def paths(
        name: FlowName,
        paging: Paging,
        session: Reading,
        since: datetime | None = None,
        until: datetime | None = None,
        call_id: Annotated[Key | None, Query()] = None,
    ) -> Page[PathOut]:
        """The ways that calls took, the newest first. A path is there within a second of its end."""
        rows = await store.paths(
            session,
            name,
            since=wall_ms(since),
            until=wall_ms(until),
            call=call_id,
            before=paging.after(int, str),
            limit=paging.limit + 1,
        )
        return paging.page(rows, lambda row: (row.began_at, row.id), _path)

    @router.get("/{name}/report")
    async def drop_off(
        name: FlowName, session: Reading, since: datetime | None = None, until: datetime | None = None
    ) -> ReportOut:
        """By node: how many calls came to it, what came of it, and how many callers hung up there."""
        rows = await store.paths(session, name, since=wall_ms(since), until=wall_ms(until), limit=MOST_PATHS + 1)
        complete, rows = len(rows) <= MOST_PATHS, rows[:MOST_PATHS]
        outcomes: dict[str, int] = {}
        for row in rows:
            outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
        figures = report.figures((row.ended_at - row.began_at, row.outcome, store.steps_of(row)) for row in rows)
        return ReportOut(calls=len(rows), complete=complete, outcomes=outcomes, nodes=[_node(each) for each in figures])

    return router


def _draft(row: DraftRow) -> DraftOut:
    return DraftOut(name=row.flow, changed_at=moment(row.changed_at), author=row.author, source=row.source)


def _version(row: VersionRow) -> VersionOut:
    return VersionOut(
        version=row.version,
        published_at=moment(row.published_at),
        author=row.author,
        comment=row.comment,
        rolled_back_to=row.rolled_back_to,
        withdrawn=not row.source,
    )


def _finding(finding: Finding) -> FindingOut:
    return FindingOut(**finding._asdict())


def _path(row: PathRow) -> PathOut:
    return PathOut(
        call_id=row.call,
        version=row.version,
        began_at=moment(row.began_at),
        ended_at=moment(row.ended_at),
        outcome=row.outcome,
        destination=row.destination,
        language=row.language,
        steps=[StepOut.model_validate(step, from_attributes=True) for step in store.steps_of(row)],
    )


def _node(figures: report.NodeFigures) -> NodeOut:
    return NodeOut(
        node=figures.node,
        kind=figures.kind,
        calls=figures.calls,
        visits=figures.visits,
        left=figures.left,
        drop_off=round(figures.left / figures.calls, 4),
        seconds=round(figures.seconds / figures.visits, 3),
        results=figures.results,
    )
