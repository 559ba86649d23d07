"""/api/v1/calls/{id}/legs/{leg}/play, and …/streams."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from softswitch.features.livesound.service import Direction, LiveSound, Playback, Stream
from softswitch.kernel import sound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.auth import Operator
from softswitch.platform.rest import Input, Key, Moment

_Ms = Annotated[int, Field(ge=20, le=3_600_000)]
_Part = tuple[Annotated[float, Field(gt=0, lt=4000)], Annotated[float, Field(ge=-60, le=0)]]


class SoundIn(Input):
    """A prompt, a tone or silence: one of them."""

    prompt: str | None = Field(default=None, max_length=200, examples=["main/welcome"])
    from_ms: int = Field(default=0, ge=0, le=3_600_000, description="where the prompt begins")
    tone: list[_Part] | None = Field(
        default=None, min_length=1, max_length=4, description="Hz and dBm0 of each part", examples=[[[440, -13]]]
    )
    cadence: list[_Ms] = Field(default=[], max_length=64, description="of the tone: sound and silence, in turn")
    ms: _Ms | None = Field(default=None, description="how long the tone lasts; left out: for ever")
    silence_ms: _Ms | None = None

    @model_validator(mode="after")
    def _one(self) -> "SoundIn":
        if sum(each is not None for each in (self.prompt, self.tone, self.silence_ms)) != 1:
            raise ValueError("one of prompt, tone and silence_ms")
        return self

    def sound(self) -> sound.Sound:
        if self.prompt is not None:
            return sound.Prompt(self.prompt, self.from_ms)
        if self.tone is not None:
            return sound.Tone(tuple(self.tone), self.ms, tuple(self.cadence))
        assert self.silence_ms is not None
        return sound.Silence(self.silence_ms)


class PlayAsked(Input):
    """What the party hears over whom it talks with: one prompt, or a list."""

    prompt: str | None = Field(default=None, max_length=200)
    sounds: list[SoundIn] = Field(default=[], max_length=100)
    loop: bool = Field(default=False, description="whether it begins anew until it is ended")
    over: Literal[True] = Field(default=True, description="over what the party hears: there is nothing else yet")

    @model_validator(mode="after")
    def _one(self) -> "PlayAsked":
        if (self.prompt is None) == (not self.sounds):
            raise ValueError("either prompt or sounds")
        return self

    def list(self) -> "list[sound.Sound]":
        if self.prompt is not None:
            return [sound.Prompt(self.prompt)]
        return [each.sound() for each in self.sounds]


class NewStream(Input):
    """Which server is to hear the leg, and whether the party hears the server."""

    url: str = Field(max_length=2000, examples=["ws://agents.example.com:9000/calls"])
    rate: Literal[8000, 16000] = Field(default=16000, description="samples a second")
    direction: Direction = Field(
        default="said",
        description="`said`: what the party says; `heard`: what it hears of others; `mixed`, `stereo`: both",
    )
    play: Playback = Field(default="none", description="`over` what the party hears, `instead` of it, or not at all")


class StreamOut(BaseModel):
    """A stream that has not ended."""

    id: str
    call_id: str = Field(validation_alias="call")
    leg: str
    url: str = Field(description="without what follows a `?`")
    rate: int
    direction: Direction
    play: Playback
    by: str
    started_at: Moment
    state: Literal["connecting", "open"]


class StreamsOut(BaseModel):
    items: list[StreamOut]


def build_router(live: LiveSound) -> APIRouter:
    """The routes; all but the list are for operators."""
    router = APIRouter(tags=["calls"])

    @router.post("/calls/{call_id}/legs/{leg}/play", status_code=204)
    async def play(call_id: Key, leg: Key, body: PlayAsked, who: Operator) -> None:
        """Play to a party over what it hears, in place of what was played so before."""
        live.play(CallId(call_id), LegId(leg), body.list(), loop=body.loop)

    @router.delete("/calls/{call_id}/legs/{leg}/play", status_code=204)
    async def stop_play(call_id: Key, leg: Key, who: Operator) -> None:
        """End that."""
        live.stop_play(CallId(call_id), LegId(leg))

    @router.get("/calls/{call_id}/streams")
    async def of_call(call_id: Key) -> StreamsOut:
        """The media streams of a live call that have not ended."""
        return StreamsOut(items=[_show(stream) for stream in live.of(CallId(call_id))])

    @router.post("/calls/{call_id}/legs/{leg}/streams", status_code=201)
    async def start(call_id: Key, leg: Key, body: NewStream, who: Operator) -> StreamOut:
        """Connect to a WebSocket server for a leg, until that ends. The server must be allowed by the settings."""
        return _show(live.start(CallId(call_id), LegId(leg), who.name, **body.model_dump()))

    @router.delete("/calls/{call_id}/legs/{leg}/streams/{stream}", status_code=204)
    async def stop(call_id: Key, leg: Key, stream: Key, who: Operator) -> None:
        """End a stream; the call goes on."""
        live.stop(CallId(call_id), LegId(leg), stream)

    return router


def _show(stream: Stream) -> StreamOut:
    return StreamOut.model_validate(stream, from_attributes=True)
