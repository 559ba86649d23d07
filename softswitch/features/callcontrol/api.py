"""/api/v1/calls: live calls, and every call's trace. /api/v1/events: the stream of facts."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from softswitch.events import Fact
from softswitch.features.callcontrol.model import CallView, LegView, Trace, as_text
from softswitch.features.callcontrol.service import Calls
from softswitch.features.callcontrol.stream import EventStream, Listener, Wanted
from softswitch.kernel.errors import Invalid
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.auth import Operator
from softswitch.platform.call_shapes import (
    CallOutline,
    CallTime,
    MediaOut,
    PartyOut,
    TroubleOut,
    VideoOut,
    media_out,
    video_out,
)
from softswitch.platform.rest import Input, Line, Name, Number, Page, Paging, moment


class LegOut(PartyOut):
    """One party's half of a live call."""

    state: Literal["invited", "ringing", "up", "ended"]
    held: bool
    started_at: CallTime
    answered_at: CallTime | None


class CallOut(CallOutline):
    """A live call."""

    state: Literal["routing", "ringing", "talking", "held"]
    legs: list[LegOut]


class NewCall(Input):
    """Ring an account's phones; when one answers, route `to` as if the account had dialled it."""

    from_: Number = Field(alias="from", examples=["1001"])
    to: Number = Field(examples=["1002"])
    auto_answer: bool = Field(default=False, description="ask the account's phone to pick up by itself")
    data: dict[Name, Line] = Field(
        default={}, max_length=20, description="of its matter: what an agent is shown to whom a queue gives the call"
    )


class TransferAsked(Input):
    """Send a party of a call on to a number."""

    to: Number = Field(examples=["1003"])
    leg: str | None = Field(default=None, description="the party that is sent on; the caller where none is named")


class HoldAsked(Input):
    """Which party holds whom it talks with."""

    leg: str | None = Field(default=None, description="the party that holds; the caller where none is named")

    @property
    def leg_id(self) -> LegId | None:
        return None if self.leg is None else LegId(self.leg)


_CALLER = HoldAsked()


class ConferenceAsked(Input):
    """Which other call's parties come in."""

    call: str = Field(description="the other call; an account that is in both is there once")


class CallMade(BaseModel):
    call_id: str


class StepOut(BaseModel):
    rule: str
    result: str
    reason: str


class DecisionOut(BaseModel):
    """Where the call was sent, and why."""

    at: CallTime
    by: str
    destination: str | None
    plan_version: int | None
    steps: list[StepOut]


class LadderLineOut(BaseModel):
    """One message, or a note of the switch's."""

    at: CallTime
    after_ms: int
    """Since the call began."""
    leg: str
    direction: str
    """`in`: from the party; `out`: to it; `note`: inside the switch."""
    what: str


class LegTraceOut(PartyOut):
    ended_at: CallTime | None
    cause: str | None
    status: int | None
    by_party: bool
    media: MediaOut | None
    video: list[VideoOut] = Field(description="its video lines, once it has ended")


class TraceOut(BaseModel):
    """All that is known of a call."""

    call_id: str
    live: bool
    from_: str = Field(serialization_alias="from")
    to: str
    started_at: CallTime
    answered_at: CallTime | None
    ended_at: CallTime | None
    cause: str | None
    note: str
    decisions: list[DecisionOut]
    ladder: list[LadderLineOut]
    legs: list[LegTraceOut]
    trouble: list[TroubleOut]


def router_for(calls: Calls, stream: EventStream) -> APIRouter:
    """The paths."""
    router = APIRouter()

    @router.get("/calls", tags=["calls"])
    async def list_(paging: Paging) -> Page[CallOut]:
        """The calls there are now, oldest first."""
        rows = calls.all(paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda call: call.call_id, _call)

    @router.post("/calls", tags=["calls"], status_code=201)
    async def originate(body: NewCall, who: Operator) -> CallMade:
        """Place a call from an account."""
        return CallMade(call_id=calls.originate(body.from_, body.to, auto_answer=body.auto_answer, data=body.data))

    @router.get("/calls/{call_id}", tags=["calls"])
    async def get(call_id: str) -> CallOut:
        """A live call."""
        return _call(calls.one(CallId(call_id)))

    @router.delete("/calls/{call_id}", tags=["calls"], status_code=204)
    async def hang_up(call_id: str, who: Operator) -> None:
        """End a live call."""
        calls.hang_up(CallId(call_id))

    @router.post("/calls/{call_id}/transfer", tags=["calls"], status_code=202)
    async def transfer(call_id: str, body: TransferAsked, who: Operator) -> None:
        """Send a party on to a number. Who it talks with is let go when that answers, and gets it back otherwise."""
        calls.transfer(CallId(call_id), body.to, LegId(body.leg) if body.leg is not None else None)

    @router.post("/calls/{call_id}/hold", tags=["calls"], status_code=204)
    async def hold(call_id: str, who: Operator, body: HoldAsked = _CALLER) -> None:
        """Let a party hold whom it talks with, who hears music. The phones are told nothing: a phone's own hold counts
        beside it."""
        calls.hold(CallId(call_id), body.leg_id, True)

    @router.post("/calls/{call_id}/resume", tags=["calls"], status_code=204)
    async def resume(call_id: str, who: Operator, body: HoldAsked = _CALLER) -> None:
        """Let the party talk again with whom it held by `hold`."""
        calls.hold(CallId(call_id), body.leg_id, False)

    @router.post("/calls/{call_id}/conference", tags=["calls"], status_code=204)
    async def unite(call_id: str, body: ConferenceAsked, who: Operator) -> None:
        """Let the parties of another call talk with those of this one; the other call ends."""
        calls.unite(CallId(call_id), CallId(body.call))

    @router.delete("/calls/{call_id}/legs/{leg}", tags=["calls"], status_code=204)
    async def hang_up_leg(call_id: str, leg: str, who: Operator) -> None:
        """End one party's half of a call, as if it had hung up: a phone that rings beside others stops, a party that
        is transferred meanwhile gives up its claim."""
        calls.hang_up_leg(CallId(call_id), LegId(leg))

    @router.get(
        "/calls/{call_id}/trace",
        tags=["calls"],
        response_model=TraceOut,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def trace(call_id: str, accept: Annotated[str, Header()] = "") -> TraceOut | Response:
        """The story of a live or ended call: decisions, signalling, media. In columns with `Accept: text/plain`."""
        story = await calls.story(CallId(call_id))
        if accept.partition(",")[0].partition(";")[0].strip().lower() == "text/plain":
            return PlainTextResponse(as_text(story))
        return _trace(story)

    @router.websocket("/events")
    async def events(
        websocket: WebSocket,
        types: Annotated[str, Query(description="names of facts, separated by commas; empty: all")] = "",
        queue: Annotated[str, Query(description="only facts of these queues, separated by commas")] = "",
        agent: Annotated[str, Query(description="only facts of these agents, separated by commas")] = "",
        call: Annotated[str, Query(description="only facts of these calls, separated by commas")] = "",
    ) -> None:
        """Facts as they happen, one JSON text each. A client that falls 1000 facts behind is closed (1013)."""
        listener = stream.join(Wanted(_types(types), _names(queue), _names(agent), _names(call)))
        try:
            if websocket.application_state is WebSocketState.CONNECTING:  # else its first message was its token
                await websocket.accept()
            await _serve(websocket, listener)
        finally:
            stream.leave(listener)

    return router


async def _serve(websocket: WebSocket, listener: Listener) -> None:
    """Send until the client leaves or is too slow, whichever comes first."""
    tasks = [
        asyncio.create_task(coroutine, name="event stream")
        for coroutine in (_send(websocket, listener), _until_disconnect(websocket), listener.gone())
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if listener.too_slow:
        # Whoever does not read may not take the close frame either: it gets a second.
        with_reason = websocket.close(1013, "too slow: the facts waiting for you were too many")
        await asyncio.wait([asyncio.ensure_future(with_reason)], timeout=1.0)


async def _send(websocket: WebSocket, listener: Listener) -> None:
    while (text := await listener.next()) is not None:
        await websocket.send_text(text)


async def _until_disconnect(websocket: WebSocket) -> None:
    try:
        while True:
            await websocket.receive_text()  # nothing a client says means anything
    except (WebSocketDisconnect, KeyError):
        return


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _types(text: str) -> frozenset[str]:
    names = _names(text)
    unknown = names - _KNOWN
    if unknown:
        raise Invalid("types", f"there is no fact {sorted(unknown)[0]!r}; there are {', '.join(sorted(_KNOWN))}")
    return names


def _below(kind: type[Fact]) -> set[str]:
    below = kind.__subclasses__()
    return set().union(*map(_below, below)) if below else {kind.__name__}


_KNOWN = _below(Fact)


def _call(call: CallView) -> CallOut:
    return CallOut(
        call_id=call.call_id,
        from_=call.from_number,
        from_name=call.from_name,
        to=call.to_number,
        origin=call.origin,
        context=call.context,
        destination=call.destination,
        state=call.state,
        started_at=moment(call.started_at),
        answered_at=moment(call.answered_at),
        legs=[_leg(leg) for leg in call.legs.values()],
    )


def _leg(leg: LegView) -> LegOut:
    return LegOut(
        leg=leg.leg,
        role=leg.role,
        destination=leg.destination,
        number=leg.number,
        target=leg.target,
        state=leg.state,
        held=leg.held,
        started_at=moment(leg.started_at),
        answered_at=moment(leg.answered_at),
    )


def _trace(story: Trace) -> TraceOut:
    call = story.call
    return TraceOut(
        call_id=call.call_id,
        live=story.ended_at is None,
        from_=call.from_number,
        to=call.to_number,
        started_at=moment(call.started_at),
        answered_at=moment(call.answered_at),
        ended_at=moment(story.ended_at),
        cause=story.cause.text if story.cause is not None else None,
        note=story.note,
        decisions=[
            DecisionOut(
                at=moment(decision.at),
                by=decision.by,
                destination=decision.destination,
                plan_version=decision.plan_version,
                steps=[StepOut(rule=step.rule, result=step.result, reason=step.reason) for step in decision.steps],
            )
            for decision in story.decisions
        ],
        ladder=[
            LadderLineOut(
                at=moment(line.at),
                after_ms=line.at - call.started_at,
                leg=line.leg,
                direction=line.direction,
                what=line.what,
            )
            for line in story.ladder
        ],
        legs=[
            LegTraceOut(
                leg=leg.leg,
                role=call.legs[leg.leg].role,
                destination=leg.destination,
                number=leg.number,
                target=leg.target,
                ended_at=moment(leg.ended_at),
                cause=leg.cause.text if leg.cause is not None else None,
                status=leg.status,
                by_party=leg.by_party,
                media=media_out(leg.media),
                video=video_out(leg.video),
            )
            for leg in story.legs
        ],
        trouble=[TroubleOut.model_validate(one, from_attributes=True) for one in story.trouble],
    )
