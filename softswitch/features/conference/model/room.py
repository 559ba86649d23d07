"""The machine of a room."""

from collections.abc import Callable
from typing import Any

from softswitch.events import RoomOpened
from softswitch.features.conference.model import arriving, cameras, duration, inputs, ordering, returning
from softswitch.features.conference.model.effects import Effect
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.returning import Kept
from softswitch.features.conference.model.rules import Rules
from softswitch.kernel.ids import CallId


class Room:
    """One meeting of a room, from its beginning to its end. Times are wall milliseconds."""

    def __init__(self, rules: Rules, now: int) -> None:
        self.meeting = Meeting(rules, now)
        self._told_open = False

    @classmethod
    def resumed(cls, rules: Rules, kept: Kept) -> "Room":
        """A meeting that an earlier process has written down; `resume` is its first step."""
        room = cls(rules, kept.began_at)
        room.meeting, room._told_open = returning.restored(rules, kept), True
        return room

    def resume(self, now: int, kept: Kept, lives: Callable[[CallId], bool], away_ms: int) -> list[Effect]:
        """Go on where the earlier process was killed, `away_ms` ago; `lives` tells which calls have outlived it. Gives
        what is to be done."""
        meeting = self.meeting
        meeting.now = max(now, meeting.now)
        returning.resume(meeting, kept.calls, lives, away_ms)
        return self._out()

    @property
    def over(self) -> bool:
        return bool(self.meeting.closed)

    def step(self, now: int, told: inputs.Input) -> list[Effect]:
        """Let time go on to `now`, and take one input. Gives what is to be done, facts among it, in order. A room that
        is over takes nothing."""
        meeting = self.meeting
        if meeting.closed:
            return []
        meeting.now = max(now, meeting.now)
        if not self._told_open:
            self._told_open = True
            rules = meeting.rules
            meeting.out.append(
                RoomOpened(
                    at=meeting.now,
                    room=rules.number,
                    meeting=meeting.began_at,
                    title=rules.title,
                    kind=rules.kind,
                )
            )
            cameras.come(meeting)
            if rules.rings:
                ordering.invite(meeting, inputs.Invite(by="the room's rules", invitees=rules.members))
        _INPUTS[type(told)](meeting, told)
        return self._out()

    def _out(self) -> list[Effect]:
        meeting = self.meeting
        returning.end_of_waiting(meeting)
        duration.keep_time(meeting)
        if not meeting.closed:
            arriving.call_due(meeting)
        arriving.close_if_over(meeting)
        duration.keep_company(meeting)
        out, meeting.out = meeting.out, []
        return out

    def deadline(self) -> int | None:
        """When the next step is due at the latest; None: nothing happens by itself."""
        if self.meeting.closed:
            return None
        due = (arriving.next_call(self.meeting), self.meeting.away_until, duration.due(self.meeting))
        return min((at for at in due if at is not None), default=None)


def _left(meeting: Meeting, told: inputs.Left) -> None:
    member = meeting.members.get(told.member)
    if member is not None and member.call is not None:
        arriving.left(meeting, member, "left")


_INPUTS: dict[type[inputs.Input], Callable[[Meeting, Any], None]] = {
    inputs.Tick: lambda meeting, told: None,
    inputs.Came: arriving.came,
    inputs.CameBack: returning.came_back,
    inputs.CameOfCall: arriving.came_of_call,
    inputs.Left: _left,
    inputs.Lost: returning.lost,
    inputs.Pressed: ordering.pressed,
    inputs.Held: arriving.held,
    inputs.TerminalIs: arriving.terminal_is,
    inputs.CameraIs: cameras.camera_is,
    inputs.Spoke: arriving.spoke,
    inputs.Rang: arriving.rang,
    inputs.Unreached: arriving.unreached,
    inputs.AddCamera: cameras.add,
    inputs.Mute: ordering.mute,
    inputs.Deafen: ordering.deafen,
    inputs.SetGain: ordering.set_gain,
    inputs.Rename: ordering.rename,
    inputs.SetRole: ordering.set_role,
    inputs.RaiseHand: ordering.raise_hand,
    inputs.GiveFloor: ordering.give_floor,
    inputs.NextHand: ordering.next_hand,
    inputs.TurnVideo: ordering.turn_video,
    inputs.Present: ordering.present,
    inputs.Pin: ordering.pin,
    inputs.Admit: ordering.admit,
    inputs.Kick: ordering.kick,
    inputs.Move: ordering.move,
    inputs.MuteGuests: ordering.mute_guests,
    inputs.Lock: ordering.lock,
    inputs.SetMode: ordering.set_mode,
    inputs.SetLayout: ordering.set_layout,
    inputs.MixContent: ordering.mix_content,
    inputs.Spotlight: ordering.spotlight,
    inputs.Record: ordering.record,
    inputs.Invite: ordering.invite,
    inputs.End: ordering.end,
    inputs.RulesSet: ordering.set_rules,
    inputs.Warn: duration.warn,
}
