"""How answers over HTTP show calls and their parties, whether the call is live, traced or over."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PlainSerializer

from softswitch.events import MediaFigures


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


def media_out(figures: MediaFigures | None) -> MediaOut | None:
    """A leg's figures; none where it had no sound."""
    return MediaOut.model_validate(figures, from_attributes=True) if figures is not None else None
