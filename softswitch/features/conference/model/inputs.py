"""What a room is told. Each is one thing that happened, or that somebody wants."""

from typing import Literal

from msgspec import Struct

from softswitch.events.rooms import MemberRole, RoomMode
from softswitch.features.conference.model.members import Terminal
from softswitch.features.conference.model.rules import Invitee, Layout, Rules
from softswitch.kernel.ids import CallId


class Tick(Struct, frozen=True, gc=False):
    """Nothing but time has passed."""


# Members ---------------------------------------------------------------------------------------------------


class Came(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody whom the door has let through is here."""

    call: CallId
    number: str
    name: str = ""
    role: MemberRole = "guest"
    account: str = ""
    name_file: str = ""
    terminal: Terminal = "audio"


class CameBack(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody is here again who was here when the switch was killed."""

    call: CallId
    terminal: Terminal = "audio"


class CameOfCall(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody whom the room has called is here."""

    member: int
    attempt: int
    call: CallId
    name: str = ""
    terminal: Terminal = "audio"


class Lost(Struct, frozen=True, gc=False):
    """A member whose call was to come back after the switch was killed does not: it has ended."""

    member: int
    by_party: bool


class Left(Struct, frozen=True, gc=False):
    """A member has hung up, or went elsewhere."""

    member: int


class Pressed(Struct, frozen=True, gc=False):
    member: int
    key: str


class TerminalIs(Struct, frozen=True, gc=False):
    """A member has begun to send pictures, or does no more."""

    member: int
    terminal: Terminal


class CameraIs(Struct, frozen=True, gc=False):
    """A camera gives pictures (empty), or why it does not."""

    member: int
    lost: str


class Held(Struct, frozen=True, gc=False):
    """A member's phone holds the room, or no more."""

    member: int
    on: bool


class Spoke(Struct, frozen=True, gc=False):
    """It is this member who speaks now."""

    member: int


class Rang(Struct, frozen=True, gc=False):
    member: int
    attempt: int


WhyUnreached = Literal["busy", "declined", "no_answer", "absent", "failed"]


class Unreached(Struct, frozen=True, gc=False):
    member: int
    attempt: int
    reason: WhyUnreached


# What is wanted. `member` names whom it is about, `by` who wants it -----------------------------------------


class Order(Struct, frozen=True, gc=False, kw_only=True):
    by: str


class AddCamera(Order, frozen=True, gc=False, kw_only=True):
    """Fetch a camera as a member, or one of this name from elsewhere."""

    name: str
    source: str = ""
    """Its URL, sealed; empty: it stands in the room's rules."""
    sound: bool = True


class Mute(Order, frozen=True, gc=False, kw_only=True):
    member: int
    on: bool


class Deafen(Order, frozen=True, gc=False, kw_only=True):
    member: int
    on: bool


class SetGain(Order, frozen=True, gc=False, kw_only=True):
    member: int
    gain: float
    """dB."""


class Rename(Order, frozen=True, gc=False, kw_only=True):
    member: int
    name: str


class SetRole(Order, frozen=True, gc=False, kw_only=True):
    member: int
    role: MemberRole


class RaiseHand(Order, frozen=True, gc=False, kw_only=True):
    member: int
    on: bool


class GiveFloor(Order, frozen=True, gc=False, kw_only=True):
    member: int
    on: bool


class NextHand(Order, frozen=True, gc=False, kw_only=True):
    """Give the floor to who raised its hand first; guests who have it have it no more."""


class TurnVideo(Order, frozen=True, gc=False, kw_only=True):
    member: int
    off: bool


class Present(Order, frozen=True, gc=False, kw_only=True):
    member: int
    on: bool


class Pin(Order, frozen=True, gc=False, kw_only=True):
    """Let a member see another, whoever speaks; None: not any more."""

    member: int
    shown: int | None


class Admit(Order, frozen=True, gc=False, kw_only=True):
    """Out of the lobby."""

    member: int


class Kick(Order, frozen=True, gc=False, kw_only=True):
    """Out of the room, or not to be called any more."""

    member: int


class Move(Order, frozen=True, gc=False, kw_only=True):
    """Let a member go on to another room."""

    member: int
    room: str


class MuteGuests(Order, frozen=True, gc=False, kw_only=True):
    on: bool


class Lock(Order, frozen=True, gc=False, kw_only=True):
    on: bool


class SetMode(Order, frozen=True, gc=False, kw_only=True):
    mode: RoomMode


class SetLayout(Order, frozen=True, gc=False, kw_only=True):
    layout: Layout


class MixContent(Order, frozen=True, gc=False, kw_only=True):
    on: bool


class Spotlight(Order, frozen=True, gc=False, kw_only=True):
    """Let all see a member, whoever speaks; None: nobody in particular."""

    shown: int | None


class Record(Order, frozen=True, gc=False, kw_only=True):
    to: Literal["on", "off", "paused"]


class Invite(Order, frozen=True, gc=False, kw_only=True):
    """Call some."""

    invitees: tuple[Invitee, ...]
    attempts: int | None = None
    """How often each; None: as the room is set."""


class End(Order, frozen=True, gc=False, kw_only=True):
    reason: str = "ended"


class Warn(Struct, frozen=True, gc=False):
    """By its schedule the meeting ends in so many minutes."""

    minutes: int


class RulesSet(Struct, frozen=True, gc=False):
    """The room is set otherwise. What holds for the meeting already stays."""

    rules: Rules


Input = (
    Tick
    | Came
    | CameBack
    | CameOfCall
    | Lost
    | Left
    | Pressed
    | TerminalIs
    | CameraIs
    | Held
    | Spoke
    | Rang
    | Unreached
    | AddCamera
    | Mute
    | Deafen
    | SetGain
    | Rename
    | SetRole
    | RaiseHand
    | GiveFloor
    | NextHand
    | TurnVideo
    | Present
    | Pin
    | Admit
    | Kick
    | Move
    | MuteGuests
    | Lock
    | SetMode
    | SetLayout
    | MixContent
    | Spotlight
    | Record
    | Invite
    | End
    | RulesSet
    | Warn
)
