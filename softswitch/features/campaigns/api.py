"""/api/v1/campaigns, /api/v1/do-not-call, and what an agent looks at: /api/v1/agents/{agent}/preview."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from softswitch.events import CallResult
from softswitch.features.campaigns.model.rules import MOST_ATTRIBUTES, CampaignRules, check_attributes, check_number
from softswitch.features.campaigns.model.upload import MOST_ROWS, NewRecord, read_csv
from softswitch.features.campaigns.service import Campaigns
from softswitch.features.campaigns.store import Stored
from softswitch.kernel.errors import Invalid
from softswitch.platform.auth import Admin, Operator
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Line, Moment, Number, Page, Paging, Writing, wall_ms

Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Milliseconds = Annotated[int, Field(ge=0)]
MOST_BYTES = 5_000_000
"""Of a file."""
_MOST_SHOWN = 100
"""Lines of a file that are no records."""


class RetryIn(Input):
    after_ms: Milliseconds
    most: int = Field(default=100, ge=1, description="so often with this result, and no more")


class DispositionIn(Input):
    then: Literal["done", "again", "never"] = Field(
        default="done", description="the record is closed; comes again; its number is called by nobody any more"
    )
    after_ms: Milliseconds = Field(default=0, description="for `again`")


class Settings(Input):
    """What may be set of a list, each with its default."""

    model_config = ConfigDict(extra="forbid")

    agents: list[Key] = Field(default=[], description="who calls")
    caller_id: Annotated[str, StringConstraints(max_length=64)] = Field(
        default="", description="the number that is shown; empty: the agent's own"
    )
    calendar: Key = Field(default="", description="numbers are called while it is open; empty: at any time")
    preview_ms: Milliseconds = Field(default=60_000, description="how long an agent may look at a record")
    skipped_ms: Milliseconds = Field(default=300_000, description="when a record that was skipped comes again")
    rest_ms: Milliseconds = Field(
        default=60_000, description="how long an agent who did not take one, or whose phone was not answered, gets none"
    )
    attempts: int = Field(default=3, ge=1, le=100, description="so many calls of one number, and no more")
    retry: dict[CallResult, RetryIn] = Field(
        default={
            "busy": RetryIn(after_ms=600_000),
            "no_answer": RetryIn(after_ms=3_600_000),
            "machine": RetryIn(after_ms=14_400_000),
            "cancelled": RetryIn(after_ms=3_600_000),
        },
        description="when a number is called again, by result; it is not after others",
    )
    dispositions: dict[Code, DispositionIn] = Field(default={}, description="by the agent's code; others close it")
    wrap_up_ms: Milliseconds = Field(default=30_000, description="the agent's time after a conversation; 0: none")
    wrap_up_until_done: bool = Field(default=False, description="as long as it needs instead")
    auto_answer: bool = Field(default=False, description="ask the agent's phone to pick up by itself")


class CampaignIn(Settings):
    name: Annotated[str, StringConstraints(max_length=64)]
    mode: Literal["preview", "progressive"] = Field(
        description="an agent looks at each record first; or it is called as soon as an agent is reserved for it"
    )


class CampaignChanges(Changes):
    mode: Literal["preview", "progressive"] = ABSENT
    agents: list[Key] = ABSENT
    caller_id: Annotated[str, StringConstraints(max_length=64)] = ABSENT
    calendar: Key = ABSENT
    preview_ms: Milliseconds = ABSENT
    skipped_ms: Milliseconds = ABSENT
    rest_ms: Milliseconds = ABSENT
    attempts: int = ABSENT
    retry: dict[CallResult, RetryIn] = ABSENT
    dispositions: dict[Code, DispositionIn] = ABSENT
    wrap_up_ms: Milliseconds = ABSENT
    wrap_up_until_done: bool = ABSENT
    auto_answer: bool = ABSENT


class CampaignOut(CampaignIn):
    """A list, and how far it has come."""

    state: Literal["running", "paused", "stopped"]
    open: bool = Field(description="whether its hours are now")
    records: int
    left: int = Field(description="records that are not closed")
    calling: int = Field(description="records that agents have now")
    outcomes: dict[str, int] = Field(description="of the closed: how many by each outcome")


class RecordIn(Input):
    number: Number
    attributes: dict[str, str] = Field(
        default={}, description=f"what is known of whom it is, {MOST_ATTRIBUTES} at most"
    )
    priority: int = Field(default=0, ge=-100, le=100, description="higher goes first")
    not_before: AwareDatetime | None = None


class RecordOut(BaseModel):
    record: int
    number: str
    attributes: dict[str, str]
    priority: int
    state: Literal["waiting", "dialling", "closed"]
    due: Moment = Field(description="of one that waits: not called before")
    attempts: int
    tries: dict[str, int] = Field(description="how often each result was")
    outcome: str = Field(description="why it is closed; of one that waits, the last result")
    code: str = Field(description="what the agent said came of it")
    agent: str = Field(description="who called last")


class LineOut(BaseModel):
    line: int
    message: str


class AddedOut(BaseModel):
    """What became of records that were sent."""

    added: int
    known: int = Field(description="numbers that the list had, or that were sent twice")
    wrong: int = Field(description="lines that are no records")
    lines: list[LineOut] = Field(description=f"the first {_MOST_SHOWN} of those")


class PreviewOut(BaseModel):
    """What an agent looks at, or is called for it now."""

    campaign: str
    record: int
    number: str
    attributes: dict[str, str]
    until: Moment | None = Field(description="null: it was taken, and is called")


class BarIn(Input):
    numbers: list[Number] = Field(min_length=1, max_length=1000)
    reason: Line = ""


class BarredOut(BaseModel):
    number: str
    reason: str
    by: str
    since: Moment


def build_router(campaigns: Campaigns) -> APIRouter:
    """The routes over all lists."""
    router = APIRouter()
    _over_lists(router, campaigns)
    _over_records(router, campaigns)
    _over_agents(router, campaigns)
    _over_barred(router, campaigns)
    return router


def _over_lists(router: APIRouter, campaigns: Campaigns) -> None:
    async def shown(session: Writing, name: str) -> CampaignOut:
        live = campaigns.one(name)
        counts = await campaigns.counts(session, name)
        return CampaignOut(
            **_written(live.rules),
            state=live.state,
            open=live.open,
            records=counts.total,
            left=counts.open,
            calling=counts.calling,
            outcomes=dict(counts.outcomes),
        )

    @router.get("/campaigns", tags=["campaigns"])
    async def list_campaigns(paging: Paging, session: Writing) -> Page[CampaignOut]:
        """The lists, by name, and how far each has come."""
        after = paging.after(str) or ""
        names = [name for name in campaigns.lists() if name > after][: paging.limit + 1]
        rows = [await shown(session, name) for name in names]
        return paging.page(rows, lambda row: row.name, lambda row: row)

    @router.post("/campaigns", tags=["campaigns"], status_code=201)
    async def create_campaign(body: CampaignIn, session: Writing, who: Admin) -> CampaignIn:
        """Add a list, stopped and without records."""
        rules = _read(body.model_dump())
        await campaigns.create(session, rules)
        return CampaignIn(**_written(rules))

    @router.get("/campaigns/{name}", tags=["campaigns"])
    async def get_campaign(name: Key, session: Writing) -> CampaignOut:
        """One list."""
        return await shown(session, name)

    @router.patch("/campaigns/{name}", tags=["campaigns"])
    async def change_campaign(name: Key, body: CampaignChanges, session: Writing, who: Admin) -> CampaignIn:
        """Change what the body names. Calls that are under way go on."""

        def edit(rules: CampaignRules) -> CampaignRules:
            return _read(CampaignIn(**_written(rules) | body.named()).model_dump())

        return CampaignIn(**_written(await campaigns.change(session, name, edit)))

    @router.delete("/campaigns/{name}", tags=["campaigns"], status_code=204)
    async def delete_campaign(name: Key, session: Writing, who: Admin) -> None:
        """Delete a list that does not run, with its records."""
        await campaigns.remove(session, name)

    @router.post("/campaigns/{name}/run", tags=["campaigns"], status_code=204)
    async def run(name: Key, session: Writing, who: Operator) -> None:
        """Call its numbers from now on, within its hours."""
        await campaigns.set_state(session, name, "running", who.name)

    @router.post("/campaigns/{name}/pause", tags=["campaigns"], status_code=204)
    async def pause(name: Key, session: Writing, who: Operator) -> None:
        """Call nobody until it is run again. Calls that are under way go on, and agents keep what they look at."""
        await campaigns.set_state(session, name, "paused", who.name)

    @router.post("/campaigns/{name}/stop", tags=["campaigns"], status_code=204)
    async def stop(name: Key, session: Writing, who: Operator) -> None:
        """The same, and what agents look at is taken back."""
        await campaigns.set_state(session, name, "stopped", who.name)


def _over_records(router: APIRouter, campaigns: Campaigns) -> None:
    @router.get("/campaigns/{name}/records", tags=["campaigns"])
    async def list_records(
        name: Key,
        paging: Paging,
        session: Writing,
        state: Annotated[Literal["waiting", "dialling", "closed"] | None, Query()] = None,
    ) -> Page[RecordOut]:
        """Its records, as they were added; all, or those in one state."""
        rows = await campaigns.records(session, name, state, paging.after(int) or 0, paging.limit + 1)
        return paging.page(rows, lambda row: row.entry.id, _show)

    @router.post("/campaigns/{name}/records", tags=["campaigns"], status_code=201)
    async def add_records(name: Key, body: list[RecordIn], session: Writing, who: Operator) -> AddedOut:
        """Add records; a number that the list has is passed over."""
        if len(body) > MOST_ROWS:
            raise Invalid("body", f"{MOST_ROWS} records may be added at once")
        records = []
        for number, each in enumerate(body):
            check_number(each.number, f"{number}.number")
            check_attributes(each.attributes, f"{number}.attributes")
            records.append(NewRecord(each.number, each.attributes, each.priority, wall_ms(each.not_before) or 0))
        added, known = await campaigns.add(session, name, records)
        return AddedOut(added=added, known=known, wrong=0, lines=[])

    @router.post("/campaigns/{name}/records/upload", tags=["campaigns"], status_code=201)
    async def upload(name: Key, request: Request, session: Writing, who: Operator) -> AddedOut:
        """Add the records of a CSV file in UTF-8, the body of the request. Its first line names the columns: `number`,
        `priority` where wanted, and attributes. Lines that are no records are told, and the others added."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise Invalid("body", f"a file may have {MOST_BYTES} bytes; send the rest in another")
        try:
            records, wrong = await asyncio.to_thread(read_csv, body.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise Invalid("body", "this is not UTF-8") from error
        added, known = await campaigns.add(session, name, records)
        lines = [LineOut(line=each.line, message=each.message) for each in wrong[:_MOST_SHOWN]]
        return AddedOut(added=added, known=known, wrong=len(wrong), lines=lines)

    @router.get("/campaigns/{name}/records/{record}", tags=["campaigns"])
    async def get_record(name: Key, record: int, session: Writing) -> RecordOut:
        """One record."""
        return _show(await campaigns.record(session, name, record))

    @router.delete("/campaigns/{name}/records/{record}", tags=["campaigns"], status_code=204)
    async def close_record(name: Key, record: int, who: Operator) -> None:
        """Call a number no more that no agent has now. The record stays, closed as `removed`."""
        campaigns.close(name, record)


def _over_agents(router: APIRouter, campaigns: Campaigns) -> None:
    @router.get("/agents/{agent}/preview", tags=["agents"])
    async def get_preview(agent: Key) -> PreviewOut:
        """The record that an agent looks at, or that is called for it."""
        preview = campaigns.preview(agent)
        return PreviewOut(
            campaign=preview.campaign,
            record=preview.record,
            number=preview.number,
            attributes=dict(preview.attached),
            until=preview.until or None,  # type: ignore[arg-type]  # read as a time
        )

    @router.post("/agents/{agent}/preview/accept", tags=["agents"], status_code=202)
    async def accept(agent: Key, who: Operator) -> None:
        """Call the number: the agent's phone is rung first."""
        campaigns.accept(agent)

    @router.post("/agents/{agent}/preview/skip", tags=["agents"], status_code=204)
    async def skip(agent: Key, who: Operator) -> None:
        """Do not, for now."""
        campaigns.skip(agent)


def _over_barred(router: APIRouter, campaigns: Campaigns) -> None:
    @router.get("/do-not-call", tags=["campaigns"])
    async def list_barred(paging: Paging, session: Writing) -> Page[BarredOut]:
        """Numbers that no list calls."""
        rows = await campaigns.barring.page(session, paging.after(str) or "", paging.limit + 1)
        return paging.page(
            rows,
            lambda row: campaigns.barring.compared(row.number),
            lambda row: BarredOut(number=row.number, reason=row.reason, by=row.by, since=row.at),  # type: ignore[arg-type]  # read as a time
        )

    @router.post("/do-not-call", tags=["campaigns"], status_code=204)
    async def bar(body: BarIn, session: Writing, who: Operator) -> None:
        """Let no list call these numbers, from now on. A call that is under way goes on."""
        await campaigns.barring.add(session, body.numbers, body.reason, who.name)

    @router.delete("/do-not-call/{number}", tags=["campaigns"], status_code=204)
    async def unbar(number: Key, session: Writing, who: Operator) -> None:
        """Let it be called again. Records that were closed for it stay closed."""
        await campaigns.barring.remove(session, number)


def _read(values: dict[str, Any]) -> CampaignRules:
    return msgspec.convert(values, CampaignRules)


def _written(rules: CampaignRules) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.to_builtins(rules)
    return written


def _show(stored: Stored) -> RecordOut:
    entry = stored.entry
    return RecordOut(
        record=entry.id,
        number=entry.number,
        attributes=dict(stored.attributes),
        priority=entry.priority,
        state=entry.state,
        due=entry.due,  # type: ignore[arg-type]  # read as a time
        attempts=entry.attempts,
        tries=entry.tries,
        outcome=entry.outcome,
        code=entry.code,
        agent=entry.agent,
    )
