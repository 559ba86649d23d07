"""The media engine in memory: who is open, who hears whom, and no sound at all. Misuse is an error at once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from softswitch.events import MediaFigures, VideoFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec, MediaDescription, VideoLine
from softswitch.kernel.sound import Prompt, Silence, Sound, SoundFile, Tone
from softswitch.ports.media import MediaEvents
from softswitch.ports.video import VideoEvents

CODECS = (Codec(0, "PCMU"), Codec(8, "PCMA"), Codec(101, "TELEPHONE-EVENT", parameters="0-16"))


VIDEO_CODECS = (
    Codec(97, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1"),
    Codec(98, "H264", 90000, 1, "profile-level-id=42e01f;level-asymmetry-allowed=1"),
    Codec(96, "VP8", 90000),
)
RINGBACK = "tones/ringback"


class Agreed(NamedTuple):
    """What offer and answer settled for a leg."""

    local: MediaDescription
    remote: MediaDescription


class Seen(NamedTuple):
    """What offer and answer settled for a video line."""

    local: VideoLine
    remote: VideoLine


class Take(NamedTuple):
    """What a party says is recorded, or all of a mix."""

    leg: LegId | MixId
    name: str
    began: float
    ended: Callable[[int, int, str], None]


class Playback:
    """A list on its way to its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, end: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._end = end
        self._over = 0.0
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._go_on()

    def pause(self, paused: bool) -> None:
        if paused and not self._paused:
            self._over += self._loop.time() - self._began
            self.cancel()
        elif not paused and self._paused:
            self._go_on()
        self._paused = paused

    def seek(self, ms: int) -> None:
        self._over = ms / 1000
        if not self._paused:
            self.cancel()
            self._go_on()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        self._began = self._loop.time()
        self._timer = self._loop.call_later(max(self._seconds - self._over, 0), self._end)


class Mix:
    """Who is in a mix, and what is said of each."""

    def __init__(self, keys: bool, speaking: Callable[[LegId], None] | None) -> None:
        self.keys = keys
        self.members: list[LegId] = []
        self.muted: set[LegId] = set()
        self.deaf: set[LegId] = set()
        self.hearing: dict[tuple[LegId, LegId], bool] = {}
        """By listener and speaker, where that is not as for all."""
        self.speaking = speaking
        self.hears_list: tuple[Sound, ...] = ()
        self.ends: Playback | None = None

    def hears(self, listener: LegId, speaker: LegId) -> bool:
        """Whether one member hears another."""
        if listener == speaker or listener in self.deaf:
            return False
        return self.hearing.get((listener, speaker), speaker not in self.muted)


class ModelMedia:
    """`Media`, `Player`, `Recorder` and `Mixer` of `softswitch.ports`. Prompts last two seconds of virtual time."""

    PROMPT_SECONDS = 2.0

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, *, legs: int = 5000) -> None:
        self._loop = loop
        self._host = host
        self._free = [20000 + 2 * slot for slot in reversed(range(legs))]
        self.events: MediaEvents | None = None
        self.open_legs: dict[LegId, HostPort] = {}
        self.agreed: dict[LegId, Agreed] = {}
        self.doing: dict[LegId, str | LegId] = {}
        """`echo`, `tone`, `prompt`, `music`, `ringback`, `list`, or the leg or mix that it hears."""
        self.ever_opened = 0
        self.converts: tuple[Codec, ...] = ()
        """What it is said to convert between."""
        self.dumb: set[str] = set()
        """Hosts that send nothing."""
        self.over: dict[LegId, tuple[Sound, ...]] = {}
        """What is played over what a leg hears."""
        self.played: list[tuple[LegId, tuple[Sound, ...]]] = []
        """What legs were given to hear, in order; what begins anew for ever is not among it."""
        self.loops: dict[LegId, tuple[Sound, ...]] = {}
        """What each was given last that begins anew for ever."""
        self.takes: dict[int, Take] = {}
        """Recordings of what parties say that have not ended."""
        self.paused: set[int] = set()
        """Those of which what comes is left out."""
        self.files: dict[str, int] = {}
        """Those that have: their milliseconds by their names."""
        self.announced: list[tuple[MixId, tuple[Sound, ...]]] = []
        """What whole mixes were given to hear, in order."""
        self.prepared: list[Sound] = []
        self.pauses: dict[LegId, int] = {}
        """Parties whose pauses are listened for, and how long they are, ms."""
        self.sent_digits: list[tuple[LegId, str]] = []
        self.mixes: dict[MixId, Mix] = {}
        self.open_lines: dict[LegId, HostPort] = {}
        self.lines: dict[LegId, Seen] = {}
        """What was agreed on video lines."""
        self.showing: dict[LegId, LegId] = {}
        """Whom the party of a line sees: another line, or itself."""
        self.refreshed: list[LegId] = []
        """Lines whose parties needed a whole picture, and said so by signalling."""
        self.picture_figures = VideoFigures()
        """What every line is said to have measured."""
        self.video_events: VideoEvents | None = None
        self.forgets_video = False
        """Whether the pictures are gone when a switch has died, unlike the sound."""
        self._kept_lines: set[LegId] = set()
        self._kept: set[LegId] = set()
        self._kept_mixes: list[MixId] = []
        """Legs of a switch that has died, which nobody has resumed."""
        self._ends: dict[LegId, Playback] = {}
        self._over_ends: dict[LegId, Playback] = {}

    @property
    def codecs(self) -> Sequence[Codec]:
        return CODECS

    def open(self, leg: LegId) -> HostPort:
        assert leg not in self.open_legs, f"{leg} is open already"
        if not self._free:
            raise Rejected(Cause.SWITCH_CONGESTION)
        self.open_legs[leg] = address = HostPort(self._host, self._free.pop())
        self.ever_opened += 1
        return address

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None:
        self._must_be_open(leg)
        assert local.address == self.open_legs[leg], f"{leg} was described as {local.address}, not by its own port"
        self.agreed[leg] = Agreed(local, remote)

    def bridge(self, a: LegId, b: LegId) -> None:
        self._must_be_open(a)
        self._must_be_open(b)
        assert a != b
        self.silence(a)
        self.silence(b)
        self.doing[a], self.doing[b] = b, a

    def echo(self, leg: LegId) -> None:
        self._start(leg, "echo")

    def tone(self, leg: LegId, frequency: float) -> None:
        assert 0 < frequency < 4000
        self._start(leg, "tone")

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        if not prompt:
            raise NotFound("prompt", prompt)
        self._start(leg, prompt.partition("/")[2] if prompt == RINGBACK else "music" if loop else "prompt")
        if not loop:
            self.played.append((leg, (Prompt(prompt),)))
            self._ends[leg] = Playback(self._loop, self.PROMPT_SECONDS, lambda: self._played(leg))

    def listen_for(
        self,
        leg: LegId,
        *,
        keys: bool = False,
        fax: bool = False,
        answerer: bool = False,
        beep: bool = False,
        progress: str | None = None,
        pause_ms: int | None = None,
    ) -> None:
        self._must_be_open(leg)
        if pause_ms is None:
            self.pauses.pop(leg, None)
        else:
            self.pauses[leg] = pause_ms

    def serves(self, leg: LegId) -> bool:
        return leg in self.open_legs

    def silence(self, leg: LegId) -> None:
        self._must_be_open(leg)
        before = self.doing.pop(leg, None)
        if before in self.open_legs:
            self.doing.pop(LegId(before), None)
        mix = self.mixes.get(MixId(before)) if before is not None else None
        if mix is not None:
            mix.members.remove(leg)
            mix.muted.discard(leg)
            mix.deaf.discard(leg)
            mix.hearing = {pair: hears for pair, hears in mix.hearing.items() if leg not in pair}
        self._end_lists(leg)

    def figures(self, leg: LegId) -> MediaFigures:
        self._must_be_open(leg)
        return MediaFigures()

    def heard(self, leg: LegId) -> int:
        self._must_be_open(leg)
        agreed = self.agreed.get(leg)
        if agreed is None or agreed.remote.address.host in self.dumb:
            return 0
        return int(self._loop.time() * 50)

    def close(self, leg: LegId) -> None:
        if leg not in self.open_legs:
            return
        self.silence(leg)
        for number in [number for number, take in self.takes.items() if take.leg == leg]:
            self.stop_recording(number)
        self.agreed.pop(leg, None)
        self.pauses.pop(leg, None)
        self._free.append(self.open_legs.pop(leg).port)

    # softswitch.ports.takeover.Takeover ----------------------------------------------------------------------------

    def lose_owner(self) -> None:
        """The switch has died; the sound goes on."""
        self._kept = set(self.open_legs)
        self._kept_mixes = list(self.mixes)
        self._kept_lines = set() if self.forgets_video else set(self.open_lines)
        self.events = None

    def resume(self, leg: LegId, address: HostPort, local: MediaDescription, remote: MediaDescription | None) -> bool:
        if leg not in self._kept or self.open_legs[leg] != address:
            return False
        self._kept.discard(leg)
        return True

    def resumed(self) -> None:
        for leg in sorted(self._kept):
            self.close(leg)
        self._kept.clear()
        for line in sorted(self._kept_lines):
            self.close_video(line)
        self._kept_lines.clear()
        for mix in self._kept_mixes:
            self.close_mix(mix)
        self._kept_mixes.clear()

    # softswitch.ports.media.Player ------------------------------------------------------------------------------

    def play_list(
        self,
        leg: LegId,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        over: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None:
        seconds = self._seconds(sounds)
        if over:
            self._must_be_open(leg)
            self._stop_over(leg)
            self.over[leg] = tuple(sounds)
        else:
            self._start(leg, "list")
        if loop:
            self.loops[leg] = tuple(sounds)
        else:
            self.played.append((leg, tuple(sounds)))
        if loop or seconds is None:
            return

        def end() -> None:
            if over:
                self._stop_over(leg)
            else:
                self._ends.pop(leg, None)
                self.doing.pop(leg, None)
            if ended is not None:
                ended()

        (self._over_ends if over else self._ends)[leg] = Playback(self._loop, seconds, end)

    async def prepare(self, sounds: Sequence[Sound]) -> None:
        self.prepared.extend(sounds)

    def stop_list(self, leg: LegId) -> None:
        self._must_be_open(leg)
        if self.doing.get(leg) in ("list", "prompt", "music", "tone"):
            del self.doing[leg]
        self._end_lists(leg)

    def pause_list(self, leg: LegId, paused: bool) -> None:
        playback = self._over_ends.get(leg) or self._ends.get(leg)
        if playback is not None:
            playback.pause(paused)

    def seek_list(self, leg: LegId, ms: int) -> None:
        playback = self._over_ends.get(leg) or self._ends.get(leg)
        if playback is not None:
            playback.seek(ms)

    def send_digits(
        self, leg: LegId, digits: str, *, press_ms: int = 100, pause_ms: int = 100, in_band: bool = False
    ) -> None:
        self._must_be_open(leg)
        assert digits and set(digits) <= set("0123456789*#ABCD"), f"{digits!r} are no keys"
        self.sent_digits.append((leg, digits))

    # softswitch.ports.video.Video -------------------------------------------------------------------------------

    @property
    def video_codecs(self) -> Sequence[Codec]:
        return VIDEO_CODECS

    def open_video(self, line: LegId) -> HostPort:
        assert line not in self.open_lines, f"{line} is open already"
        if not self._free:
            raise Rejected(Cause.SWITCH_CONGESTION)
        self.open_lines[line] = address = HostPort(self._host, self._free.pop())
        return address

    def connect_video(self, line: LegId, local: VideoLine, remote: VideoLine) -> None:
        assert not local.live or local.address == self.open_lines[line], f"{line} was described as {local.address}"
        self.lines[line] = Seen(local, remote)

    def bridge_video(self, a: LegId, b: LegId) -> None:
        assert a != b and a in self.open_lines and b in self.open_lines
        if self.showing.get(a) != b or self.showing.get(b) != a:
            self.silence_video(a)
            self.silence_video(b)
            self.showing[a], self.showing[b] = b, a

    def echo_video(self, line: LegId) -> None:
        self.silence_video(line)
        self.showing[line] = line

    def silence_video(self, line: LegId) -> None:
        assert line in self.open_lines, f"{line} is not open"
        self.showing.pop(line, None)
        for viewer in [viewer for viewer, source in self.showing.items() if source == line]:
            del self.showing[viewer]

    def refresh_video(self, line: LegId) -> None:
        """Whom the line sees is asked by RTCP, or, where it takes no such wish, by signalling."""
        self.refreshed.append(line)
        source = self.showing.get(line)
        if source in self.lines and not {"nack pli", "ccm fir"} & set(self.lines[source].remote.feedback):
            assert self.video_events is not None
            self.video_events.key_frame_wanted(source)

    def video_figures(self, line: LegId) -> VideoFigures:
        assert line in self.open_lines, f"{line} is not open"
        return self.picture_figures

    def close_video(self, line: LegId) -> None:
        if line in self.open_lines:
            self.silence_video(line)
            self.lines.pop(line, None)
            self._free.insert(0, self.open_lines.pop(line).port)

    def resume_video(self, line: LegId, address: HostPort) -> bool:
        if line not in self._kept_lines or self.open_lines[line] != address:
            return False
        self._kept_lines.discard(line)
        return True

    def where_pictures_go(self, sender: HostPort, sent_to: HostPort) -> HostPort | None:
        """Where packets from a party's RTP address, sent to one of ours for pictures, come out; None: nowhere."""
        line = next((line for line, local in self.open_lines.items() if local == sent_to), None)
        viewer = next((viewer for viewer, source in self.showing.items() if source == line), None)
        if line not in self.lines or viewer not in self.lines:
            return None
        seen, told = self.lines[line], self.lines[viewer]
        if not all(each.live for each in (*seen, *told)):
            return None
        if not (seen.local.direction.receives and seen.remote.direction.sends):
            return None
        return told.remote.address if told.local.direction.sends and told.remote.direction.receives else None

    # softswitch.ports.media.Recorder ----------------------------------------------------------------------------

    def record_said(self, leg: LegId, name: str, *, ended: Callable[[int, int, str], None]) -> int:
        self._must_be_open(leg)
        number = len(self.takes) + len(self.files)
        self.takes[number] = Take(leg, name, self._loop.time(), ended)
        return number

    def pause_recording(self, recording: int, mask: str) -> None:
        assert mask in ("silence", "tone", "cut")
        self.paused.add(recording)

    def resume_recording(self, recording: int) -> None:
        self.paused.discard(recording)

    def stop_recording(self, recording: int) -> None:
        take = self.takes.pop(recording, None)
        if take is not None:
            milliseconds = round((self._loop.time() - take.began) * 1000)
            self.files[take.name] = milliseconds
            self._loop.call_later(0.01, take.ended, milliseconds, 44 + 16 * milliseconds, "")

    # softswitch.ports.mixes.Mixer -------------------------------------------------------------------------------

    def open_mix(
        self,
        mix: MixId,
        *,
        rate: int = 16_000,
        loudest: int = 0,
        keys: bool = False,
        speaking: Callable[[LegId], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        assert mix not in self.mixes, f"{mix} is open already"
        assert rate in (8000, 16_000, 48_000)
        self.mixes[mix] = Mix(keys, speaking)

    def join(self, mix: MixId, leg: LegId) -> None:
        members = self.mixes[mix].members
        self.silence(leg)
        self.doing[leg] = LegId(mix)
        members.append(leg)

    def set_level(self, mix: MixId, leg: LegId, *, gain: float = 0.0, muted: bool = False, deaf: bool = False) -> None:
        room = self._mix_of(mix, leg)
        for marked, mark in ((room.muted, muted), (room.deaf, deaf)):
            (marked.add if mark else marked.discard)(leg)

    def set_hearing(self, mix: MixId, listener: LegId, speaker: LegId, gain: float | None) -> None:
        self._mix_of(mix, speaker)
        self._mix_of(mix, listener).hearing[listener, speaker] = gain is not None

    def play_to_mix(
        self, mix: MixId, sounds: Sequence[Sound], *, loop: bool = False, ended: Callable[[], None] | None = None
    ) -> None:
        self.stop_mix_list(mix)
        room = self.mixes[mix]
        room.hears_list = tuple(sounds)
        self.announced.append((mix, tuple(sounds)))
        seconds = self._seconds(sounds)

        def end() -> None:
            self.stop_mix_list(mix)
            if ended is not None:
                ended()

        if not loop and seconds is not None:
            room.ends = Playback(self._loop, seconds, end)

    def stop_mix_list(self, mix: MixId) -> None:
        room = self.mixes[mix]
        room.hears_list = ()
        if room.ends is not None:
            room.ends.cancel()
            room.ends = None

    def record_all(self, mix: MixId, name: str, *, format: str, ended: Callable[[int, int, str], None]) -> int:
        assert mix in self.mixes, f"{mix} is not open"
        assert format in ("wav", "opus")
        number = len(self.takes) + len(self.files)
        self.takes[number] = Take(mix, name, self._loop.time(), ended)
        return number

    def close_mix(self, mix: MixId) -> None:
        if mix in self.mixes:
            self.stop_mix_list(mix)
            for leg in list(self.mixes[mix].members):
                self.silence(leg)
            for recording, take in list(self.takes.items()):
                if take.leg == mix:
                    self.stop_recording(recording)
            del self.mixes[mix]

    # What tests ask ---------------------------------------------------------------------------------------

    def press(self, leg: LegId, digit: str) -> None:
        """The party of a leg presses a key."""
        if self.events is not None:  # as above
            self.events.digit(leg, digit, 100)

    def hear_turn(self, leg: LegId, what: str) -> None:
        """The party of a leg begins to speak (`speech`), or has paused (`pause`), and that is listened for."""
        assert self.events is not None and leg in self.pauses
        self.events.detected(leg, what)

    def where_sound_goes(self, sender: HostPort, sent_to: HostPort) -> HostPort | None:
        """Where packets from a party's RTP address, sent to one of ours, come out; None: nowhere, or in a mix."""
        leg = next((leg for leg, local in self.open_legs.items() if local == sent_to), None)
        if leg is None or leg not in self.agreed:
            return None
        if not (self.agreed[leg].local.direction.receives and self.agreed[leg].remote.direction.sends):
            return None
        doing = self.doing.get(leg)
        other = leg if doing == "echo" else doing
        if other not in self.agreed:
            return None
        agreed = self.agreed[LegId(other)]
        if not (agreed.local.direction.sends and agreed.remote.direction.receives):
            return None
        return agreed.remote.address

    def hears(self, listener: LegId, speaker: LegId) -> bool:
        """Whether one leg's party hears another's."""
        doing = self.doing.get(listener)
        if doing is not None and MixId(doing) in self.mixes:
            mix = self.mixes[MixId(doing)]
            return speaker in mix.members and mix.hears(listener, speaker)
        return doing == speaker

    def _mix_of(self, mix: MixId, leg: LegId) -> Mix:
        room = self.mixes[mix]
        assert leg in room.members, f"{leg} is not in {mix}"
        return room

    def _seconds(self, sounds: Sequence[Sound]) -> float | None:
        """How long a list lasts; None: for ever."""
        total = 0.0
        for sound in sounds:
            match sound:
                case Prompt(name, from_ms) | SoundFile(name, from_ms):
                    if not name:
                        raise NotFound("prompt", name)
                    total += max(self.PROMPT_SECONDS - from_ms / 1000, 0)
                case Tone(ms=None):
                    return None
                case Tone(ms=int(ms)) | Silence(ms):
                    total += ms / 1000
        return total

    def _end_lists(self, leg: LegId) -> None:
        if leg in self._ends:
            self._ends.pop(leg).cancel()
        self._stop_over(leg)

    def _stop_over(self, leg: LegId) -> None:
        self.over.pop(leg, None)
        if leg in self._over_ends:
            self._over_ends.pop(leg).cancel()

    def _start(self, leg: LegId, what: str) -> None:
        self.silence(leg)
        self.doing[leg] = what

    def _must_be_open(self, leg: LegId) -> None:
        assert leg in self.open_legs, f"{leg} is not open"

    def _played(self, leg: LegId) -> None:
        del self._ends[leg]
        self.doing.pop(leg, None)
        if self.events is not None:  # while no switch lives, nobody hears of it
            self.events.played(leg)
