"""What is to be seen in a room, as its meeting stands: pure."""

from msgspec import Struct

from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import Member


class Tile(Struct, frozen=True, gc=False):
    """A member as it is shown to others."""

    member: int
    name: str
    video: bool
    """Whether there is a picture of it; else its name stands for it."""
    muted: bool
    speaking: bool
    host: bool
    hand: bool
    presenter: bool
    camera: bool = False
    """It is a camera, which the composer fetches itself."""


class Scene(Struct, frozen=True, gc=False):
    """A composed picture."""

    room: str
    title: str
    layout: str
    content_in_mix: bool
    first: int | None
    """Who has the best place."""
    tiles: tuple[Tile, ...]
    """Who is here, in the order in which they came."""
    clock: bool = False
    """Whether the time is to be read."""
    self_view: bool = True
    """Whether who sees it is in it."""
    pinned: tuple[tuple[int, int], ...] = ()
    """Members who have somebody else in the best place, and whom."""


def scene(meeting: Meeting) -> Scene:
    """All who are in the room."""
    return Scene(
        meeting.rules.number,
        meeting.rules.title,
        meeting.layout,
        meeting.content_in_mix,
        _first(meeting, None),
        tuple(
            Tile(
                member.id,
                member.name or member.number.rpartition("/")[2],
                member.shows,
                member.muted or not meeting.may_speak(member) or not member.sound,
                meeting.speaker == member.id,
                member.is_host,
                member.hand,
                member.presenter,
                member.is_camera,
            )
            for member in meeting.inside()
        ),
        meeting.rules.clock,
        meeting.rules.self_view,
        tuple(
            (viewer.id, pinned.id)
            for viewer in meeting.inside()
            if viewer.sees and (pinned := _pinned(meeting, viewer)) is not None
        ),
    )


def shown_to(meeting: Meeting, viewer: Member) -> int | None:
    """Whom a member sees where pictures are switched: whom it has pinned, else the room's spotlight, who presents, who
    speaks, or anybody else; never itself, and no camera, whose pictures are the composer's. None: there is nobody to
    be seen."""
    pinned = _pinned(meeting, viewer)
    if pinned is not None and not pinned.is_camera:
        return pinned.id
    return _first(meeting, viewer)


def _pinned(meeting: Meeting, viewer: Member) -> Member | None:
    """Whom a member has pinned, while there is something to be seen of it."""
    pinned = meeting.members.get(viewer.pinned) if viewer.pinned is not None else None
    return pinned if pinned is not None and pinned.is_in and _seen(pinned) else None


def _first(meeting: Meeting, viewer: Member | None) -> int | None:
    composed = viewer is None
    others = [
        member
        for member in meeting.inside()
        if member is not viewer and _seen(member) and (composed or not member.is_camera)
    ]
    for wanted in (
        lambda member: member.id == meeting.spotlight,
        lambda member: member.presenter,
        lambda member: member.id == meeting.speaker,
        lambda member: member.id == meeting.last_seen,
        lambda member: True,
    ):
        found = next(filter(wanted, others), None)
        if found is not None:
            return found.id
    return None


def _seen(member: Member) -> bool:
    return member.shows and not member.lost
