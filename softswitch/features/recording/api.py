"""/api/v1/recordings, /calls/{id}/recordings: what was and is recorded; /recording-policies: whose calls are."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from softswitch.features.recording import store
from softswitch.features.recording.model import Format, Layout, Mask, Mode, Policy, Recording, State
from softswitch.features.recording.rules_api import add_rules
from softswitch.features.recording.service import Recordings
from softswitch.features.recording.store import RecordingQuery
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.audit import Audit
from softswitch.platform.auth import Admin, Operator
from softswitch.platform.rest import Input, Key, Moment, Page, Paging, Reading, Writing, wall_ms

_TYPES = {"wav": "audio/wav", "opus": "audio/ogg"}


class RecordingOut(BaseModel):
    """One recording."""

    id: str
    call_id: str = Field(validation_alias="call")
    leg: str
    account: str = Field(description="whose leg it is; empty: no account's")
    from_: str = Field(validation_alias="from_number", serialization_alias="from")
    to: str = Field(validation_alias="to_number")
    by: str = Field(description="`policy`, `rule`, `code`, or who ordered it")
    rule: str = Field(description="by which rule")
    queue: str = Field(description="the queue that brought the two together who talk")
    stay: int = Field(description="the caller's stay there; 0: none")
    agent: str
    started_at: Moment
    ended_at: Moment | None
    state: State
    layout: Layout
    format: Format
    milliseconds: int = Field(description="of sound in the file")
    bytes: int = Field(validation_alias="size")
    lost_ms: int = Field(description="of sound that could not be written")
    note: str = Field(description="what went wrong")
    expires_at: Moment | None = Field(description="when it is deleted; null: never")


class NewRecording(Input):
    """What is to be recorded of a call. What is left out is as the account's policy says."""

    leg: str | None = Field(default=None, max_length=80, description="whose sound; left out: the caller's leg")
    layout: Layout | None = Field(
        default=None,
        description="`said`: what the party says; `mixed`: and what it hears, in one channel; `stereo`: left and right",
    )
    format: Format | None = None
    consent_tone: bool | None = Field(default=None, description="whether the parties hear a tone first")


class PauseAsked(Input):
    mask: Mask = Field(default="silence", description="what stands for what is left out; `cut`: nothing")


class Kept(Input):
    """How long a recording is kept."""

    expires_at: datetime | None = Field(description="when it is deleted; null: never")


class PolicyIn(Input):
    """What is recorded of an account's calls."""

    mode: Mode = Field(
        description="`on-demand`: when the party presses the code for it; `all` and `percentage`: from the answer on"
    )
    percentage: int = Field(default=100, ge=0, le=100, description="of how many of a hundred calls, by `percentage`")
    layout: Layout = "stereo"
    format: Format = "wav"
    consent_tone: bool = Field(default=False, description="whether the parties hear a tone when it begins")
    keep_days: int = Field(default=0, ge=0, le=36_500, description="days until a recording is deleted; 0: never")


class PolicyOut(PolicyIn):
    account: str = Field(description="its number, or `default`: of all that have no policy of their own")


def build_router(recordings: Recordings) -> APIRouter:
    """The routes. Who hears of recordings must be an operator; who deletes them or says what is recorded, an
    administrator."""
    router = APIRouter(tags=["recordings"])

    async def settle() -> None:
        await recordings.settled()

    # Before the session of the request, which on SQLite keeps the log from being written.
    settled = [Depends(settle)]

    @router.post("/calls/{call_id}/recordings", status_code=201)
    async def start(call_id: Key, who: Operator, body: NewRecording = _AS_THE_POLICY_SAYS) -> RecordingOut:
        """Record a live call, from now to the end of the leg."""
        return _show(
            recordings.start(
                CallId(call_id),
                LegId(body.leg) if body.leg is not None else None,
                who.name,
                layout=body.layout,
                format=body.format,
                consent_tone=body.consent_tone,
            )
        )

    @router.get("/calls/{call_id}/recordings", dependencies=settled)
    async def of_call(call_id: Key, paging: Paging, session: Reading, who: Operator) -> Page[RecordingOut]:
        """The recordings of a call, live or ended, the newest first."""
        return await _page(session, paging, RecordingQuery(call=CallId(call_id)))

    @router.get("/recordings", dependencies=settled)
    async def list_(
        paging: Paging,
        session: Reading,
        who: Operator,
        since: Annotated[datetime | None, Query(description="begun then or later")] = None,
        until: Annotated[datetime | None, Query(description="begun before")] = None,
        number: Annotated[str | None, Query(max_length=200, description="who called or was called")] = None,
        account: Annotated[str | None, Query(max_length=64, description="whose leg it is")] = None,
        call: Annotated[str | None, Query(max_length=64)] = None,
        state: State | None = None,
        queue: Annotated[str | None, Query(max_length=64, description="that brought the two together")] = None,
        agent: Annotated[str | None, Query(max_length=64)] = None,
        stay: Annotated[int | None, Query(ge=0, lt=2**63, description="in a queue")] = None,
        rule: Annotated[str | None, Query(max_length=64, description="by which it was recorded")] = None,
    ) -> Page[RecordingOut]:
        """Recordings, the newest first."""
        query = RecordingQuery(
            since=wall_ms(since),
            until=wall_ms(until),
            number=number,
            account=account,
            call=CallId(call) if call is not None else None,
            state=state,
            queue=queue,
            agent=agent,
            stay=stay,
            rule=rule,
        )
        return await _page(session, paging, query)

    @router.get("/recordings/{recording}", dependencies=settled)
    async def get(recording: Key, session: Reading, who: Operator) -> RecordingOut:
        """One recording."""
        return _show(await _find(session, recording))

    @router.get("/recordings/{recording}/sound", response_class=FileResponse, dependencies=settled)
    async def sound(recording: Key, session: Reading, who: Operator, request: Request) -> FileResponse:
        """The file. Who took it is noted in the audit log."""
        found = await _find(session, recording)
        if found.live:
            raise Conflict("still-recording", f"{recording} has not ended")
        path = recordings.files.present(found.file)
        audit: Audit | None = request.app.state.audit
        if audit is not None:
            source = request.client.host if request.client else ""
            audit.note(who=who.name, source=source, action=f"GET {request.url.path}", status=200)
        return FileResponse(path, media_type=_TYPES[found.format], filename=path.name)

    @router.post("/recordings/{recording}/pause")
    async def pause(recording: Key, who: Operator, body: PauseAsked = _SILENCE) -> RecordingOut:
        """Leave out what is said from now on, such as the number of a card: it gets into no file."""
        return _show(recordings.pause(recording, body.mask))

    @router.post("/recordings/{recording}/resume")
    async def resume(recording: Key, who: Operator) -> RecordingOut:
        """Go on."""
        return _show(recordings.resume(recording))

    @router.post("/recordings/{recording}/stop")
    async def stop(recording: Key, who: Operator) -> RecordingOut:
        """End it; the call goes on."""
        return _show(recordings.stop(recording))

    @router.patch("/recordings/{recording}", dependencies=settled)
    async def keep(recording: Key, body: Kept, session: Writing, who: Admin) -> RecordingOut:
        """Set when it is deleted."""
        return _show(await recordings.keep(session, recording, wall_ms(body.expires_at)))

    @router.delete("/recordings/{recording}", status_code=204, dependencies=settled)
    async def delete(recording: Key, session: Writing, who: Admin) -> None:
        """Delete it and its file."""
        await recordings.delete(session, recording)

    @router.get("/recording-policies")
    async def policies(paging: Paging, who: Operator) -> Page[PolicyOut]:
        """What was set, by account."""
        after = paging.after(str)
        rows = [each for each in recordings.policies() if after is None or each.account > after][: paging.limit + 1]
        return paging.page(rows, lambda policy: policy.account, _policy)

    @router.get("/recording-policies/{account}")
    async def policy(account: Key, who: Operator) -> PolicyOut:
        """What holds for an account, set for it or for all."""
        return _policy(recordings.policy(account))

    @router.put("/recording-policies/{account}")
    async def set_policy(account: Key, body: PolicyIn, session: Writing, who: Admin) -> PolicyOut:
        """Set what is recorded of an account's calls, or with `default` of all that have no policy of their own."""
        policy = Policy(account=account, **body.model_dump())
        await recordings.set_policy(session, policy)
        return _policy(policy)

    @router.delete("/recording-policies/{account}", status_code=204)
    async def remove_policy(account: Key, session: Writing, who: Admin) -> None:
        """What holds for all holds for the account again."""
        await recordings.remove_policy(session, account)

    add_rules(router, recordings.rules)
    return router


_AS_THE_POLICY_SAYS = NewRecording()
_SILENCE = PauseAsked()


async def _page(session: Reading, paging: Paging, query: RecordingQuery) -> Page[RecordingOut]:
    rows = await store.page(session, query, paging.after(int, str), paging.limit + 1)
    return paging.page(rows, lambda each: (each.started_at, each.id), _show)


async def _find(session: Reading, recording: str) -> Recording:
    found = await store.find(session, recording)
    if found is None:
        raise NotFound("recording", recording)
    return found


def _show(recording: Recording) -> RecordingOut:
    return RecordingOut.model_validate(recording, from_attributes=True)


def _policy(policy: Policy) -> PolicyOut:
    return PolicyOut.model_validate(policy, from_attributes=True)
