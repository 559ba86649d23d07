"""Boxes, lists and messages as HTTP takes and gives them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.voicemail.model.box import MOST_LISTED, Greeting
from softswitch.features.voicemail.model.message import Folder
from softswitch.platform.rest import ABSENT, Changes, Input, Line, Moment, Number

Account = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9*#+][A-Za-z0-9*#+._-]*)?$", max_length=64)]
Pin = Annotated[str, StringConstraints(pattern=r"^([0-9]{4,12})?$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+_/-]+$", max_length=64)]
Language = Literal["", "en", "zh"]
Email = Annotated[str, StringConstraints(max_length=254)]
Place = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)]
Messages = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[int, Field(ge=5, le=1800)]
TotalSeconds = Annotated[int, Field(ge=5, le=86_400)]
Silence = Annotated[int, Field(ge=0, le=60)]
Days = Annotated[int, Field(ge=0, le=36_500)]

_ACCOUNT = "whose phones show what waits, and may ask for it without a number; empty: nobody's"
_SKIP_PIN = "whether phones of the account need no PIN"
_LANGUAGE = "what is said in; empty: the caller's"
_ZONE = "by which the times of messages are said"
_TAKES = "whether calls for the account that no phone takes come here, unless it forwards them itself"
_OPERATOR = "where a caller gets by 0, `account/1000`; empty: nowhere"
_SILENCE = "a pause of so many seconds ends a message; 0: none does"
_KEEP = "after how many days a message is deleted; 0: never"
_EMAIL = "who is told of each message; empty: nobody"


class BoxSettings(Input):
    """What can be set of a box."""

    account: Account = Field(default="", description=_ACCOUNT)
    name: Line = ""
    pin: Pin = Field(default="", description="four to twelve digits; empty: nobody gets in by PIN")
    skip_pin: bool = Field(default=False, description=_SKIP_PIN)
    language: Language = Field(default="", description=_LANGUAGE)
    timezone: Zone = Field(default="UTC", description=_ZONE)
    takes_unanswered: bool = Field(default=False, description=_TAKES)
    operator: Place = Field(default="", description=_OPERATOR)
    most_messages: Messages = 100
    most_seconds: Seconds = Field(default=180, description="of one message")
    most_total_seconds: TotalSeconds = Field(default=3600, description="of all messages together")
    silence_seconds: Silence = Field(default=8, description=_SILENCE)
    keep_days: Days = Field(default=0, description=_KEEP)
    email: Email = Field(default="", description=_EMAIL)
    email_sound: bool = Field(default=True, description="whether the sound is attached")
    email_transcript: bool = Field(default=False, description="whether what was said is written beside it")
    email_then_delete: bool = Field(default=False, description="whether a message that was sent is deleted")


class NewBox(BoxSettings):
    number: Number
    account: Account | None = Field(  # type: ignore[assignment]
        default=None, description=_ACCOUNT + "; left out: the account of the same number, if there is one"
    )


class BoxChanges(Changes):
    account: Account = Field(default=ABSENT, description=_ACCOUNT)
    name: Line = ABSENT
    pin: Pin = Field(default=ABSENT, description="empty: nobody gets in by PIN")
    skip_pin: bool = Field(default=ABSENT, description=_SKIP_PIN)
    language: Language = Field(default=ABSENT, description=_LANGUAGE)
    timezone: Zone = Field(default=ABSENT, description=_ZONE)
    takes_unanswered: bool = Field(default=ABSENT, description=_TAKES)
    operator: Place = Field(default=ABSENT, description=_OPERATOR)
    most_messages: Messages = ABSENT
    most_seconds: Seconds = ABSENT
    most_total_seconds: TotalSeconds = ABSENT
    silence_seconds: Silence = Field(default=ABSENT, description=_SILENCE)
    keep_days: Days = Field(default=ABSENT, description=_KEEP)
    email: Email = Field(default=ABSENT, description=_EMAIL)
    email_sound: bool = ABSENT
    email_transcript: bool = ABSENT
    email_then_delete: bool = ABSENT


class BoxOut(BaseModel):
    """A box, and what is in it."""

    number: str
    account: str
    name: str
    has_pin: bool
    skip_pin: bool
    language: Language
    timezone: str
    greetings: list[Greeting] = Field(description="those of its own")
    takes_unanswered: bool
    operator: str
    most_messages: int
    most_seconds: int
    most_total_seconds: int
    silence_seconds: int
    keep_days: int
    email: str
    email_sound: bool
    email_transcript: bool
    email_then_delete: bool
    new: int
    old: int = Field(description="and in the folders of one's own")
    urgent_new: int
    urgent_old: int
    seconds: float = Field(description="of all messages")
    locked: bool = Field(description="whether too many wrong PINs came from elsewhere than its account's phones")


class MessageOut(BaseModel):
    """A message."""

    id: str
    box: str
    folder: Folder
    left_at: Moment
    from_: str = Field(validation_alias="from_number", serialization_alias="from")
    from_name: str
    call_id: str = Field(validation_alias="call", description="in which it was left; empty: it was forwarded")
    urgent: bool
    seconds: float
    forwarded_by: str = Field(description="the box that it came from; empty: it was left here")
    commented: bool = Field(validation_alias="comment", description="whether who forwarded it said something")
    note: str = Field(description="what went wrong")
    transcript: str


class MessageChanges(Changes):
    folder: Folder = ABSENT
    urgent: bool = ABSENT


class Forwarding(Input):
    to: Number = Field(description="a box or a list")


class ForwardedTo(BaseModel):
    boxes: list[str] = Field(description="those that had room")


class ListSettings(Input):
    """A number whose messages go to several boxes."""

    name: Line = ""
    boxes: Annotated[list[Number], Field(max_length=MOST_LISTED)]


class ListOut(ListSettings):
    number: str
