"""What is kept of a meeting: its sound, and pictures where somebody has video."""

from typing import Literal

from softswitch.events import RoomRecordingEnded
from softswitch.features.conference.around import Around
from softswitch.features.conference.files import FOLDER
from softswitch.features.conference.hearing import Hearing
from softswitch.features.conference.model.members import SHOW
from softswitch.features.conference.model.room import Room
from softswitch.kernel.ids import MixId
from softswitch.kernel.sound import Tone

BEEP = Tone(((1400.0, -20.0),), 400)
"""What says that it is recorded from now on."""


class Tape:
    """Of one meeting."""

    def __init__(self, around: Around, room: Room, mix: MixId, hearing: Hearing, recorded: int = 0) -> None:
        """`recorded`: how many recordings of the meeting have been begun."""
        self._around = around
        self._room = room
        self._mix = mix
        self._hearing = hearing
        self._recording: int | None = None
        self.recorded = recorded
        self.film_began = 0.0
        """When the recording began that goes on, by the monotonic clock."""
        self._film = ""
        """What the recording that goes on is called; empty: there is none."""
        self._filming = False
        """Whether pictures are written, too: from the first member with video on."""

    @property
    def film_name(self) -> str:
        """What the recording that goes on is called, below the data folder and without an ending; empty: there is
        none."""
        return self._film

    def record(self, to: Literal["on", "off", "paused"], *, again: bool = False) -> None:
        """Begin, end or pause; `again`: go on in another file, of which nobody is told."""
        sounds = self._around.sounds
        if self._recording is None:
            if to == "on":
                if not again:
                    self._hearing.sound([BEEP])
                self._begin()
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

    def _begin(self) -> None:
        self.recorded += 1
        meeting = self._room.meeting
        name = f"{FOLDER}/{meeting.rules.number}/{meeting.began_at}-{self.recorded}"
        began = self.film_began = self._around.clock.monotonic()
        self._recording = self._around.sounds.record_all(
            self._mix,
            f"{name}.wav",
            format="wav",
            ended=lambda ms, size, why: self._over(name, began, ms, size, why),
        )
        self._film = name

    def film(self) -> None:
        """Write pictures from now on, if it is recorded and somebody has some."""
        pictures, meeting = self._around.pictures, self._room.meeting
        if pictures is None or self._filming or self._recording is None or meeting.recording != "on":
            return
        if any(member.terminal in SHOW for member in meeting.inside()):
            self._filming = True
            pictures.record(self._mix, self._film, "on")

    def _cut(self, to: Literal["paused", "off"]) -> None:
        if self._around.pictures is not None and self._filming:
            self._around.pictures.record(self._mix, self._film, to)
            self._filming = False

    def _over(self, name: str, began: float, milliseconds: int, size: int, reason: str) -> None:
        sound = f"{name}.wav" if size else ""
        self._kept(sound, milliseconds, reason)
        if self._around.pictures is not None:
            self._around.pictures.keep(name, sound, began, self._kept)

    def _kept(self, file: str, milliseconds: int, reason: str) -> None:
        meeting = self._room.meeting
        self._around.publish(
            RoomRecordingEnded(
                at=self._around.clock.wall_ms(),
                room=meeting.rules.number,
                meeting=meeting.began_at,
                file=file,
                milliseconds=milliseconds,
                reason=reason,
            )
        )
