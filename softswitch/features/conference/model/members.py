"""Who is in a room, was in it, or is called by it."""

from typing import Literal

from msgspec import Struct

from softswitch.events.rooms import MemberRole, MemberTerminal
from softswitch.kernel.ids import CallId

State = Literal["invited", "calling", "ringing", "lobby", "in", "left", "unreached"]
"""`invited`: it will be called, again perhaps. `unreached`: it was called often enough, and did not come."""
Terminal = MemberTerminal
Kind = Literal["phone", "camera"]
HERE = ("lobby", "in")
SHOW: tuple[Terminal, ...] = ("video", "camera")
"""Terminals that send pictures."""
SEE: tuple[Terminal, ...] = ("video", "screen")
"""Terminals that take pictures."""


class Member(Struct, kw_only=True, omit_defaults=True):
    """One of them."""

    id: int
    """Counted from 1 in each meeting."""
    number: str
    """Its own, or what is called."""
    kind: Kind = "phone"
    name: str = ""
    role: MemberRole = "guest"
    account: str = ""
    state: State
    call: CallId | None = None
    """Its call while it is here; a camera has none."""
    terminal: Terminal = "audio"
    joined_at: int | None = None
    name_file: str = ""
    """Where it has said its name; empty: nowhere."""
    muted: bool = False
    """By itself."""
    muted_by_host: bool = False
    held: bool = False
    """Its phone holds the room: whatever it sends meanwhile, music say, is not heard."""
    deaf: bool = False
    gain: float = 0.0
    hand: bool = False
    hand_at: int | None = None
    """Since when its hand is raised: they are a queue."""
    floor: bool = False
    """It may speak where only who has the floor does."""
    video_off: bool = False
    presenter: bool = False
    """Its content, or its picture, is what is presented."""
    pinned: int | None = None
    """Whom it alone has chosen to see."""
    invited: bool = False
    confirm: bool = False
    attempts: int = 0
    most_attempts: int = 1
    again_at: int | None = None
    """When it is called again."""
    unreached: str = ""
    """Why the last attempt failed."""
    left: str = ""
    """How it left."""
    away: bool = False
    """The switch was killed while it was here, or was about to be, and its call has not come back yet."""
    source: str = ""
    """Where a camera is fetched, sealed; empty: where the room's rules say so."""
    sound: bool = True
    """Whether a camera's sound is fetched, too."""
    lost: str = ""
    """Why a camera gives no pictures; empty: it does."""

    @property
    def is_host(self) -> bool:
        return self.role == "host"

    @property
    def is_camera(self) -> bool:
        return self.kind == "camera"

    @property
    def shows(self) -> bool:
        """Whether its terminal sends pictures, and they are wanted."""
        return self.terminal in SHOW and not self.video_off

    @property
    def sees(self) -> bool:
        """Whether its terminal takes pictures."""
        return self.terminal in SEE

    @property
    def is_in(self) -> bool:
        """Whether it is in the mix."""
        return self.state == "in" and not self.away


def same_person(member: Member, account: str, number: str) -> bool:
    """Whether somebody who comes by itself is a member that is called, or was."""
    wanted = member.number.removeprefix("account/")
    return wanted in {account, number} - {""}
