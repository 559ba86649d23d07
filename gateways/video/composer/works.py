"""All scenes and those who are seen in them: what comes in is decoded, what is due is drawn and encoded. No sockets, no
clock: bytes and time come in, frames go out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import av

from gateways.video import records
from gateways.video.composer.camera import CameraSource
from gateways.video.composer.encoding import Encoder
from gateways.video.composer.pace import Pace
from gateways.video.composer.painting import Painter
from gateways.video.composer.recording import Recording
from gateways.video.composer.sources import Member, Source, Still
from gateways.video.layouts import LAYOUTS
from gateways.video.records import Camera, Encoded, Holds, Picture, Rate, Record, Recorded, Scene, Trouble

MOST_SCENES: Final = 64
MOST_OUTPUTS: Final = 8
MOST_FACES: Final = 1000
MOST_STILLS: Final = 64
MOST_CAMERAS: Final = 32
LARGEST: Final = (1920, 1088)
SMALLEST: Final = 64
FASTEST: Final = 30
ASK_SECONDS: Final = 0.5
"""Between two requests for a member's key frame."""

Send = Callable[[bytes], None]
MOST_SOUND: Final = 50
"""Pieces of sound that wait until they are sent; older ones are left out."""


@dataclass(slots=True)
class _Running:
    painter: Painter
    pace: Pace
    encoders: dict[int, Encoder]
    recording: Recording | None = None
    record: Record | None = None


@dataclass(slots=True)
class Figures:
    """Since the beginning."""

    composed: int = 0
    encoded: int = 0
    late: int = 0
    decoded: int = 0
    broken: int = 0
    """The last three are of scenes and members that have left."""


class Works:
    """`to_engine` and `to_control` take frames; they drop what nobody reads. `wake` is called, in any thread, when
    there is something for `tick` to do before it is due."""

    def __init__(self, to_engine: Send, to_control: Send, wake: Callable[[], None]) -> None:
        self._to_engine = to_engine
        self._to_control = to_control
        self._wake = wake
        self._said: deque[tuple[CameraSource, int, bytes]] = deque(maxlen=MOST_SOUND)
        """What cameras say, from their threads."""
        self._scenes: dict[int, _Running] = {}
        self._sources: dict[int, Source] = {}
        self._asked: dict[int, float] = {}
        self.figures = Figures()

    @property
    def decoded(self) -> int:
        """Pictures of members."""
        return self.figures.decoded + sum(each.decoded for each in self._members())

    @property
    def broken(self) -> int:
        """Pictures of members that could not be decoded."""
        return self.figures.broken + sum(each.broken for each in self._members())

    @property
    def late(self) -> int:
        """Pictures left out because their time was over."""
        return self.figures.late + sum(running.pace.late for running in self._scenes.values())

    @property
    def due(self) -> float | None:
        """When `tick` is to be called; None: there is nothing to draw."""
        return min((running.pace.due for running in self._scenes.values()), default=None)

    # From the engine

    def picture(self, picture: Picture) -> None:
        """A member's. Those of whom nobody has heard, or who are not seen, are left out."""
        source = self._sources.get(picture.member)
        if isinstance(source, Member):
            source.feed(picture)

    def gone(self, member: int) -> None:
        """No more pictures of it."""
        source = self._sources.get(member)
        if isinstance(source, Member):
            source.end()

    def wanted(self, number: int) -> None:
        """Who sees this source needs a key frame."""
        for running in self._scenes.values():
            if number in running.encoders:
                running.encoders[number].force_key()

    def engine_came(self) -> None:
        """It knows nothing of what was: all begin with key frames."""
        for running in self._scenes.values():
            for encoder in running.encoders.values():
                encoder.force_key()
        for source in self._sources.values():
            if isinstance(source, Member) and source.shown:
                source.miss()

    # From call control

    def scene(self, scene: Scene, now: float) -> None:
        """Show this from now on."""
        reason = self._refusal(scene)
        if reason is not None:
            self._to_control(records.told(records.TROUBLE, Trouble("scene", scene.scene, reason)))
            return
        running = self._scenes.get(scene.scene)
        shape = (scene.width, scene.height, scene.fps)
        before = None if running is None else running.painter.scene
        if running is None or before is None or (before.width, before.height, before.fps) != shape:
            if running is not None:
                self.close(scene.scene)
            running = self._scenes[scene.scene] = _Running(Painter(scene), Pace(scene.fps, now), {})
        else:
            running.painter.follow(scene)
        kept = running.encoders
        running.encoders = {}
        for output in scene.outputs:
            encoder = kept.get(output.source)
            if encoder is None:
                encoder = Encoder(output, *shape)
            encoder.change(output)
            running.encoders[output.source] = encoder
        self._look_around()

    def close(self, number: int) -> None:
        """Show it no more."""
        running = self._scenes.pop(number, None)
        if running is not None:
            self._stop_recording(number, running)
            self.figures.late += running.pace.late
            self._look_around()

    def hold(self, holds: Holds) -> None:
        """Drop everything else."""
        for number in self._scenes.keys() - set(holds.scenes):
            self.close(number)
        for number, source in list(self._sources.items()):
            if isinstance(source, Still | CameraSource) and number not in holds.members:
                self.drop(number)

    def rate(self, rate: Rate) -> None:
        """An output may have so much from now on."""
        for running in self._scenes.values():
            encoder = running.encoders.get(rate.source)
            if encoder is not None:
                encoder.change(records.with_rate(encoder.output, rate.kbps))

    def still(self, member: int, width: int, height: int, planes: bytes) -> None:
        """A picture that stands, as a member's."""
        if sum(isinstance(source, Still) for source in self._sources.values()) >= MOST_STILLS:
            self._to_control(records.told(records.TROUBLE, Trouble("still", member, f"more than {MOST_STILLS}")))
            return
        self._drop(member)
        self._sources[member] = Still(planes, width, height)
        self._look_around()

    def camera(self, camera: Camera) -> None:
        """Fetch a stream, as a member."""
        if sum(isinstance(source, CameraSource) for source in self._sources.values()) >= MOST_CAMERAS:
            self._to_control(
                records.told(records.TROUBLE, Trouble("camera", camera.member, f"more than {MOST_CAMERAS}"))
            )
            return
        self._drop(camera.member)
        said = self._hear if camera.sound else None
        self._sources[camera.member] = CameraSource(camera.member, camera.url, said)
        self._look_around()

    def drop(self, member: int) -> None:
        """A still picture or a camera is no more."""
        self._drop(member)
        self._look_around()

    def record(self, record: Record) -> None:
        """Begin or end a recording of a scene. What is told before its scene is refused."""
        running = self._scenes.get(record.scene)
        if running is None:
            self._to_control(
                records.told(records.RECORDED, Recorded(record.scene, record.path, "there is no such scene"))
            )
            return
        if running.record == record:
            return
        self._stop_recording(record.scene, running)
        if record.path:
            running.record = record
            running.recording = Recording(record.path, running.painter.canvas, running.pace.fps, record.kbps)
        self._look_around()

    # By time

    def tick(self, now: float, clock: str) -> None:
        """Draw and encode what is due, ask for key frames that are missing, look after cameras."""
        while self._said:
            speaker, number, samples = self._said.popleft()
            if self._sources.get(number) is speaker:
                self._to_engine(records.sound(number, samples))
        for number, source in self._sources.items():
            if isinstance(source, CameraSource):
                source.look()
                if (reason := source.trouble()) is not None:
                    self._to_control(records.told(records.TROUBLE, Trouble("camera", number, reason)))
            elif isinstance(source, Member) and source.wants_key and now - self._asked.get(number, -1) >= ASK_SECONDS:
                source.wants_key = False
                self._asked[number] = now
                self._to_engine(records.number(records.MEMBER_WANTED, number))
        for number, running in self._scenes.items():
            rtp = running.pace.take(now)
            if rtp is not None and (running.encoders or running.recording is not None):
                self._compose(number, running, rtp, now, clock)

    def _hear(self, source: CameraSource, number: int, samples: bytes) -> None:
        """In the thread of a camera."""
        self._said.append((source, number, samples))
        self._wake()

    def stop(self) -> None:
        """Complete what is being written."""
        for number in list(self._scenes):
            self.close(number)

    def _compose(self, number: int, running: _Running, rtp: int, now: float, clock: str) -> None:
        canvas = running.painter.paint(self._sources.get, clock)
        self.figures.composed += 1
        for source, encoder in running.encoders.items():
            for time, key, data in encoder.encode(canvas, rtp):
                self.figures.encoded += 1
                self._to_engine(records.encoded(Encoded(source, encoder.output.codec, key, time, data)))
        if running.recording is not None:
            try:
                running.recording.add(canvas, rtp, now)
            except (OSError, av.FFmpegError) as error:
                self._stop_recording(number, running, f"{type(error).__name__}: {error}")

    def _stop_recording(self, number: int, running: _Running, trouble: str = "") -> None:
        recording, running.recording, record, running.record = running.recording, None, running.record, None
        if recording is None or record is None:
            return
        path = recording.path or record.path
        try:
            recording.close()
        except (OSError, av.FFmpegError) as error:
            trouble = trouble or f"{type(error).__name__}: {error}"
        self._to_control(records.told(records.RECORDED, Recorded(number, path, trouble)))

    def _look_around(self) -> None:
        """Who is seen is decoded, and nobody else."""
        shown = {
            member
            for running in self._scenes.values()
            if running.encoders or running.recording is not None
            for member in running.painter.members
        }
        named = {face.member for running in self._scenes.values() for face in running.painter.scene.faces}
        for number in shown - self._sources.keys():
            self._sources[number] = Member()
        for number, source in list(self._sources.items()):
            source.show(number in shown)
            if isinstance(source, Member) and number not in named:
                self._drop(number)

    def _drop(self, number: int) -> None:
        source = self._sources.pop(number, None)
        self._asked.pop(number, None)
        if isinstance(source, Member):
            self.figures.decoded += source.decoded
            self.figures.broken += source.broken
        elif isinstance(source, CameraSource):
            source.end()

    def _members(self) -> list[Member]:
        return [source for source in self._sources.values() if isinstance(source, Member)]

    def _refusal(self, scene: Scene) -> str | None:
        """What is wrong with it."""
        if scene.scene not in self._scenes and len(self._scenes) >= MOST_SCENES:
            return f"there are {MOST_SCENES} scenes"
        if scene.layout not in LAYOUTS:
            return f"there is no layout {scene.layout!r}"
        sizes = ((scene.width, LARGEST[0]), (scene.height, LARGEST[1]))
        if any(size % 2 or not SMALLEST <= size <= most for size, most in sizes):
            return f"a picture of {scene.width}x{scene.height}"
        if not 1 <= scene.fps <= FASTEST:
            return f"{scene.fps} pictures a second"
        if len(scene.faces) > MOST_FACES or len({face.who for face in scene.faces}) != len(scene.faces):
            return "too many faces, or one twice"
        if len(scene.outputs) > MOST_OUTPUTS or any(not 16 <= output.kbps <= 50_000 for output in scene.outputs):
            return "too many outputs, or one of an odd rate"
        return None
