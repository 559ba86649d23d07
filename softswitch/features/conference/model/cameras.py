"""Cameras are members that nobody calls: each is fetched while it is here, and again when it breaks off."""

from softswitch.events import CameraChanged, CameraJoined, CameraLeft
from softswitch.features.conference.model.effects import CloseCamera, OpenCamera, Redraw
from softswitch.features.conference.model.inputs import AddCamera, CameraIs
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import Member
from softswitch.features.conference.model.rules import MOST_CAMERAS

FETCHED = "it is being fetched"
"""Why one gives no picture that has just come."""


def come(meeting: Meeting) -> None:
    """Those of the room's rules, as the meeting begins."""
    for camera in meeting.rules.cameras:
        add(meeting, AddCamera(by="the room's rules", name=camera.name, sound=camera.sound))


def add(meeting: Meeting, told: AddCamera) -> None:
    """One comes, or one of the same name is fetched from elsewhere: then all that was set of it holds on."""
    member = named(meeting, told.name)
    if member is not None:
        meeting.out.append(CloseCamera(member.id))
        member.source, member.sound = told.source, told.sound
        meeting.sound_forgotten(member)
        _fetch(meeting, member)
        return
    if sum(1 for other in meeting.inside() if other.is_camera) >= MOST_CAMERAS:
        meeting.refuse("too-many-cameras", f"a room shows {MOST_CAMERAS} cameras at the most")
        return
    member = Member(
        id=meeting.new_id(),
        kind="camera",
        number=_number(told.name),
        name=told.name,
        source=told.source,
        sound=told.sound,
        state="in",
        terminal="camera",
        joined_at=meeting.now,
    )
    meeting.members[member.id] = member
    meeting.out.append(
        CameraJoined(
            at=meeting.now,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            name=member.name,
            sound=member.sound,
            by=told.by,
        )
    )
    _fetch(meeting, member)


def resume(meeting: Meeting, member: Member) -> None:
    """It was here when the switch was killed: all that was set of it holds."""
    meeting.sound_forgotten(member)
    _fetch(meeting, member)


def camera_is(meeting: Meeting, told: CameraIs) -> None:
    """It gives pictures, or gives none, and why."""
    member = meeting.members.get(told.member)
    if member is not None and member.is_in and member.lost != told.lost:
        _tell_lost(meeting, member, told.lost)


def leave(meeting: Meeting, member: Member, reason: str) -> None:
    """It is fetched no more."""
    meeting.out.append(
        CameraLeft(
            at=meeting.now,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            reason=reason,
        )
    )
    meeting.out.append(CloseCamera(member.id))
    meeting.forget(member, reason)
    if not meeting.closed:
        meeting.out.append(Redraw())


def named(meeting: Meeting, name: str) -> Member | None:
    """The one that came under a name, whatever it is called now."""
    return next((each for each in meeting.inside() if each.is_camera and each.number == _number(name)), None)


def _number(name: str) -> str:
    return f"camera/{name}"


def _fetch(meeting: Meeting, member: Member) -> None:
    meeting.out.append(OpenCamera(member.id, member.number.partition("/")[2], member.source, member.sound))
    meeting.level(member)
    _tell_lost(meeting, member, FETCHED)


def _tell_lost(meeting: Meeting, member: Member, lost: str) -> None:
    member.lost = lost
    meeting.out.append(
        CameraChanged(
            at=meeting.now,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            lost=lost,
        )
    )
    meeting.out.append(Redraw())
