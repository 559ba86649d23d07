"""One meeting, live: what its machine wants is done with the sound of its members."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import structlog
from msgspec import Struct

from softswitch.calls.leg import OurVideo
from softswitch.calls.signals import Origin
from softswitch.engine.caller import Confirmation
from softswitch.events import Fact, MemberJoined, MemberLeft, MemberUnreached, MemberWaits, RoomRecordingEnded
from softswitch.features.conference.files import FOLDER
from softswitch.features.conference.model import effects, inputs
from softswitch.features.conference.model.effects import Effect
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import Member, Terminal, same_person
from softswitch.features.conference.model.room import Room
from softswitch.features.conference.model.rules import Invitee, Rules
from softswitch.features.conference.model.scene import scene, shown_to
from softswitch.features.conference.needs import Floors, Pictures, Sounds, Switchboard
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, SwitchError
from softswitch.kernel.ids import CallId, LegId, MixId
from softswitch.kernel.sound import Prompt, Silence, Sound, SoundFile, Tone

log = structlog.get_logger(__name__)

LOUDEST = 6
"""How many are heard at once: more than that is noise, and who is only noise is not heard at all."""
TONES = {
    "tone:entry": (Tone(((620.0, -18.0),), 120), Silence(40), Tone(((830.0, -18.0),), 160)),
    "tone:exit": (Tone(((830.0, -18.0),), 120), Silence(40), Tone(((620.0, -18.0),), 160)),
}
BEEP = Tone(((1400.0, -20.0),), 400)
"""What says that it is recorded from now on."""
VIDEO = (OurVideo(),)
SLIDES = OurVideo("slides", offered=False)
"""What a member may show beside its picture, whose phone has a line for that."""
"""What a room has with who has video."""
MOST_ANNOUNCEMENTS = 6
"""That wait for their turn; what there are more of is not heard."""
QUESTION = "conference/press-one"
_REASONS: dict[Cause, str] = {
    Cause.USER_BUSY: "busy",
    Cause.CALL_REJECTED: "declined",
    Cause.NO_ANSWER: "no_answer",
    Cause.NO_USER_RESPONDING: "no_answer",
    Cause.SUBSCRIBER_ABSENT: "absent",
}


_STATUSES = {"busy": 486, "declined": 603, "no_answer": 480, "absent": 480, "failed": 500, "cancelled": 487}
"""What a phone is told of somebody who did not come."""


class Around(Struct, frozen=True):
    """What every meeting is carried out with."""

    clock: Clock
    publish: Callable[[Fact], None]
    sounds: Sounds
    switchboard: Switchboard
    prompt: Callable[[str, str], str]
    """Which sound a prompt is in a language."""
    language: str
    music: str
    pictures: Pictures | None = None
    floors: Floors | None = None


class Seat:
    """Where a caller is in a meeting: kept by the application that has the caller."""

    def __init__(self, room: "LiveRoom") -> None:
        self._room = room
        self.leg: LegId | None = None
        self.member = 0
        """0: it has not come in yet."""
        self.where = ""
        self.at: LegId | None = None
        """The leg that has been put there."""
        self.slides: LegId | None = None
        """The line of its slides; None: its phone has none."""
        self.dropped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """The prompt that is heard last, once the caller is to go."""

    def put(self, leg: LegId) -> None:
        """The caller's leg, or the leg of who has taken the caller's place, goes where the caller is."""
        self.leg = leg
        if self.member:
            self._room.seat_moved(self)
            self._room.tell(inputs.Held(self.member, False))

    def pressed(self, key: str) -> None:
        if self.member:
            self._room.tell(inputs.Pressed(self.member, key))

    def video_changed(self) -> None:
        """Perhaps its phone sends pictures now, or no more; or takes others."""
        if self.member and self.leg is not None:
            self._room.tell(inputs.TerminalIs(self.member, self._room.terminal(self.leg)))
            self._room.redraw()


class LiveRoom:
    """Takes inputs one after the other; `over` is told once, when the meeting has ended."""

    def __init__(self, rules: Rules, around: Around, over: Callable[["LiveRoom"], None]) -> None:
        """Raises Rejected(SWITCH_CONGESTION) when there are too many mixes."""
        self._around = around
        self._over = over
        now = around.clock.wall_ms()
        self.room = Room(rules, now)
        self.mix = MixId(f"conference/{rules.number}/{now}")
        self._seats: dict[int, Seat] = {}
        self._by_leg: dict[LegId, int] = {}
        self._calls: dict[int, CallId] = {}
        """Calls of the room that nobody has answered, by members."""
        self._levels: dict[int, effects.Level] = {}
        self._heard: dict[tuple[int, int], effects.Hear] = {}
        self._waiting: deque[inputs.Input] = deque()
        self._stepping = False
        self._coming: Seat | None = None
        self._refused: effects.Refused | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._announcements: deque[Sequence[Sound]] = deque(maxlen=MOST_ANNOUNCEMENTS)
        self._announcing = False
        self._recording: int | None = None
        self._recorded = 0
        self._film = ""
        """What the recording that goes on is called; empty: there is none."""
        self._filming = False
        """Whether pictures are written, too: from the first member with video on."""
        self._shown: dict[LegId, tuple[LegId | None, LegId | None]] = {}
        """Whom each leg sees, or whose slides."""
        self._referred: dict[int, list[Callable[[int], None]]] = {}
        """Who is told, as a SIP status, what becomes of a member that somebody wants here."""
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

    def terminal(self, leg: LegId) -> Terminal:
        """What a leg's phone has."""
        pictures = self._around.pictures
        seen = pictures is not None and self.meeting.rules.pictures != "off" and pictures.has_video(leg)
        return "video" if seen else "audio"

    def member_of(self, call: CallId) -> Member | None:
        """Whoever is here by a call."""
        return next((member for member in self.meeting.here() if member.call == call), None)

    # What happens ---------------------------------------------------------------------------------------------

    def enter(self, seat: Seat, told: inputs.Came | inputs.CameOfCall) -> str:
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
        if seat.member and self._seats.pop(seat.member, None) is seat:
            if seat.leg is not None:
                self._by_leg.pop(seat.leg, None)
            self.tell(inputs.Left(seat.member))

    def bring_in(self, number: str, by: str, told: Callable[[int], None]) -> None:
        """Call somebody because a member asks for it; `told` hears how that went, as a SIP status. Raises Conflict."""
        self.order(inputs.Invite(by=by, invitees=(Invitee(number=number),)))
        # The last of them: who has been here before is called under its old name.
        found = [member for member in self.meeting.members.values() if same_person(member, number, number)]
        if found and not found[-1].is_in:
            self._referred.setdefault(found[-1].id, []).append(told)
        else:
            told(200)

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

    def order(self, told: inputs.Input) -> None:
        """Take what somebody wants. Raises Conflict and NotFound where it cannot be."""
        self._refused = None
        self.tell(told)
        refused, self._refused = self._refused, None
        if refused is not None and refused.error_id == "no-member":
            raise NotFound("member", str(getattr(told, "member", "")))
        if refused is not None:
            raise Conflict(refused.error_id, refused.message)

    def _take(self, told: inputs.Input) -> None:
        if self.room.over:
            if isinstance(told, inputs.Came | inputs.CameOfCall):
                self._refused = effects.Refused("over", "the meeting is over")
            return
        for effect in self.room.step(self._around.clock.wall_ms(), told):
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
        for call in list(self._calls.values()):
            self._around.switchboard.hang_up(call)
        self._calls.clear()
        for told in [told for waiting in self._referred.values() for told in waiting]:
            told(487)
        self._referred.clear()
        self._around.sounds.close_mix(self.mix)
        if self._around.pictures is not None:
            self._around.pictures.end(self.mix)
        self._over(self)

    # What is done ---------------------------------------------------------------------------------------------

    def _do(self, effect: Effect) -> None:
        match effect:
            case effects.Place(member, where):
                self._place(member, where)
            case effects.Level(member):
                self._levels[member] = effect
                self._level(effect)
            case effects.Hear(listener, speaker):
                self._heard[listener, speaker] = effect
                self._hear(effect)
            case effects.Say(member, prompts):
                self._say(member, prompts)
            case effects.Announce(prompt, name_file):
                self._announce(prompt, name_file)
            case effects.Call():
                self._call(effect)
            case effects.StopCall(member):
                call = self._calls.pop(member, None)
                if call is not None:
                    self._around.switchboard.hang_up(call)
            case effects.Drop(_, member, prompt):
                seat = self._seats.pop(member, None)
                if seat is not None and not seat.dropped.done():
                    if seat.leg is not None:
                        self._by_leg.pop(seat.leg, None)
                        self._around.sounds.silence(seat.leg)
                    seat.dropped.set_result(prompt)
            case effects.Recording(to):
                self._record(to)
            case effects.Redraw():
                self.redraw()
            case effects.Refused():
                self._refused = effect
            case Fact():
                self._around.publish(effect)
                if self._referred:
                    self._tell_referrer(effect)

    def _tell_referrer(self, fact: Fact) -> None:
        status = 0
        match fact:
            case MemberJoined(member=member) | MemberWaits(member=member):
                status = 200
            case MemberUnreached(member=member, reason=reason, again_at=None):
                status = _STATUSES[reason]
            case MemberLeft(member=member):
                status = 487
        if status:
            for told in self._referred.pop(member, ()):
                told(status)

    def _place(self, member: int, where: str) -> None:
        seat = self._seats.get(member)
        if seat is None:
            seat = self._coming
            assert seat is not None, "who comes has a seat"
            seat.member = member
            self._seats[member] = seat
            self._calls.pop(member, None)
        seat.where = where
        self._levels.pop(member, None)
        self._heard = {pair: hear for pair, hear in self._heard.items() if member not in pair}
        if seat.leg is not None:
            self.seat_moved(seat)

    def seat_moved(self, seat: Seat) -> None:
        """A leg goes to where its member is: it has come, was let in, or took another's place."""
        leg, sounds = seat.leg, self._around.sounds
        assert leg is not None
        if seat.at is not None:
            self._by_leg.pop(seat.at, None)
        self._by_leg[leg], seat.at = seat.member, leg
        if seat.where == "lobby":
            sounds.play_list(leg, [self._prompt("conference/wait-for-host")], ended=lambda: self._music(seat))
            return
        sounds.join(self.mix, leg)
        if (level := self._levels.get(seat.member)) is not None:
            self._level(level)
        for pair, hear in self._heard.items():
            if seat.member in pair:
                self._hear(hear)

    def _music(self, seat: Seat) -> None:
        if seat.where == "lobby" and seat.leg is not None and self._around.music:
            self._around.sounds.play(seat.leg, self._around.music, loop=True)

    def slides_flow(self, line: LegId, flows: bool) -> None:
        """Slides come on a line, or come no more: who has no floor control says so that it presents."""
        seat = next((seat for seat in self._seats.values() if seat.slides == line), None)
        member = None if seat is None else self.meeting.members.get(seat.member)
        if member is not None and member.is_in and member.presenter is not flows and self.meeting.may_speak(member):
            self.tell(inputs.Present(by=f"member {member.id}", member=member.id, on=flows))

    def _leg(self, member: int) -> LegId | None:
        seat = self._seats.get(member)
        return seat.leg if seat is not None and seat.where == "mix" else None

    def _legs(self) -> dict[int, LegId]:
        return {member.id: leg for member in self.meeting.inside() if (leg := self._leg(member.id)) is not None}

    def _level(self, level: effects.Level) -> None:
        if (leg := self._leg(level.member)) is not None:
            self._around.sounds.set_level(self.mix, leg, gain=level.gain, muted=level.muted, deaf=level.deaf)

    def _hear(self, hear: effects.Hear) -> None:
        listener, speaker = self._leg(hear.listener), self._leg(hear.speaker)
        if listener is not None and speaker is not None:
            self._around.sounds.set_hearing(self.mix, listener, speaker, hear.gain)

    # What is heard --------------------------------------------------------------------------------------------

    def _prompt(self, name: str) -> Prompt:
        return Prompt(self._around.prompt(self.meeting.rules.language or self._around.language, name))

    def _say(self, member: int, prompts: Sequence[str]) -> None:
        leg = self._leg(member)
        if leg is not None:
            try:
                self._around.sounds.play_list(leg, [self._prompt(each) for each in prompts], over=True)
            except SwitchError as error:
                log.warning("a member could not be told", room=self.mix, prompts=prompts, error=str(error))

    def _announce(self, prompt: str, name_file: str) -> None:
        sounds: list[Sound] = []
        if prompt in TONES:
            sounds += TONES[prompt]
        else:
            sounds += [SoundFile(name_file)] if name_file else []
            sounds.append(self._prompt(prompt))
        self._announcements.append(sounds)
        if not self._announcing:
            self._next_announcement()

    def _next_announcement(self) -> None:
        self._announcing = bool(self._announcements) and not self.room.over
        if not self._announcing:
            return
        sounds = self._announcements.popleft()
        try:
            self._around.sounds.play_to_mix(self.mix, sounds, ended=self._next_announcement)
        except SwitchError as error:
            log.warning("a room could not be told", room=self.mix, error=str(error))
            self._next_announcement()

    def held(self, leg: LegId, on: bool) -> None:
        """A phone holds whoever it is with, or no more."""
        member = self._by_leg.get(leg)
        if member is not None:
            self.tell(inputs.Held(member, on))

    def _speaking(self, leg: LegId) -> None:
        member = self._by_leg.get(leg)
        if member is not None:
            self.tell(inputs.Spoke(member))

    def _failed(self, reason: str) -> None:
        log.error("the mix of a room has failed", room=self.mix, reason=reason)
        self.tell(inputs.End(by="the media engine", reason="fault"))

    # Who is called --------------------------------------------------------------------------------------------

    def _call(self, wanted: effects.Call) -> None:
        rules = self.meeting.rules
        kind, slash, name = wanted.number.partition("/")
        destination = Destination(kind, name) if slash else Destination("dialplan", rules.context)
        confirm = Confirmation((QUESTION,), rules.language or self._around.language) if wanted.confirm else None
        member, attempt = wanted.member, wanted.attempt
        self._calls[member] = self._around.switchboard.invite(
            Origin("conference", rules.number, rules.context),
            Party(rules.number, rules.title),
            name if slash else wanted.number,
            destination,
            Destination("conference", rules.number),
            ring_seconds=rules.ring_seconds,
            rang=lambda: self.tell(inputs.Rang(member, attempt)),
            over=lambda cause: self._call_over(member, attempt, cause),
            confirm=confirm,
            video=VIDEO if self._around.pictures is not None and rules.pictures != "off" else (),
        )

    def called(self, call: CallId) -> tuple[int, int] | None:
        """For which member, and by which attempt, the room has made a call that nobody has answered."""
        member = next((member for member, made in self._calls.items() if made == call), None)
        return None if member is None else (member, self.meeting.members[member].attempts)

    def _call_over(self, member: int, attempt: int, cause: Cause) -> None:
        if self._calls.pop(member, None) is not None:
            reason = _REASONS.get(cause, "failed")
            self.tell(inputs.Unreached(member, attempt, reason))  # type: ignore[arg-type]

    # What is kept, and what is seen ---------------------------------------------------------------------------

    def _record(self, to: str) -> None:
        sounds = self._around.sounds
        if self._recording is None:
            if to == "on":
                self._recorded += 1
                meeting = self.meeting
                name = f"{FOLDER}/{meeting.rules.number}/{meeting.began_at}-{self._recorded}"
                self._announcements.append([BEEP])
                began = self._around.clock.monotonic()
                self._recording = sounds.record_all(
                    self.mix,
                    f"{name}.wav",
                    format="wav",
                    ended=lambda ms, size, why: self._recording_over(name, began, ms, size, why),
                )
                self._film = name
        elif to == "off":
            recording, self._recording = self._recording, None
            self._cut("off")
            self._film = ""
            sounds.stop_recording(recording)
        elif to == "paused":
            sounds.pause_recording(self._recording, "silence")
            self._cut("paused")
        else:
            sounds.resume_recording(self._recording)
        self.redraw()

    def _cut(self, to: Literal["paused", "off"]) -> None:
        if self._around.pictures is not None and self._filming:
            self._around.pictures.record(self.mix, self._film, to)
            self._filming = False

    def _recording_over(self, name: str, began: float, milliseconds: int, size: int, reason: str) -> None:
        sound = f"{name}.wav" if size else ""
        self._recorded_to(sound, milliseconds, reason)
        if self._around.pictures is not None:
            self._around.pictures.keep(name, sound, began, self._recorded_to)

    def _recorded_to(self, file: str, milliseconds: int, reason: str) -> None:
        self._around.publish(
            RoomRecordingEnded(
                at=self._around.clock.wall_ms(),
                room=self.meeting.rules.number,
                meeting=self.meeting.began_at,
                file=file,
                milliseconds=milliseconds,
                reason=reason,
            )
        )

    def redraw(self) -> None:
        pictures, meeting = self._around.pictures, self.meeting
        if pictures is None or meeting.rules.pictures == "off":
            return
        films = self._recording is not None and meeting.recording == "on"
        if films and not self._filming and any(member.terminal == "video" for member in meeting.inside()):
            self._filming = True
            pictures.record(self.mix, self._film, "on")
        slides = self._presented()
        for seat in self._seats.values():
            if seat.slides is not None and seat.slides != slides:
                pictures.show_content(seat.slides, slides)
        # Who has no line for slides sees them in its picture, and so do all where that is wanted.
        mixed = slides if slides is not None and self._in_picture(meeting) else None
        if meeting.rules.pictures == "compose" or pictures.must_compose(self.mix):
            if pictures.compose(self.mix, scene(meeting), self._legs(), mixed):
                self._shown.clear()
                return
        else:
            pictures.follow(self.mix, scene(meeting), self._legs(), mixed)
        for viewer in meeting.inside():
            leg = self._leg(viewer.id)
            if leg is None or viewer.terminal != "video":
                continue
            source = shown_to(meeting, viewer)
            shown = None if source is None else self._leg(source)
            seat = self._seats[viewer.id]
            content = slides if slides != seat.slides and (seat.slides is None or meeting.content_in_mix) else None
            if self._shown.get(leg) != (shown, content):
                self._shown[leg] = (shown, content)
                pictures.show(leg, shown, content)

    def _presented(self) -> LegId | None:
        """The line of the slides of who presents."""
        presenters = (seat for id, seat in self._seats.items() if self.meeting.members[id].presenter)
        return next((seat.slides for seat in presenters if seat.slides is not None), None)

    def _in_picture(self, meeting: Meeting) -> bool:
        """Whether slides are to be seen in the composed picture."""
        others = (self._seats[member.id] for member in meeting.inside() if member.terminal == "video")
        return meeting.content_in_mix or any(seat.slides is None for seat in others)
