"""A meeting goes on in another process than it began in: who was here comes back, and who was called is called on."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from softswitch.events import MemberResumed, RoomMode
from softswitch.features.conference.model import arriving, cameras
from softswitch.features.conference.model.effects import Place, Recording, Redraw
from softswitch.features.conference.model.inputs import CameBack, Lost
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import HERE, Member
from softswitch.features.conference.model.rules import Layout, Rules
from softswitch.kernel.ids import CallId, LegId

AWAY_MS = 10_000
"""How long those are awaited whose calls have outlived the switch."""
AGAIN_MS = 2000
"""After which somebody is called again whose phone rang: by then those are back who were here."""
STALE_MS = 300_000
"""After so long without a switch nobody waits to be called any more."""


class Kept(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written down of a meeting. How the room is set is not: that is stored anyway."""

    room: str
    began_at: int
    count: int
    members: tuple[Member, ...]
    mode: RoomMode
    locked: bool = False
    guests_muted: bool = False
    layout: Layout
    content_in_mix: bool = False
    spotlight: int | None = None
    recording: Literal["off", "on", "paused"] = "off"
    last_seen: int | None = None
    most: int = 0
    warned: int | None = None
    legs: dict[int, LegId]
    """Of members who are here."""
    calls: dict[int, CallId]
    """By which those are called who have not come yet."""
    recorded: int = 0
    """How many recordings were begun."""
    recording_to: str = ""
    """The file of the one that goes on, below the data folder, without an ending."""
    recording_began: float = 0.0
    """When it did, by the monotonic clock, which is that of all processes of this machine."""


def kept(meeting: Meeting, legs: dict[int, LegId], calls: dict[int, CallId]) -> Kept:
    """A meeting as it is now. The rest is what those know who carry it out."""
    return Kept(
        room=meeting.rules.number,
        began_at=meeting.began_at,
        count=meeting.count,
        members=tuple(meeting.members.values()),
        mode=meeting.mode,
        locked=meeting.locked,
        guests_muted=meeting.guests_muted,
        layout=meeting.layout,
        content_in_mix=meeting.content_in_mix,
        spotlight=meeting.spotlight,
        recording=meeting.recording,
        last_seen=meeting.last_seen,
        most=meeting.most,
        warned=meeting.warned,
        legs=legs,
        calls=calls,
    )


def restored(rules: Rules, kept: Kept) -> Meeting:
    """The meeting that was written down; `resume` is to be told of it first."""
    meeting = Meeting(rules, kept.began_at)
    meeting.members = {member.id: member for member in kept.members}
    meeting.count = kept.count
    meeting.mode, meeting.locked, meeting.guests_muted = kept.mode, kept.locked, kept.guests_muted
    meeting.layout, meeting.content_in_mix, meeting.spotlight = kept.layout, kept.content_in_mix, kept.spotlight
    meeting.recording, meeting.last_seen, meeting.most = kept.recording, kept.last_seen, kept.most
    meeting.warned = kept.warned
    return meeting


def resume(meeting: Meeting, calls: dict[int, CallId], lives: Callable[[CallId], bool], away_ms: int) -> None:
    """Go on. `calls` are those of members who were called, `lives` tells which calls have outlived the switch, which
    was away for so long."""
    meeting.records_again = meeting.recording == "on"
    meeting.away_until = meeting.now + AWAY_MS
    for member in list(meeting.members.values()):
        if member.is_camera and member.is_in:
            cameras.resume(meeting, member)
        elif member.state in HERE:
            assert member.call is not None
            member.away = lives(member.call)
            if not member.away:
                arriving.left(meeting, member, "restart")
        elif member.state in ("invited", "calling", "ringing"):
            meeting.wanted[member.id] = member
            call = calls.get(member.id)
            member.away = call is not None and lives(call)  # it has answered, and is on its way into the room
            if away_ms > STALE_MS:
                arriving.called_no_more(meeting, member)
            elif member.state == "invited":
                member.again_at = max(member.again_at or 0, meeting.now + AGAIN_MS)
            elif not member.away:
                _call_again(meeting, member)


def _call_again(meeting: Meeting, member: Member) -> None:
    """The attempt that died with the switch is none of those that somebody has."""
    member.state, member.again_at, member.away = "invited", meeting.now + AGAIN_MS, False
    member.most_attempts += 1
    arriving.tell_unreached(meeting, member, "restart")


def awaited(meeting: Meeting, call: CallId) -> Member | None:
    """Whoever was here by a call, and is to come back."""
    return next((member for member in meeting.members.values() if member.away and member.call == call), None)


def came_back(meeting: Meeting, told: CameBack) -> None:
    """Somebody is back where it was. Neither it nor anybody else hears of it, and all that was set of it holds."""
    member, terminal = awaited(meeting, told.call), told.terminal
    if member is None:
        meeting.refuse("not-wanted", "nobody waits for this call any more")
        return
    member.away = False
    meeting.out.append(
        MemberResumed(
            at=meeting.now,
            call=told.call,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
        )
    )
    if member.state == "lobby":
        meeting.out.append(Place(member.id, "lobby", again=True))
        return
    meeting.sound_forgotten(member)
    meeting.out.append(Place(member.id, "mix", again=True))
    meeting.level(member)
    if member.terminal != terminal:
        member.terminal = terminal
        meeting.tell_member(member, f"member {member.id}")
    if meeting.records_again:
        meeting.records_again = False
        meeting.out.append(Recording("on", again=True))
    meeting.out.append(Redraw())


def lost(meeting: Meeting, told: Lost) -> None:
    """The call of somebody who is awaited has ended."""
    member = meeting.members.get(told.member)
    if member is not None and member.away:
        _gone(meeting, member, "left" if told.by_party else "restart")


def _gone(meeting: Meeting, member: Member, reason: str) -> None:
    if member.call is not None:
        arriving.left(meeting, member, reason)
    else:
        _call_again(meeting, member)


def end_of_waiting(meeting: Meeting) -> None:
    """Who is not back by now has left."""
    if meeting.away_until is not None and meeting.now >= meeting.away_until:
        meeting.away_until = None
        for member in list(meeting.members.values()):
            if member.away and not meeting.closed:
                _gone(meeting, member, "restart")
