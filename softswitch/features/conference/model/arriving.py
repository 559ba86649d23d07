"""Members come, go, and are called."""

from typing import Literal

from softswitch.events import (
    MemberInvited,
    MemberJoined,
    MemberLeft,
    MemberRang,
    MemberUnreached,
    MemberWaits,
    RoomClosed,
    RoomRefused,
    SpeakerChanged,
)
from softswitch.features.conference.model import cameras
from softswitch.features.conference.model.effects import Call, Count, Drop, Place, Recording, Redraw, Spoken, StopCall
from softswitch.features.conference.model.inputs import Came, CameOfCall, Held, Rang, Spoke, TerminalIs, Unreached
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import Member, Terminal, same_person
from softswitch.features.conference.model.rules import MOST_MEMBERS, Invitee
from softswitch.kernel.ids import CallId

CALLED_AT_ONCE = 20
"""By one room; the others follow as these come, or do not."""


def came(meeting: Meeting, told: Came) -> None:
    """Somebody has come through the door."""
    reason: Literal["full", "locked"] | None = None
    if meeting.is_full(told.role):
        reason = "full"
    elif meeting.locked and told.role != "host":
        reason = "locked"
    if reason is not None:
        meeting.out.append(
            RoomRefused(
                at=meeting.now,
                room=meeting.rules.number,
                of_call=told.call,
                by=f"account/{told.account}" if told.account else "",
                from_number=told.number,
                reason=reason,
            )
        )
        meeting.refuse(reason, f"the room is {reason}")
        return
    member = _awaited(meeting, told)
    if member is None:
        member = Member(id=meeting.new_id(), number=told.number, state="lobby")
        meeting.members[member.id] = member
    elif member.state in ("calling", "ringing"):
        meeting.out.append(StopCall(member.id))
    member.name = member.name or told.name
    member.account, member.name_file = told.account, told.name_file
    if member.role != "host":
        member.role = told.role
    _arrive(meeting, member, told.call, told.terminal)


def came_of_call(meeting: Meeting, told: CameOfCall) -> None:
    """Somebody whom the room has called has answered."""
    member = meeting.members.get(told.member)
    if member is None or member.state not in ("calling", "ringing") or told.attempt != member.attempts:
        meeting.refuse("not-wanted", "nobody waits for this answer any more")
        return
    member.name = member.name or told.name
    _arrive(meeting, member, told.call, told.terminal)


def _awaited(meeting: Meeting, told: Came) -> Member | None:
    """The member that somebody is who comes by itself before a call of the room has reached it."""
    for member in meeting.members.values():
        awaited = member.invited and member.state in ("invited", "calling", "ringing", "unreached")
        if awaited and same_person(member, told.account, told.number):
            # A number is what a caller says of itself: who is to be host proves who it is, or knows the hosts' PIN.
            if member.is_host and told.role != "host" and not same_person(member, told.account, ""):
                continue
            return member
    return None


def _arrive(meeting: Meeting, member: Member, call: CallId, terminal: Terminal) -> None:
    meeting.wanted.pop(member.id, None)
    member.call, member.terminal, member.again_at, member.unreached, member.left = call, terminal, None, "", ""
    member.away = False
    meeting.keys.pop(member.id, None)
    if member.is_host or not meeting.rules.lobby or meeting.has_host():
        let_in(meeting, member)
        return
    member.state = "lobby"
    meeting.out.append(
        MemberWaits(
            at=meeting.now,
            call=call,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            number=member.number,
            name=member.name,
        )
    )
    meeting.out.append(Place(member.id, "lobby"))


def let_in(meeting: Meeting, member: Member) -> None:
    """Into the mix."""
    assert member.call is not None
    others = any(other.state == "in" for other in meeting.people())
    member.state, member.joined_at = "in", meeting.now
    meeting.most = max(meeting.most, sum(other.state == "in" for other in meeting.people()))
    meeting.sound_forgotten(member)
    meeting.out.append(
        MemberJoined(
            at=meeting.now,
            call=member.call,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            number=member.number,
            name=member.name,
            role=member.role,
            invited=member.invited,
        )
    )
    meeting.out.append(Place(member.id, "mix"))
    meeting.level(member)
    meeting.out.append(Redraw())
    if meeting.rules.record and meeting.recording == "off" and not others:
        meeting.recording = "on"
        meeting.out.append(Recording("on"))
        meeting.tell_room("the room's rules")
    _greet(meeting, member, others)
    if member.is_host:
        for waiting in [each for each in meeting.here() if each.state == "lobby"]:
            let_in(meeting, waiting)


def _greet(meeting: Meeting, member: Member, others: bool) -> None:
    """A member comes in: the others hear so, and it hears how things stand."""
    prompts: list[Spoken] = []
    if meeting.rules.counts and others:
        there = sum(other.state == "in" for other in meeting.people()) - 1
        prompts += ["conference/others", Count(there)]
    if not others:
        prompts.append("conference/alone")
    elif meeting.rules.announce == "name" and member.name_file:
        meeting.announce("conference/has-joined", member.name_file)
    elif meeting.rules.announce != "none":
        meeting.announce("tone:entry")
    if not meeting.may_speak(member):
        prompts.append("conference/you-are-muted")
    if meeting.recording == "on":
        prompts.append("conference/is-recorded")
    if prompts:
        meeting.say(member, *prompts)


def left(meeting: Meeting, member: Member, reason: str) -> None:
    """A member is here no more."""
    assert member.call is not None
    was_in = member.state == "in"
    meeting.out.append(
        MemberLeft(
            at=meeting.now,
            call=member.call,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            reason=reason,
        )
    )
    meeting.forget(member, reason)
    if not was_in or meeting.closed:
        return
    meeting.out.append(Redraw())
    if member.is_host and meeting.rules.ends_with_host and not meeting.has_host():
        end(meeting, "host_left")
    elif any(other.state == "in" for other in meeting.people()):
        if meeting.rules.announce == "name" and member.name_file:
            meeting.announce("conference/has-left", member.name_file)
        elif meeting.rules.announce != "none":
            meeting.announce("tone:exit")


def end(meeting: Meeting, reason: str) -> None:
    """The meeting is over: all are let go, and nobody is called any more."""
    meeting.closed = reason
    for member in list(meeting.members.values()):
        if member.state in ("invited", "calling", "ringing"):
            called_no_more(meeting, member)
        elif member.call is not None:
            call = member.call
            left(meeting, member, reason)
            meeting.out.append(Drop(call, member.id, "conference/ended"))
    _let_cameras_go(meeting)


def _let_cameras_go(meeting: Meeting) -> None:
    for member in list(meeting.inside()):
        cameras.leave(meeting, member, meeting.closed)


def _numbers(meeting: Meeting, *, came: bool) -> tuple[str, ...]:
    """Of those who were in the room, or of those whom it called and who did not come."""
    return tuple(
        member.number
        for member in meeting.members.values()
        if not member.is_camera and (member.joined_at is not None) == came and (came or member.invited)
    )


def close_if_over(meeting: Meeting) -> bool:
    """Whether the meeting is over; told once."""
    if not meeting.closed and not any(True for _ in meeting.people()) and not meeting.awaited():
        meeting.closed = "empty"
        _let_cameras_go(meeting)
    if not meeting.closed:
        return False
    if meeting.recording != "off":
        meeting.recording = "off"
        meeting.out.append(Recording("off"))
    meeting.out.append(
        RoomClosed(
            at=meeting.now,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            reason=meeting.closed,
            most=meeting.most,
            came=_numbers(meeting, came=True),
            missed=_numbers(meeting, came=False),
        )
    )
    return True


def terminal_is(meeting: Meeting, told: TerminalIs) -> None:
    """A member's phone has pictures now, or none any more."""
    member = meeting.members.get(told.member)
    if member is not None and member.terminal != told.terminal:
        member.terminal = told.terminal
        meeting.tell_member(member, f"member {member.id}")


def held(meeting: Meeting, told: Held) -> None:
    """A member's phone holds the room, or no more."""
    member = meeting.members.get(told.member)
    if member is not None and member.call is not None and member.held != told.on:
        member.held = told.on
        meeting.tell_member(member, f"member {member.id}")


def spoke(meeting: Meeting, told: Spoke) -> None:
    """Another member speaks, by the mix, which takes its time to say so."""
    member = meeting.members.get(told.member)
    if member is None or not member.is_in or meeting.speaker == member.id:
        return
    meeting.speaker = member.id
    if member.shows:
        meeting.last_seen = member.id
    meeting.out.append(
        SpeakerChanged(at=meeting.now, room=meeting.rules.number, meeting=meeting.began_at, member=member.id)
    )
    meeting.out.append(Redraw())


# Who is called --------------------------------------------------------------------------------------------


def invite(meeting: Meeting, invitee: Invitee, attempts: int | None) -> None:
    """Call somebody, unless it is here or called already."""
    for member in meeting.members.values():
        if member.number == invitee.number or same_person(member, *_known_as(invitee)):
            if member.state in ("unreached", "left"):
                member.state, member.attempts, member.again_at = "invited", 0, meeting.now
                member.invited = True
                meeting.wanted[member.id] = member
            return
    if len(meeting.members) >= 2 * MOST_MEMBERS:
        meeting.refuse("too-many", "the meeting has had too many members")
        return
    member = Member(
        id=meeting.new_id(),
        number=invitee.number,
        name=invitee.name,
        role=invitee.role,
        state="invited",
        invited=True,
        confirm=invitee.confirm,
        again_at=meeting.now,
        most_attempts=attempts or meeting.rules.attempts,
    )
    meeting.members[member.id] = meeting.wanted[member.id] = member


def _known_as(invitee: Invitee) -> tuple[str, str]:
    accounts = invitee.accounts
    return (accounts[0], accounts[0]) if accounts else ("", "")


def call_due(meeting: Meeting) -> None:
    """Call those whose time has come, some at once."""
    under_way = sum(member.state != "invited" for member in meeting.wanted.values())
    for member in meeting.wanted.values():
        if under_way >= CALLED_AT_ONCE:
            return
        if member.state != "invited" or member.again_at is None or member.again_at > meeting.now:
            continue
        under_way += 1
        member.state, member.again_at = "calling", None
        member.attempts += 1
        meeting.out.append(Call(member.id, member.attempts, member.number, member.name, member.confirm))
        meeting.out.append(
            MemberInvited(
                at=meeting.now,
                room=meeting.rules.number,
                meeting=meeting.began_at,
                member=member.id,
                number=member.number,
                attempt=member.attempts,
            )
        )


def next_call(meeting: Meeting) -> int | None:
    """When somebody is called next; None: nobody waits for that alone."""
    if sum(member.state != "invited" for member in meeting.wanted.values()) >= CALLED_AT_ONCE:
        return None
    due = (member.again_at for member in meeting.wanted.values() if member.state == "invited")
    return min((at for at in due if at is not None), default=None)


def rang(meeting: Meeting, told: Rang) -> None:
    member = meeting.members.get(told.member)
    if member is not None and member.state == "calling" and member.attempts == told.attempt:
        member.state = "ringing"
        meeting.out.append(
            MemberRang(
                at=meeting.now,
                room=meeting.rules.number,
                meeting=meeting.began_at,
                member=member.id,
                number=member.number,
            )
        )


def unreached(meeting: Meeting, told: Unreached) -> None:
    """An attempt has failed. Who declines is not asked again."""
    member = meeting.members.get(told.member)
    if member is None or member.state not in ("calling", "ringing") or member.attempts != told.attempt:
        return
    again = told.reason != "declined" and member.attempts < member.most_attempts
    member.state = "invited" if again else "unreached"
    member.again_at = meeting.now + meeting.rules.retry_seconds * 1000 if again else None
    if not again:
        del meeting.wanted[member.id]
    tell_unreached(meeting, member, told.reason)


def called_no_more(meeting: Meeting, member: Member) -> None:
    """Whoever wanted somebody called wants it no more."""
    if member.state in ("calling", "ringing"):
        meeting.out.append(StopCall(member.id))
    member.state, member.again_at = "unreached", None
    meeting.wanted.pop(member.id, None)
    tell_unreached(meeting, member, "cancelled")


Reason = Literal["busy", "declined", "no_answer", "absent", "failed", "cancelled", "restart"]


def tell_unreached(meeting: Meeting, member: Member, reason: Reason) -> None:
    """An attempt to reach somebody has come to nothing."""
    member.unreached = reason
    meeting.out.append(
        MemberUnreached(
            at=meeting.now,
            room=meeting.rules.number,
            meeting=meeting.began_at,
            member=member.id,
            number=member.number,
            name=member.name,
            reason=reason,
            attempt=member.attempts,
            again_at=member.again_at,
        )
    )
