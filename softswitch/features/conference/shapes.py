"""Rooms, members and orders as HTTP takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from softswitch.events.rooms import MemberRole, MemberTerminal, RoomMode
from softswitch.features.conference.model.rules import (
    MOST_CAMERAS,
    MOST_INVITED,
    MOST_MEMBERS,
    Announce,
    Kind,
    Layout,
    Pictures,
)
from softswitch.features.conference.model.schedule import MOST_MINUTES, Repeat
from softswitch.platform.rest import ABSENT, Changes, Input, Line, Moment, Name

RoomNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=32)]
Pin = Annotated[str, StringConstraints(max_length=64)]
"""The rules say what it must be, in words."""
Email = Annotated[str, StringConstraints(max_length=254)]
Called = Annotated[
    str, StringConstraints(pattern=r"^(((account|person)/)?[A-Za-z0-9*#+][A-Za-z0-9*#+._-]*)?$", max_length=64)
]
Language = Literal["", "en", "zh"]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+_/-]+$", max_length=64)]
MaybeName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=64)]
CameraUrl = Annotated[
    str,
    StringConstraints(pattern=r"^rtsp://", max_length=2000),
    Field(description="`rtsp://HOST/PATH`, of a host in `video.camera_hosts`"),
]
Most = Annotated[int, Field(ge=2, le=MOST_MEMBERS)]
Attempts = Annotated[int, Field(ge=1, le=20)]
Seconds = Annotated[int, Field(ge=5, le=3600)]
Gain = Annotated[float, Field(ge=-20, le=20, description="dB")]

_PIN = "four to twelve digits, of guests, good at any time, also before a host has come; empty: they need none"
_HOST_PIN = "four to twelve digits, of hosts; empty: only members that are set as hosts are hosts"
_LOBBY = "whether guests wait with music until a host is there"
_ENDS = "whether the meeting is over when the last host goes"
_ANNOUNCE = "what is heard when somebody comes or goes; `name`: each says its name at the door"
_CONTEXT = "by which the dial plan routes the numbers that the room calls"
_RINGS = "whether the members are called as soon as a meeting begins"
_RETRY = "from the end of an attempt to the next one"


class InviteeIn(Input):
    """Somebody who belongs to a room, or is to be called."""

    number: Called = Field(
        default="",
        description="as it is dialled in the room's context, or `person/7001`, `account/1002`; empty: it is not called",
    )
    name: Line = ""
    role: MemberRole = "guest"
    email: Email = Field(default="", description="who is reminded of meetings")
    confirm: bool = Field(default=False, description="whether who answers behind a trunk must press 1")


Invitees = Annotated[list[InviteeIn], Field(max_length=MOST_INVITED)]


class CameraIn(Input):
    """A camera that is a member of each meeting."""

    name: Name
    url: CameraUrl
    sound: bool = Field(default=True, description="whether it is heard, too")


Cameras = Annotated[list[CameraIn], Field(max_length=MOST_CAMERAS)]
_CAMERAS = "members of each meeting; a URL whose password is given as `***` keeps the one that it has"


_CLOCK = "whether composed pictures show the time"
_SELF_VIEW = "whether members see themselves in composed pictures; without, each picture is encoded for one"


_MINUTES = "how long a meeting may last; all are told ten, five and one minute before. 0: without a limit"
_ALONE = "whether who is alone in the room hears music"
_COUNTS = "whether who comes is told how many others are there"
_KEEP = "days until recordings of the room are deleted; 0: as the switch is set"


class RoomSettings(Input):
    """What can be set of a room."""

    title: Line = ""
    kind: Kind = Field(default="permanent", description="`instant`: gone when nobody is there any more")
    pin: Pin = Field(default="", description=_PIN)
    host_pin: Pin = Field(default="", description=_HOST_PIN)
    lobby: bool = Field(default=False, description=_LOBBY)
    ends_with_host: bool = Field(default=False, description=_ENDS)
    announce: Announce = Field(default="tone", description=_ANNOUNCE)
    most: Most = Field(default=100, description="members at once")
    mode: RoomMode = "conference"
    muted_guests: bool = Field(default=False, description="whether guests are muted when they come")
    record: bool = Field(default=False, description="whether each meeting is recorded")
    context: Name = Field(default="default", description=_CONTEXT)
    language: Language = Field(default="", description="what is said to all in; empty: as the switch is set")
    members: Invitees = Field(default=[])
    cameras: Cameras = Field(default=[], description=_CAMERAS)
    rings: bool = Field(default=False, description=_RINGS)
    attempts: Attempts = Field(default=3, description="how often somebody is called who does not come")
    retry_seconds: Seconds = Field(default=30, description=_RETRY)
    ring_seconds: Annotated[int, Field(ge=5, le=180)] = 45
    layout: Layout = "speaker"
    pictures: Pictures = "switch"
    clock: bool = Field(default=False, description=_CLOCK)
    self_view: bool = Field(default=True, description=_SELF_VIEW)
    most_minutes: Annotated[int, Field(ge=0, le=10_080)] = Field(default=0, description=_MINUTES)
    music_alone: bool = Field(default=False, description=_ALONE)
    counts: bool = Field(default=False, description=_COUNTS)
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = Field(default=0, description=_KEEP)
    opens_minutes: Annotated[int, Field(ge=0, le=1440)] = Field(
        default=15, description="how long before its beginning one gets into a scheduled meeting"
    )


class NewRoom(RoomSettings):
    number: RoomNumber | None = Field(default=None, description="left out: a free one from 3100 on")
    call: bool = Field(default=False, description="whether the members are called now")


class RoomChanges(Changes):
    title: Line = ABSENT
    kind: Kind = ABSENT
    pin: Pin = Field(default=ABSENT, description=_PIN)
    host_pin: Pin = Field(default=ABSENT, description=_HOST_PIN)
    lobby: bool = Field(default=ABSENT, description=_LOBBY)
    ends_with_host: bool = Field(default=ABSENT, description=_ENDS)
    announce: Announce = Field(default=ABSENT, description=_ANNOUNCE)
    most: Most = ABSENT
    mode: RoomMode = ABSENT
    muted_guests: bool = ABSENT
    record: bool = ABSENT
    context: Name = Field(default=ABSENT, description=_CONTEXT)
    language: Language = ABSENT
    members: Invitees = Field(default=ABSENT, description="replaces all")
    cameras: Cameras = Field(default=ABSENT, description=f"replaces all; {_CAMERAS}")
    rings: bool = Field(default=ABSENT, description=_RINGS)
    attempts: Attempts = ABSENT
    retry_seconds: Seconds = Field(default=ABSENT, description=_RETRY)
    ring_seconds: Annotated[int, Field(ge=5, le=180)] = ABSENT
    layout: Layout = ABSENT
    pictures: Pictures = ABSENT
    clock: bool = Field(default=ABSENT, description=_CLOCK)
    self_view: bool = Field(default=ABSENT, description=_SELF_VIEW)
    most_minutes: Annotated[int, Field(ge=0, le=10_080)] = Field(default=ABSENT, description=_MINUTES)
    music_alone: bool = Field(default=ABSENT, description=_ALONE)
    counts: bool = Field(default=ABSENT, description=_COUNTS)
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = Field(default=ABSENT, description=_KEEP)
    opens_minutes: Annotated[int, Field(ge=0, le=1440)] = ABSENT


class InviteeOut(BaseModel):
    number: str
    name: str
    role: MemberRole
    email: str
    confirm: bool


class CameraOut(BaseModel):
    name: str
    url: str
    """A password in it is `***`."""
    sound: bool


class MeetingOut(BaseModel):
    """What goes on in a room now."""

    began_at: Moment
    mode: RoomMode
    locked: bool
    guests_muted: bool
    layout: Layout
    content_in_mix: bool
    spotlight: int | None
    recording: Literal["off", "on", "paused"]
    speaker: int | None
    members: int
    cameras: int
    waiting: int
    """In the lobby."""
    awaited: int
    """Who is called, or will be."""


class RoomOut(BaseModel):
    """A room."""

    number: str
    title: str
    kind: Kind
    has_pin: bool
    has_host_pin: bool
    lobby: bool
    ends_with_host: bool
    announce: Announce
    most: int
    mode: RoomMode
    muted_guests: bool
    record: bool
    context: str
    language: str
    members: list[InviteeOut]
    cameras: list[CameraOut]
    rings: bool
    attempts: int
    retry_seconds: int
    ring_seconds: int
    layout: Layout
    pictures: Pictures
    clock: bool
    self_view: bool
    most_minutes: int
    music_alone: bool
    counts: bool
    keep_days: int
    opens_minutes: int
    locked_out: bool
    """Whether too many wrong PINs came: then nobody gets in by PIN for a time."""
    meeting: MeetingOut | None
    """Null: nobody is there."""


class MemberOut(BaseModel):
    """Who is in a meeting, was, or is called."""

    member: int
    kind: Literal["phone", "camera"]
    number: str
    name: str
    role: MemberRole
    account: str
    state: Literal["invited", "calling", "ringing", "lobby", "in", "left", "unreached"]
    call_id: str | None
    terminal: MemberTerminal
    joined_at: Moment | None
    muted: bool
    muted_by_host: bool
    held: bool
    """Its phone holds the room, and is not heard meanwhile."""
    deaf: bool
    gain: float
    hand: bool
    hand_at: Moment | None
    """Since when it is raised."""
    floor: bool
    video_off: bool
    presenter: bool
    pinned: int | None
    invited: bool
    attempts: int
    again_at: Moment | None
    unreached: str
    """Why the last attempt to call it failed."""
    left: str
    """How it left."""
    sound: bool
    """Of a camera: whether it is heard, too."""
    lost: str
    """Why a camera gives no pictures; empty: it does."""
    away: bool
    """The switch was restarted, and the member is awaited back."""
    speaking: bool


class MemberChanges(Changes):
    """What is wanted of a member."""

    name: Line = ABSENT
    role: MemberRole = ABSENT
    muted: bool = Field(default=ABSENT, description="by a host: it cannot unmute itself")
    deaf: bool = ABSENT
    gain: Gain = ABSENT
    hand: bool = ABSENT
    floor: bool = Field(default=ABSENT, description="it is heard where others are not")
    video_off: bool = ABSENT
    presenter: bool = ABSENT


class PinIn(Input):
    shown: int | None = Field(description="the member that it sees whoever speaks; null: nobody in particular")


class MoveIn(Input):
    room: RoomNumber = Field(description="the room that it goes on to")


class MeetingChanges(Changes):
    """What is wanted of a meeting."""

    mode: RoomMode = ABSENT
    locked: bool = ABSENT
    guests_muted: bool = ABSENT
    layout: Layout = ABSENT
    content_in_mix: bool = ABSENT
    recording: Literal["off", "on", "paused"] = ABSENT


class SpotlightIn(Input):
    shown: int | None = Field(description="the member that all see whoever speaks; null: nobody in particular")


class UnlockIn(Input):
    """Whose wrong PINs are forgotten."""

    caller: Line | None = Field(
        default=None, description="an account or number that is locked out; left out: the room, for all others"
    )


class InviteIn(Input):
    """Call somebody into the room, or bring in whom it is with."""

    members: Invitees = Field(default=[])
    attempts: Attempts | None = Field(default=None, description="left out: as the room is set")
    call: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="a live call whose parties come into the room"
    )


class EntryIn(Input):
    """When a room has a meeting."""

    starts_at: datetime = Field(description="the first one; UTC where it has no offset")
    minutes: Annotated[int, Field(ge=1, le=MOST_MINUTES)] = 60
    title: Line = Field(default="", description="empty: the room's")
    timezone: Zone = Field(default="UTC", description="by whose clock it is repeated")
    repeat: Repeat = ""
    until: datetime | None = Field(default=None, description="no meeting begins after this")
    calendar: MaybeName = Field(default="", description="while this one is closed there is no meeting")
    members: Invitees = Field(default=[], description="none: the room's")
    remind: Annotated[list[Annotated[int, Field(ge=0, le=10_080)]], Field(max_length=10)] = Field(
        default=[15], description="minutes before the beginning: by event, and by e-mail to members with an address"
    )
    calls: bool = Field(default=False, description="whether the room calls the members when it begins")
    ends: bool = Field(default=False, description="whether all are let go when its time is over")


class EntryOut(BaseModel):
    name: str
    starts_at: Moment
    minutes: int
    title: str
    timezone: str
    repeat: Repeat
    until: Moment | None
    calendar: str
    members: list[InviteeOut]
    remind: list[int]
    calls: bool
    ends: bool
    next: Moment | None
    """When the next meeting begins, or the one that goes on has begun."""


class RecordingOut(BaseModel):
    """What was recorded of a meeting, sound or pictures."""

    name: str
    began_at: Moment
    """The meeting."""
    bytes: int
