"""The part of an account or a trunk that says how its signalling differs from what holds for all, over HTTP."""

from typing import Annotated

from pydantic import AfterValidator, Field

from softswitch.calls.leg_rules import EarlyMedia, Reliable
from softswitch.platform.rest import Input


def _interval(seconds: int | None) -> int | None:
    if seconds is not None and 0 < seconds < 90:
        raise ValueError("at least 90 (RFC 4028 section 4), or 0 for none")
    return seconds


class Signalling(Input):
    """What is left out is as for all."""

    early_media: EarlyMedia = Field(
        default="pass",
        description="sound before the answer: passed on, replaced by ringing, or passed on where P-Early-Media says so",
    )
    session_expires: Annotated[int | None, Field(ge=0, le=86_400), AfterValidator(_interval)] = Field(
        default=None, description="seconds between refreshes (RFC 4028); 0: never asked for; null: as for all"
    )
    reliable: Reliable = Field(default="as-set", description="provisional responses by RFC 3262")
