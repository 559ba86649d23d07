"""Who is in a conference room, as others may see it (RFC 4575)."""

from typing import Literal

from msgspec import Struct

from softswitch.kernel.media import Direction

Status = Literal["connected", "on-hold", "pending", "dialing-out", "alerting", "disconnected"]
"""RFC 4575 section 5.7.3; `pending`: somebody waits in the lobby, or will be called."""


class RosterMember(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody in a room, on the way there, or in its lobby."""

    id: int
    """Its number in the room."""
    number: str
    """Whom it is reached by; empty: it hides, or has none."""
    name: str = ""
    role: str = "participant"
    """`host` or `participant`."""
    status: Status = "connected"
    unreached: str = ""
    """Why, of somebody who was called and did not come (`disconnected`)."""
    called: bool = False
    """Whether the room called it; otherwise it has dialled in."""
    since: int | None = None
    """When it came, wall milliseconds."""
    sound: Direction = Direction.SENDRECV
    """Seen from the member: without sending it is muted, without receiving it is deaf."""
    picture: Direction | None = None
    """The same of its video; None: it has none."""


class Roster(Struct, frozen=True, gc=False):
    """A room and who is in it."""

    title: str
    members: tuple[RosterMember, ...]
    locked: bool = False
    most: int | None = None
    """So many may be in it; None: no limit."""
