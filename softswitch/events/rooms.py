"""What happens in conference rooms.

A meeting is one use of a room: from `RoomOpened` to exactly one `RoomClosed`. Within it each `MemberJoined` is followed
by one `MemberLeft` of the same member, and `MemberInvited` by what became of the call, unless the switch is killed and
its media engine with it.
"""

from typing import Literal

from softswitch.events.base import Fact
from softswitch.events.calls import CallFact

RoomMode = Literal["conference", "lecture", "training"]
"""Who is heard: everybody; who has the floor; or hosts by all, and the others by hosts alone."""
MemberRole = Literal["host", "guest"]
MemberTerminal = Literal["audio", "video", "camera", "screen"]
"""What a member's phone has: sound alone; pictures both ways; or pictures that it sends or takes alone."""


class RoomFact(Fact, frozen=True, gc=False, kw_only=True):
    """Something about one meeting."""

    room: str
    meeting: int
    """Which of the room's: wall milliseconds of its beginning."""


class RoomOpened(RoomFact, frozen=True, gc=False, kw_only=True):
    """A meeting begins: somebody comes, or is called."""

    title: str
    kind: str


class RoomChanged(RoomFact, frozen=True, gc=False, kw_only=True):
    """How the room is from now on."""

    mode: RoomMode
    locked: bool
    guests_muted: bool
    layout: str
    content_in_mix: bool
    spotlight: int | None
    """The member that all see, whoever speaks."""
    recording: Literal["off", "on", "paused"]
    by: str
    """Who did it: `account/1001`, `api/admin`, `member 3`."""


class RoomClosed(RoomFact, frozen=True, gc=False, kw_only=True):
    """Nobody is there any more."""

    reason: str
    """`empty`, `ended`, `host_left`, `over` (its time), `fault`, `switch_stopped`."""
    most: int
    """How many were in it at once."""
    came: tuple[str, ...] = ()
    """The numbers of all who were in it."""
    missed: tuple[str, ...] = ()
    """Of those whom the room called, and who did not come."""


class MemberInvited(RoomFact, frozen=True, gc=False, kw_only=True):
    """The room calls somebody."""

    member: int
    number: str
    attempt: int
    """Counted from 1."""


class MemberRang(RoomFact, frozen=True, gc=False, kw_only=True):
    member: int
    number: str


class MemberUnreached(RoomFact, frozen=True, gc=False, kw_only=True):
    """Somebody whom the room called did not come."""

    member: int
    number: str
    name: str
    reason: Literal["busy", "declined", "no_answer", "absent", "failed", "cancelled", "restart"]
    """`restart`: the switch was killed meanwhile. Whoever is called on is not called less often for it."""
    attempt: int
    again_at: int | None
    """When it is called again; None: not any more."""


class MemberWaits(CallFact, frozen=True, gc=False, kw_only=True):
    """Somebody is in the lobby, until a host comes or lets it in."""

    room: str
    meeting: int
    member: int
    number: str
    name: str


class MemberJoined(CallFact, frozen=True, gc=False, kw_only=True):
    """Somebody is in the room."""

    room: str
    meeting: int
    member: int
    number: str
    name: str
    role: MemberRole
    invited: bool
    """Whether the room had called it."""


class MemberResumed(CallFact, frozen=True, gc=False, kw_only=True):
    """The switch was killed while a member was here, and it is here again, in the same meeting and as it was: it has
    neither left nor joined."""

    room: str
    meeting: int
    member: int


class MemberChanged(RoomFact, frozen=True, gc=False, kw_only=True):
    """How a member is from now on."""

    member: int
    name: str
    role: MemberRole
    muted: bool
    muted_by_host: bool
    deaf: bool
    gain: float
    hand: bool
    floor: bool
    video_off: bool
    presenter: bool
    pinned: int | None
    """Whom it alone has chosen to see."""
    terminal: MemberTerminal = "audio"
    held: bool = False
    """Its phone holds the room, and is not heard meanwhile."""
    by: str


class CameraJoined(RoomFact, frozen=True, gc=False, kw_only=True):
    """A camera is a member of the meeting, and is fetched. `MemberChanged` tells of it, too."""

    member: int
    name: str
    sound: bool
    """Whether it is heard, too."""
    by: str


class CameraChanged(RoomFact, frozen=True, gc=False, kw_only=True):
    """A camera gives pictures, or gives none."""

    member: int
    lost: str
    """Why it gives none; empty: it does."""


class CameraLeft(RoomFact, frozen=True, gc=False, kw_only=True):
    """A camera is a member no more."""

    member: int
    reason: str
    """`kicked`, or that of the meeting's end."""


class SpeakerChanged(RoomFact, frozen=True, gc=False, kw_only=True):
    """Another member speaks."""

    member: int


class MemberLeft(CallFact, frozen=True, gc=False, kw_only=True):
    """A member is in the room, or in its lobby, no more."""

    room: str
    meeting: int
    member: int
    reason: str
    """`left`, `kicked`, `moved` (to another room), `ended`, `host_left`, `over`, `fault`; `restart`: the switch was
    killed, and its call did not outlive that."""


class RoomRecordingEnded(RoomFact, frozen=True, gc=False, kw_only=True):
    """What was recorded of a meeting is complete."""

    file: str
    """Below the data folder."""
    milliseconds: int
    reason: str
    """Empty: it was stopped."""


class RoomRecordingDeleted(RoomFact, frozen=True, gc=False, kw_only=True):
    """A file of what was recorded of a meeting is no more."""

    file: str
    """Below the data folder."""
    reason: Literal["expired", "space", "wanted"]
    """Its time was over; files of rooms had become too large; somebody deleted it."""
    by: str
    """`switch`, `api/admin`."""


class RoomRefused(Fact, frozen=True, gc=False, kw_only=True):
    """Somebody did not get into a room."""

    room: str
    of_call: str
    by: str
    """`account/1001`, `trunk/uas`."""
    from_number: str
    reason: Literal["wrong_pin", "locked_out", "locked", "full", "not_now"]
    """`locked_out`: too many wrong PINs came from this caller, or to this room."""


class MeetingReminded(Fact, frozen=True, gc=False, kw_only=True):
    """A scheduled meeting is near."""

    room: str
    entry: str
    """Its name in the schedule."""
    title: str
    starts_at: int
    ends_at: int
    minutes: int
    """Before its beginning."""
    members: tuple[str, ...]
    """Their numbers."""
    mailed: int
    """How many e-mails were handed over."""
