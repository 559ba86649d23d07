"""One meeting, live: what its machine wants is done, in the sound, the pictures and the calls of its members."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog
from msgspec import structs

from softswitch.events import Fact
from softswitch.features.conference.around import Around
from softswitch.features.conference.calling import Calling
from softswitch.features.conference.cameras import Cameras
from softswitch.features.conference.hearing import Hearing
from softswitch.features.conference.model import effects, inputs
from softswitch.features.conference.model.effects import Effect, Effects
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import Member, Terminal, same_person
from softswitch.features.conference.model.returning import Kept, awaited, kept
from softswitch.features.conference.model.room import Room
from softswitch.features.conference.model.rules import Invitee, Rules
from softswitch.features.conference.needs import Pictures
from softswitch.features.conference.seats import Seat, Seats
from softswitch.features.conference.tape import Tape
from softswitch.features.conference.views import Views
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId, MixId

log = structlog.get_logger(__name__)

LOUDEST = 6
"""How many are heard at once: more than that is noise, and who is only noise is not heard at all."""


class LiveRoom:
    """Takes inputs one after the other; `over` is told once, when the meeting has ended."""

    def __init__(
        self,
        rules: Rules,
        around: Around,
        over: Callable[["LiveRoom"], None],
        changed: Callable[[str], None] | None = None,
        kept: Kept | None = None,
    ) -> None:
        """`changed` is told the room's number whenever the meeting is another than was written down; None: nothing is
        written down. `kept`: what an earlier process has written down of it, which `resume` is to go on with. Raises
        Rejected(SWITCH_CONGESTION) when there are too many mixes."""
        self._around = around
        self._over = over
        self._changed = changed
        now = around.clock.wall_ms()
        self.room = Room(rules, now) if kept is None else Room.resumed(rules, kept)
        self.mix = MixId(f"conference/{rules.number}/{now}")
        self.seats = Seats()
        self._calling = Calling(around, self.room, self.tell)
        self._hearing = Hearing(around, self.room, self.mix, self.seats)
        self._tape = Tape(around, self.room, self.mix, self._hearing, 0 if kept is None else kept.recorded)
        self._views = Views(around, self.room, self.mix, self.seats, self._tape)
        self._cameras = Cameras(around, self.room, self.mix, self.seats, self, around.unseal)
        self._waiting: deque[inputs.Input] = deque()
        self._stepping = False
        self._coming: Seat | None = None
        self._refused: effects.Refused | None = None
        self._timer: asyncio.TimerHandle | None = None
        around.sounds.open_mix(self.mix, loudest=LOUDEST, speaking=self._speaking, failed=self._failed)

    @property
    def meeting(self) -> Meeting:
        return self.room.meeting

    @property
    def pictures(self) -> Pictures | None:
        return self._around.pictures

    def member(self, id: int) -> Member:
        """One of the meeting's. Raises NotFound."""
        member = self.meeting.members.get(id)
        if member is None:
            raise NotFound("member", str(id))
        return member

    def member_of(self, call: CallId) -> Member | None:
        """Whoever is here by a call."""
        return next((member for member in self.meeting.here() if member.call == call), None)

    def called(self, call: CallId) -> tuple[int, int] | None:
        """For which member, and by which attempt, the room has made a call that nobody has answered."""
        return self._calling.called(call)

    def terminal(self, leg: LegId) -> Terminal:
        """What a leg's phone has."""
        return self._views.terminal(leg)

    # What happens ---------------------------------------------------------------------------------------------

    def enter(self, seat: Seat, told: inputs.Came | inputs.CameBack | inputs.CameOfCall) -> str:
        """A caller is at its seat: what it hears when it may not stay; empty: it may."""
        self._coming, self._refused = seat, None
        try:
            self.tell(told)
        finally:
            self._coming = None
        refused, self._refused = self._refused, None
        return "" if refused is None else refused.error_id

    def leave(self, seat: Seat) -> None:
        """A caller is gone from its seat."""
        if seat.member and self.seats.get(seat.member) is seat:
            self.seats.free(seat.member)
            self.tell(inputs.Left(seat.member))

    def bring_in(self, number: str, by: str, told: Callable[[int], None]) -> None:
        """Call somebody because a member asks for it; `told` hears how that went, as a SIP status. Raises Conflict."""
        self.order(inputs.Invite(by=by, invitees=(Invitee(number=number),)))
        # The last of them: who has been here before is called under its old name.
        found = [member for member in self.meeting.members.values() if same_person(member, number, number)]
        if found and not found[-1].is_in:
            self._calling.refer(found[-1].id, told)
        else:
            told(200)

    def set_rules(self, rules: Rules) -> None:
        """What is set of the room is another now."""
        self.tell(inputs.RulesSet(rules))
        for seat in list(self.seats):
            if not self.member(seat.member).is_camera:
                seat.video_changed()

    def seat_moved(self, seat: Seat) -> None:
        """A leg goes to where its member is: it has come, was let in, or took another's place."""
        self.seats.moved(seat)
        self._hearing.seated(seat)

    def held(self, leg: LegId, on: bool) -> None:
        """A phone holds whoever it is with, or no more."""
        member = self.seats.member(leg)
        if member is not None:
            self.tell(inputs.Held(member, on))

    def slides_flow(self, line: LegId, flows: bool) -> None:
        """Slides come on a line, or come no more: who has no floor control says so that it presents."""
        seat = next((seat for seat in self.seats if seat.slides == line), None)
        member = None if seat is None else self.meeting.members.get(seat.member)
        if member is not None and member.is_in and member.presenter is not flows and self.meeting.may_speak(member):
            self.tell(inputs.Present(by=f"member {member.id}", member=member.id, on=flows))

    def redraw(self) -> None:
        """What members see may be another now."""
        self._views.redraw()

    def _speaking(self, leg: LegId) -> None:
        member = self.seats.member(leg)
        if member is not None:
            self.tell(inputs.Spoke(member))

    def _failed(self, reason: str) -> None:
        log.error("the mix of a room has failed", room=self.mix, reason=reason)
        self.tell(inputs.End(by="the media engine", reason="fault"))

    # Over the death of the switch -----------------------------------------------------------------------------

    def kept(self) -> Kept:
        """The meeting as it is to be written down."""
        legs = {seat.member: seat.leg for seat in self.seats if seat.leg is not None}
        tape = self._tape
        return structs.replace(
            kept(self.meeting, legs, self._calling.calls),
            recorded=tape.recorded,
            recording_to=tape.film_name,
            recording_began=tape.film_began,
        )

    def resume(self, kept: Kept, lives: Callable[[CallId], bool], away_ms: int) -> None:
        """Go on where an earlier process was killed, `away_ms` ago; `lives` tells which calls have outlived it."""
        self._calling.resume({member: call for member, call in kept.calls.items() if lives(call)})
        self._stepping = True
        try:
            self._carry_out(self.room.resume(self._around.clock.wall_ms(), kept, lives, away_ms))
        finally:
            self._stepping = False
        if self._changed is not None:
            self._changed(self.meeting.rules.number)

    def awaits(self, call: CallId) -> Member | None:
        """Whoever was here by a call when the switch was killed, and has not come back yet."""
        return awaited(self.meeting, call)

    # The machine ----------------------------------------------------------------------------------------------

    def order(self, told: inputs.Input) -> None:
        """Take what somebody wants. Raises Conflict and NotFound where it cannot be."""
        self._refused = None
        self.tell(told)
        refused, self._refused = self._refused, None
        if refused is not None and refused.error_id == "no-member":
            raise NotFound("member", str(refused.member))
        if refused is not None:
            raise Conflict(refused.error_id, refused.message)

    def tell(self, told: inputs.Input) -> None:
        """Take an input, now or, in the middle of another, behind it."""
        self._waiting.append(told)
        if not self._stepping:
            self._stepping = True
            try:
                while self._waiting:
                    self._take(self._waiting.popleft())
            finally:
                self._stepping = False

    def _take(self, told: inputs.Input) -> None:
        if self.room.over:
            if isinstance(told, inputs.Came | inputs.CameBack | inputs.CameOfCall):
                self._refused = effects.Refused("over", "the meeting is over")
            return
        self._carry_out(self.room.step(self._around.clock.wall_ms(), told))
        if self._changed is not None and not isinstance(told, inputs.Spoke):
            self._changed(self.meeting.rules.number)

    def _carry_out(self, wanted: Effects) -> None:
        for effect in wanted:
            self._do(effect)
        self._set_timer()
        if self.room.over:
            self._end()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.room.deadline()
        if deadline is not None:
            seconds = max(deadline - self._around.clock.wall_ms(), 0) / 1000
            self._timer = asyncio.get_running_loop().call_later(seconds, self.tell, inputs.Tick())

    def _end(self) -> None:
        self._calling.end()
        self._around.sounds.close_mix(self.mix)
        if self._around.pictures is not None:
            self._around.pictures.end(self.mix)
        self._over(self)

    # What is done ---------------------------------------------------------------------------------------------

    def _do(self, effect: Effect) -> None:
        match effect:
            case effects.Place():
                self._place(effect)
            case effects.Level():
                self._hearing.set_level(effect)
            case effects.Hear():
                self._hearing.set_hearing(effect)
            case effects.Say(member, prompts):
                self._hearing.say(member, prompts)
            case effects.Announce():
                self._hearing.announce(effect)
            case effects.Music(on):
                self._hearing.music(on)
            case effects.Call():
                self._calling.call(effect)
            case effects.StopCall(member):
                self._calling.stop(member)
            case effects.Drop():
                self._drop(effect)
            case effects.OpenCamera():
                self._cameras.open(effect)
            case effects.CloseCamera(member):
                self._cameras.close(member)
            case effects.Recording(to, again):
                self._tape.record(to, again=again)
                self.redraw()
            case effects.Redraw():
                self.redraw()
            case effects.Refused():
                self._refused = effect
            case Fact():
                self._around.publish(effect)
                self._calling.happened(effect)

    def _place(self, wanted: effects.Place) -> None:
        member = wanted.member
        seat = self.seats.get(member)
        if seat is None:
            seat = self._coming
            assert seat is not None, "who comes has a seat"
            self.seats.take(member, seat)
            self._calling.came(member)
        seat.where, seat.knows = wanted.where, wanted.again
        self._hearing.forget(member)
        if seat.leg is not None:
            self.seat_moved(seat)

    def _drop(self, wanted: effects.Drop) -> None:
        seat = self.seats.free(wanted.member)
        if seat is None:
            self._around.switchboard.hang_up(wanted.call)  # it has not come back yet
        elif not seat.dropped.done():
            if seat.leg is not None and self._around.sounds.serves(seat.leg):
                self._around.sounds.silence(seat.leg)
            seat.goes_to = wanted.to
            seat.dropped.set_result(wanted.prompt)
