"""How answers over HTTP show calls and their parties, whether the call is live, traced or over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PlainSerializer

from softswitch.events import LegVideo, MediaFigures, VideoFigures


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


CallTime = Annotated[datetime, PlainSerializer(_text, return_type=str, when_used="json")]
"""In UTC with milliseconds: `2026-11-21T22:34:13.120Z`."""


class MediaOut(BaseModel):
    """What a leg's sound measured."""

    received: int
    sent: int
    lost: int
    jitter_ms: float
    first_packet_ms: int | None
    last_address: str
    discarded: int
    bursts: int = Field(description="times when packets were lost close together (RFC 3611 section 4.7.2)")
    burst_loss_percent: float
    gap_loss_percent: float = Field(description="packets lost outside bursts")
    burst_ms: float = Field(description="the mean length of a burst")
    late: int = Field(description="packets that came when their time was over, where the sound is decoded here")
    concealed_ms: int = Field(description="sound made up in place of what was missing, where it is decoded here")
    buffer_ms: float | None = Field(description="mean time in the jitter buffer; null where the sound was passed on")
    round_trip_ms: float | None = Field(description="from RTCP; null when no report told it")
    party_lost_percent: float | None = Field(description="what the party lost lately of what it was sent, by its RTCP")
    sound_percent: float | None = Field(description="its packets that were more than silence; null: cannot be told")
    r: float | None = Field(description="rating of what came by the E-model (ITU-T G.107), 0 to 93.2")
    mos: float | None = Field(description="the same as a mean opinion score, 1 to 4.4")


class VideoOut(BaseModel):
    """One video line that a leg has had."""

    codec: str = Field(description="what was agreed last, such as `H264`")
    content: str = Field(description="`main`, `slides` ..., where the party said so (RFC 4796)")
    received: int | None = Field(description="RTP packets from the party; null, as all below, where it passed us by")
    sent: int | None
    lost: int | None
    frames: int | None = Field(description="pictures that came whole from the party")
    key_frames: int | None
    jitter_ms: float | None
    first_packet_ms: int | None
    asked_by_party: int | None = Field(description="times that it asked for a whole picture by RTCP")
    asked_of_party: int | None = Field(description="times that it was asked for one")
    resent: int | None = Field(description="packets sent again because it missed them")
    width: int | None = Field(description="of the last picture whose size was read; 0: none was")
    height: int | None


class TroubleOut(BaseModel):
    """What went wrong with a leg's sound."""

    kind: str
    leg: str
    sentence: str


class PartyOut(BaseModel):
    """One party's half of a call: who it is."""

    leg: str
    role: Literal["caller", "called"]
    destination: str = Field(description="what it belongs to, such as `account/1002`; for the caller, its origin")
    number: str
    target: str = Field(description="the URI that was invited; for the caller the address the call came from")


class CallOutline(BaseModel):
    """A call: who wanted whom, and where it went."""

    call_id: str
    from_: str = Field(serialization_alias="from")
    from_name: str
    to: str
    origin: str
    context: str
    destination: str | None
    started_at: CallTime
    answered_at: CallTime | None


def video_out(lines: Sequence[LegVideo]) -> list[VideoOut]:
    """A leg's video lines with their figures."""
    names = VideoFigures.__struct_fields__
    return [
        VideoOut(
            codec=line.codec,
            content=line.content,
            **{name: getattr(line.figures, name, None) for name in names if name in VideoOut.model_fields},
        )
        for line in lines
    ]


def media_out(figures: MediaFigures | None) -> MediaOut | None:
    """A leg's figures; none where it had no sound."""
    return MediaOut.model_validate(figures, from_attributes=True) if figures is not None else None
