"""What members and those who watch over a room want of it."""

from collections.abc import Callable
from typing import Any

from softswitch.features.conference.model import arriving, cameras, inputs
from softswitch.features.conference.model.effects import Drop, Recording, Redraw
from softswitch.features.conference.model.keypad import Action, Keys
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import HERE, Member
from softswitch.features.conference.model.rules import LAYOUTS

MOST_GAIN = 20.0
"""dB, either way."""


def _here(meeting: Meeting, id: int) -> Member | None:
    member = meeting.members.get(id)
    if member is None or member.state not in HERE:
        meeting.knows_no(id)
        return None
    return member


# Of one member ----------------------------------------------------------------------------------------------


def mute(meeting: Meeting, told: inputs.Mute) -> None:
    """By somebody else: then the member cannot take it back itself."""
    member = _here(meeting, told.member)
    if member is not None and (member.muted_by_host != told.on or (not told.on and member.muted)):
        member.muted_by_host = told.on
        member.muted = member.muted and told.on
        meeting.say(member, "conference/muted-by-host" if told.on else "conference/unmuted")
        meeting.tell_member(member, told.by)


def deafen(meeting: Meeting, told: inputs.Deafen) -> None:
    if (member := _here(meeting, told.member)) is not None:
        member.deaf = told.on
        meeting.tell_member(member, told.by)


def set_gain(meeting: Meeting, told: inputs.SetGain) -> None:
    if not abs(told.gain) <= MOST_GAIN:
        meeting.refuse("gain", f"a gain is from -{MOST_GAIN:.0f} to {MOST_GAIN:.0f} dB")
    elif (member := _here(meeting, told.member)) is not None:
        member.gain = told.gain
        meeting.tell_member(member, told.by)


def rename(meeting: Meeting, told: inputs.Rename) -> None:
    member = meeting.members.get(told.member)
    if member is None:
        meeting.knows_no(told.member)
        return
    member.name = told.name
    meeting.tell_member(member, told.by)


def set_role(meeting: Meeting, told: inputs.SetRole) -> None:
    member = _here(meeting, told.member)
    if member is not None and member.is_camera:
        meeting.refuse("camera", "a camera is no host")
    elif member is not None and member.role != told.role:
        member.role = told.role
        meeting.tell_member(member, told.by)
        if member.is_host and member.state == "lobby":
            arriving.let_in(meeting, member)
        elif member.is_host and member.is_in:
            for waiting in [each for each in meeting.here() if each.state == "lobby"]:
                arriving.let_in(meeting, waiting)


def raise_hand(meeting: Meeting, told: inputs.RaiseHand) -> None:
    if (member := _here(meeting, told.member)) is not None and member.hand != told.on and not member.is_camera:
        _hand(meeting, member, told.on, told.by)


def _hand(meeting: Meeting, member: Member, on: bool, by: str) -> None:
    member.hand, member.hand_at = on, meeting.now if on else None
    meeting.say(member, "conference/hand-raised" if on else "conference/hand-lowered")
    if on:
        for host in meeting.inside():
            if host.is_host and host is not member:
                meeting.say(host, "conference/somebody-asks")
    meeting.tell_member(member, by)


def give_floor(meeting: Meeting, told: inputs.GiveFloor) -> None:
    """Who has the floor is heard where others are not; its hand is down with that."""
    if (member := _here(meeting, told.member)) is not None and member.floor != told.on:
        member.floor = told.on
        if told.on:
            member.hand, member.hand_at = False, None
            member.muted_by_host = False
        meeting.say(member, "conference/you-have-the-floor" if told.on else "conference/you-are-muted")
        meeting.tell_member(member, told.by)


def next_hand(meeting: Meeting, told: inputs.NextHand) -> None:
    """Who has asked first speaks; whoever spoke before has done so."""
    asking = [(member.hand_at, member.id) for member in meeting.in_room() if member.hand_at is not None]
    if not asking:
        meeting.refuse("no-hand", "nobody has raised a hand")
        return
    first = min(asking)[1]
    for member in list(meeting.in_room()):
        if member.floor and not member.is_host and member.id != first:
            give_floor(meeting, inputs.GiveFloor(by=told.by, member=member.id, on=False))
    give_floor(meeting, inputs.GiveFloor(by=told.by, member=first, on=True))


def turn_video(meeting: Meeting, told: inputs.TurnVideo) -> None:
    if (member := _here(meeting, told.member)) is not None:
        member.video_off = told.off
        meeting.tell_member(member, told.by)


def present(meeting: Meeting, told: inputs.Present) -> None:
    """One presents at a time."""
    if (member := _here(meeting, told.member)) is None:
        return
    for other in meeting.here():
        if other.presenter and other is not member and told.on:
            other.presenter = False
            meeting.tell_member(other, told.by)
    member.presenter = told.on
    meeting.tell_member(member, told.by)


def pin(meeting: Meeting, told: inputs.Pin) -> None:
    member = _here(meeting, told.member)
    if member is not None and (told.shown is None or _here(meeting, told.shown) is not None):
        member.pinned = told.shown
        meeting.tell_member(member, told.by)


def admit(meeting: Meeting, told: inputs.Admit) -> None:
    member = _here(meeting, told.member)
    if member is not None and member.state == "lobby":
        arriving.let_in(meeting, member)


def kick(meeting: Meeting, told: inputs.Kick) -> None:
    member = meeting.members.get(told.member)
    if member is None or member.state in ("left", "unreached"):
        meeting.knows_no(told.member)
    elif member.is_camera:
        cameras.leave(meeting, member, "kicked")
    elif member.call is None:
        arriving.called_no_more(meeting, member)
    else:
        call = member.call
        arriving.left(meeting, member, "kicked")
        meeting.out.append(Drop(call, member.id, "conference/removed"))


def move(meeting: Meeting, told: inputs.Move) -> None:
    """It has left this meeting, and takes the name along that it has said."""
    member = _here(meeting, told.member)
    if member is None:
        return
    if member.call is None or member.away:
        meeting.refuse("not-here", f"member {member.id} is no phone that is in the room now")
        return
    call = member.call
    arriving.left(meeting, member, "moved")
    member.name_file = ""
    meeting.out.append(Drop(call, member.id, "", told.room))


# Of all -----------------------------------------------------------------------------------------------------


def mute_guests(meeting: Meeting, told: inputs.MuteGuests) -> None:
    if meeting.guests_muted != told.on:
        meeting.guests_muted = told.on
        meeting.announce("conference/guests-muted" if told.on else "conference/guests-unmuted")
        meeting.tell_room(told.by)


def lock(meeting: Meeting, told: inputs.Lock) -> None:
    if meeting.locked != told.on:
        meeting.locked = told.on
        meeting.announce("conference/locked" if told.on else "conference/unlocked")
        meeting.tell_room(told.by)


def set_mode(meeting: Meeting, told: inputs.SetMode) -> None:
    """With another mode nobody has the floor any more."""
    if meeting.mode == told.mode:
        return
    meeting.mode = told.mode
    for member in list(meeting.here()):
        if member.floor or member.hand:
            member.floor = member.hand = False
            member.hand_at = None
            meeting.tell_member(member, told.by)
    meeting.tell_room(told.by)


def set_layout(meeting: Meeting, told: inputs.SetLayout) -> None:
    meeting.layout = told.layout
    meeting.tell_room(told.by)


def mix_content(meeting: Meeting, told: inputs.MixContent) -> None:
    meeting.content_in_mix = told.on
    meeting.tell_room(told.by)


def spotlight(meeting: Meeting, told: inputs.Spotlight) -> None:
    if told.shown is None or _here(meeting, told.shown) is not None:
        meeting.spotlight = told.shown
        meeting.tell_room(told.by)


def record(meeting: Meeting, told: inputs.Record) -> None:
    if meeting.recording == told.to:
        return
    if told.to == "paused" and meeting.recording == "off":
        meeting.refuse("not-recorded", "nothing is recorded")
        return
    if told.to == "on":
        # Who is recorded hears so first; then it begins.
        meeting.announce("conference/recording-on" if meeting.recording == "off" else "conference/recording-resumed")
    meeting.out.append(Recording(told.to))
    if told.to != "on":
        meeting.announce("conference/recording-off" if told.to == "off" else "conference/recording-paused")
    meeting.recording = told.to
    meeting.tell_room(told.by)


def invite(meeting: Meeting, told: inputs.Invite) -> None:
    for invitee in told.invitees:
        if invitee.number:
            arriving.invite(meeting, invitee, told.attempts)


def end(meeting: Meeting, told: inputs.End) -> None:
    arriving.end(meeting, told.reason)


def set_rules(meeting: Meeting, told: inputs.RulesSet) -> None:
    meeting.rules = told.rules
    meeting.out.append(Redraw())


# By keys ----------------------------------------------------------------------------------------------------


def pressed(meeting: Meeting, told: inputs.Pressed) -> None:
    """A member pressed a key of its phone."""
    member = meeting.members.get(told.member)
    if member is None or not member.is_in:
        return
    keys = meeting.keys.setdefault(member.id, Keys())
    action = keys.press(told.key, meeting.now)
    if action in _FOR_HOSTS and not member.is_host:
        meeting.say(member, "conference/hosts-only")
    elif action is not None:
        _BY_KEY[action](meeting, member, f"member {member.id}")


def _mute_self(meeting: Meeting, member: Member, by: str) -> None:
    if not member.muted and not meeting.heard_by_hosts(member):
        meeting.say(member, "conference/muted-by-host")
        return
    member.muted = not member.muted
    meeting.say(member, "conference/muted" if member.muted else "conference/unmuted")
    meeting.tell_member(member, by)


def _next_layout(meeting: Meeting, member: Member, by: str) -> None:
    meeting.layout = LAYOUTS[(LAYOUTS.index(meeting.layout) + 1) % len(LAYOUTS)]
    meeting.say(member, "conference/layout")
    meeting.tell_room(by)


def _content(meeting: Meeting, member: Member, by: str) -> None:
    meeting.say(member, "conference/content-off" if meeting.content_in_mix else "conference/content-on")
    mix_content(meeting, inputs.MixContent(by=by, on=not meeting.content_in_mix))


def _help(meeting: Meeting, member: Member, by: str) -> None:
    meeting.say(member, *(("conference/help", "conference/help-host") if member.is_host else ("conference/help",)))


def _next_hand(meeting: Meeting, member: Member, by: str) -> None:
    if any(other.hand for other in meeting.in_room()):
        next_hand(meeting, inputs.NextHand(by=by))
    else:
        meeting.say(member, "conference/nobody-asks")


_FOR_HOSTS: frozenset[Action | None] = frozenset(("mute_guests", "lock", "layout", "content", "next_hand", "end"))
_BY_KEY: dict[Action, Callable[[Meeting, Member, str], Any]] = {
    "mute": _mute_self,
    "mute_guests": lambda meeting, member, by: mute_guests(
        meeting, inputs.MuteGuests(by=by, on=not meeting.guests_muted)
    ),
    "lock": lambda meeting, member, by: lock(meeting, inputs.Lock(by=by, on=not meeting.locked)),
    "layout": _next_layout,
    "content": _content,
    "hand": lambda meeting, member, by: _hand(meeting, member, not member.hand, by),
    "next_hand": _next_hand,
    "end": lambda meeting, member, by: arriving.end(meeting, "ended"),
    "help": _help,
}
