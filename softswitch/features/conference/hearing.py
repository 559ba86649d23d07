"""What is heard in a meeting: who hears whom how loud, and what all or one are told."""

from collections import deque
from collections.abc import Sequence

import structlog

from softswitch.engine.hearing import sounds
from softswitch.features.conference.around import Around
from softswitch.features.conference.model import effects
from softswitch.features.conference.model.room import Room
from softswitch.features.conference.seats import Seat, Seats
from softswitch.kernel.errors import SwitchError
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.sound import Prompt, Silence, Sound, SoundFile, Tone
from softswitch.kernel.spoken import Said, grammar_of

log = structlog.get_logger(__name__)

TONES = {
    "tone:entry": (Tone(((620.0, -18.0),), 120), Silence(40), Tone(((830.0, -18.0),), 160)),
    "tone:exit": (Tone(((830.0, -18.0),), 120), Silence(40), Tone(((620.0, -18.0),), 160)),
}
MOST_ANNOUNCEMENTS = 6
"""That wait for their turn; what there are more of is not heard."""


class Hearing:
    """Of one meeting, whose mix is open."""

    def __init__(self, around: Around, room: Room, mix: MixId, seats: Seats) -> None:
        self._around = around
        self._room = room
        self._mix = mix
        self._seats = seats
        self._levels: dict[int, effects.Level] = {}
        self._heard: dict[tuple[int, int], effects.Hear] = {}
        self._announcements: deque[Sequence[Sound]] = deque(maxlen=MOST_ANNOUNCEMENTS)
        self._announcing = False
        self._music_on = False

    # Who hears whom -------------------------------------------------------------------------------------------

    def forget(self, member: int) -> None:
        """What was set of a member holds no more."""
        self._levels.pop(member, None)
        self._heard = {pair: hear for pair, hear in self._heard.items() if member not in pair}

    def seated(self, seat: Seat) -> None:
        """A leg has come to a seat: it hears what is to be heard there, and is heard as its member was."""
        leg, sounds = seat.leg, self._around.sounds
        assert leg is not None
        if not sounds.serves(leg):
            return
        if seat.where == "lobby":
            if seat.knows:
                self._music(seat)
            else:
                sounds.play_list(leg, [self._prompt("conference/wait-for-host")], ended=lambda: self._music(seat))
            return
        sounds.join(self._mix, leg)
        if (level := self._levels.get(seat.member)) is not None:
            self._level(level)
        for pair, hear in self._heard.items():
            if seat.member in pair:
                self._hear(hear)

    def _music(self, seat: Seat) -> None:
        serves = seat.leg is not None and self._around.sounds.serves(seat.leg)
        if seat.where == "lobby" and seat.leg is not None and serves and self._around.music:
            self._around.sounds.play(seat.leg, self._around.music, loop=True)

    def _leg(self, member: int) -> LegId | None:
        leg = self._seats.leg(member)
        return leg if leg is not None and self._around.sounds.serves(leg) else None

    def set_level(self, level: effects.Level) -> None:
        self._levels[level.member] = level
        self._level(level)

    def set_hearing(self, hear: effects.Hear) -> None:
        self._heard[hear.listener, hear.speaker] = hear
        self._hear(hear)

    def _level(self, level: effects.Level) -> None:
        if (leg := self._leg(level.member)) is not None:
            self._around.sounds.set_level(self._mix, leg, gain=level.gain, muted=level.muted, deaf=level.deaf)

    def _hear(self, hear: effects.Hear) -> None:
        listener, speaker = self._leg(hear.listener), self._leg(hear.speaker)
        if listener is not None and speaker is not None:
            self._around.sounds.set_hearing(self._mix, listener, speaker, hear.gain)

    # What they are told ---------------------------------------------------------------------------------------

    def say(self, member: int, prompts: Sequence[effects.Spoken]) -> None:
        """Let one member hear prompts over the rest."""
        leg = self._leg(member)
        if leg is not None:
            try:
                self._around.sounds.play_list(leg, self._spoken(prompts), over=True)
            except SwitchError as error:
                log.warning("a member could not be told", room=self._mix, prompts=prompts, error=str(error))

    def announce(self, wanted: effects.Announce) -> None:
        """Let all hear something, after what else waits to be heard."""
        heard: list[Sound] = []
        if wanted.prompt in TONES:
            heard += TONES[wanted.prompt]
        else:
            heard += [SoundFile(wanted.name_file)] if wanted.name_file else []
            heard += self._spoken((wanted.prompt, *wanted.then))
        self.sound(heard)

    def sound(self, heard: Sequence[Sound]) -> None:
        """Let all hear this, after what else waits to be heard."""
        self._announcements.append(heard)
        if not self._announcing:
            self._next_announcement()

    def music(self, on: bool) -> None:
        """Let all hear music between announcements, or no more."""
        self._music_on = on and bool(self._around.music)
        if not self._announcing:
            self._play_music()

    def _play_music(self) -> None:
        if self._music_on:
            self._around.sounds.play_to_mix(self._mix, [Prompt(self._around.music)], loop=True)
        else:
            self._around.sounds.stop_mix_list(self._mix)

    def _next_announcement(self) -> None:
        self._announcing = bool(self._announcements) and not self._room.over
        if not self._announcing:
            if self._music_on and not self._room.over:
                self._play_music()
            return
        sounds = self._announcements.popleft()
        try:
            self._around.sounds.play_to_mix(self._mix, sounds, ended=self._next_announcement)
        except SwitchError as error:
            log.warning("a room could not be told", room=self._mix, error=str(error))
            self._next_announcement()

    @property
    def _language(self) -> str:
        return self._room.meeting.rules.language or self._around.language

    def _prompt(self, name: str) -> Prompt:
        return Prompt(self._around.prompt(self._language, name))

    def _spoken(self, wanted: Sequence[effects.Spoken]) -> list[Sound]:
        grammar, spoken = grammar_of(self._language), list[str | Said]()
        for each in wanted:
            match each:
                case str():
                    spoken.append(each)
                case effects.Count(value):
                    spoken.append(grammar.number(value))
                case effects.Duration(seconds):
                    spoken.append(grammar.duration(seconds))
        return sounds(spoken, self._language, self._around.prompt)
