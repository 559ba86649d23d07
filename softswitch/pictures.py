"""What members of meetings see: pictures that are switched from one to another where codecs allow, and composed where
many are to be seen at once, or codecs do not."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import structlog
from msgspec.structs import replace

from gateways.video.cameras import Cameras
from gateways.video.documents import Documents
from gateways.video.gateway import ComposerGateway, missing
from gateways.video.limits import SIZES, Form, Size, form_of, passes, size_of
from gateways.video.records import Face, Output, Scene, with_size
from softswitch.events.rooms import MemberTerminal
from softswitch.exhibits import Exhibits
from softswitch.features.conference.model.scene import Scene as Seen
from softswitch.features.conference.model.scene import Tile
from softswitch.films import Films, Kept
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import IdSource, LegId, MixId
from softswitch.kernel.media import Codec
from softswitch.ports.video import VideoSwitch
from softswitch.settings import Settings

log = structlog.get_logger(__name__)

LEAST_KBPS = 64
AGAIN_SECONDS = 0.5
"""Until the engine goes to a composer again that it has lost."""
RECORDED = SIZES[0]
"""The canvas of recordings, from their beginning to their end."""
EMPTY = Scene(0, 0, 0, 0, "adaptive", ())


@dataclass
class _Composition:
    """What is to be seen in one picture, and where it goes, in all sizes and forms that its viewers need."""

    name: str
    room: MixId | None = None
    """Whose documents and cameras are to be seen in it, too."""
    scene: Scene = EMPTY
    """Without number, size and outputs."""
    viewers: tuple[LegId, ...] = ()
    shown: dict[LegId, LegId] = field(default_factory=dict)
    """Which source each of them is shown."""
    scenes: dict[Size, Scene] = field(default_factory=dict)
    """As they were told."""
    sources: dict[tuple[Size, Form], tuple[LegId, int]] = field(default_factory=dict)
    film: str = ""
    """The recording that it is written to now; empty: none."""


class RoomPictures:
    """Satisfies `Pictures` of the feature conference, and hears what the composer and the media engine tell."""

    def __init__(
        self,
        switching: VideoSwitch,
        composer: Callable[["RoomPictures"], ComposerGateway],
        folder: Path,
        cameras: Cameras,
    ) -> None:
        """`folder`: the data folder, where recordings are."""
        self._switching = switching
        self._composer = composer(self)
        self._films = Films(self._composer, folder)
        # What another life of the switch has left at the engine or the composer has other numbers.
        self._numbers = count(secrets.randbits(40) << 20)
        self._exhibits = Exhibits(self._composer, Documents(), cameras, lambda: next(self._numbers))
        self._rooms: dict[str, _Composition] = {}
        self._own: dict[MixId, dict[LegId, _Composition]] = {}
        """Of viewers that do not see themselves, or have pinned somebody."""
        self._converted: dict[LegId, _Composition] = {}
        """Of one member, for a viewer that takes another codec."""
        self._members: dict[LegId, int] = {}
        self._voices: dict[tuple[MixId, int], LegId] = {}
        """Of cameras that are heard, by rooms and members."""
        self._socket: Path | None = None
        self._again: asyncio.TimerHandle | None = None
        self._changed: Callable[[], None] = lambda: None
        self._flows: Callable[[LegId, bool], None] = lambda line, flows: None

    def listen(self, changed: Callable[[], None], flows: Callable[[LegId, bool], None]) -> None:
        """`changed` is told whenever there is a composer that was not there, or none is to be expected any more, and
        `flows` whenever pictures begin to come from a line, or come no more."""
        self._changed = changed
        self._flows = flows

    @property
    def figures(self) -> Mapping[str, int]:
        """Of the composer that there is now: whether it is there, and what it has done since it began."""
        beat = self._composer.beat
        return {
            "there": int(self._composer.there),
            "members_decoded": beat.decoded if beat is not None else 0,
            "pictures_composed": beat.composed if beat is not None else 0,
            "pictures_encoded": beat.encoded if beat is not None else 0,
            "pictures_late": beat.late if beat is not None else 0,
            "pictures_broken": beat.broken if beat is not None else 0,
        }

    async def stop(self) -> None:
        """End the composer, after what is recorded."""
        for composition in self._rooms.values():
            self._films.pause(composition.film)
        await self._films.stop()
        await self._composer.stop()

    # What the feature asks

    def terminal(self, leg: LegId) -> MemberTerminal:
        line = IdSource.video(leg, 0)
        sends, takes = self._switching.sent(line) is not None, self._switching.taken(line) is not None
        if sends:
            return "video" if takes else "camera"
        return "screen" if takes else "audio"

    def show(self, viewer: LegId, source: LegId | None, content: LegId | None = None) -> None:
        shown = content if content is not None or source is None else IdSource.video(source, 0)
        self._show(IdSource.video(viewer, 0), shown)

    def show_content(self, viewer: LegId, source: LegId | None) -> None:
        self._show(viewer, source)

    def _show(self, line: LegId, source: LegId | None) -> None:
        """Let a line see another."""
        takes = self._switching.taken(line)
        if takes is None:
            return
        sends = None if source is None else self._switching.sent(source)
        for composition in self._of_rooms():
            composition.shown.pop(line, None)
        if source is None or sends is None:
            self._switching.show(line, None)
        elif passes(sends, takes):
            self._switching.show(line, source)
        elif missing() is None:
            self._convert(line, source)
            return
        else:
            log.warning("a member cannot be seen by another, whose codec differs", viewer=line, source=source)
            self._switching.show(line, None)
        self._drop(self._converted.pop(line, None))
        self._feed()

    def compose(self, room: MixId, scene: Seen, legs: Mapping[int, LegId], content: LegId | None = None) -> bool:
        if not self._follow(room, scene, legs, content):
            return False
        lines = {number: IdSource.video(leg, 0) for number, leg in legs.items()}
        lines = {number: line for number, line in lines.items() if self._switching.taken(line) is not None}
        pinned = dict(scene.pinned)
        own = {number: line for number, line in lines.items() if number in pinned or not scene.self_view}
        composition = self._rooms[room]
        composition.viewers = tuple(line for number, line in lines.items() if number not in own)
        # While the next composer is on its way, all keep the last picture.
        seen = self._composer.there or self._composer.coming
        self._draw(composition, showing=seen)
        self._draw_own(room, own, pinned, self_view=scene.self_view, showing=seen)
        if seen:
            for line in lines.values():
                self._drop(self._converted.pop(line, None))
        self._feed()
        return seen

    def end(self, room: MixId) -> None:
        self._drop(self._rooms.pop(room, None))
        self._draw_own(room, {})
        self._feed()
        for each, member in [key for key in self._voices if key[0] == room]:
            self.remove_camera(each, member)
        self._exhibits.end(room)

    def follow(self, room: MixId, scene: Seen, legs: Mapping[int, LegId], content: LegId | None = None) -> None:
        if room not in self._rooms:
            return
        if self._follow(room, scene, legs, content):
            composition = self._rooms[room]
            composition.viewers = ()
            self._draw(composition)
            self._draw_own(room, {})
            self._feed()

    def record(self, room: MixId, name: str, to: Literal["on", "paused", "off"]) -> None:
        if missing() is None:
            composition = self._rooms.setdefault(room, _Composition(room, room))
            composition.film = name if to == "on" else ""
            if to != "on":
                self._films.pause(name)
            self._draw(composition)

    def keep(self, name: str, sound: str, began: float, kept: Kept) -> None:
        self._films.keep(name, sound, began, kept)

    # What is shown beside members

    def must_compose(self, room: MixId) -> bool:
        return self._exhibits.shows(room)

    async def present(self, room: MixId, document: bytes, page: int) -> int:
        pages = await self._exhibits.present(room, document, page)
        self._changed()
        return pages

    async def turn(self, room: MixId, page: int) -> int:
        pages = await self._exhibits.turn(room, page)
        self._changed()
        return pages

    def take_away(self, room: MixId) -> None:
        self._exhibits.take_away(room)
        self._changed()

    async def check_camera(self, url: str) -> None:
        await self._exhibits.check_camera(url)

    async def add_camera(
        self, room: MixId, member: int, url: str, sound: bool, lost: Callable[[str], None]
    ) -> LegId | None:
        number = await self._exhibits.add_camera(room, member, url, sound, lost)
        self._changed()
        if not sound:
            return None
        voice = LegId(f"{room}/camera{number}")
        try:
            self._switching.open_voice(voice, number)
        except Rejected as full:
            log.error("a camera cannot be heard", room=room, member=member, reason=str(full))
            return None
        self._voices[room, member] = voice
        return voice

    def remove_camera(self, room: MixId, member: int) -> None:
        self._exhibits.remove_camera(room, member)
        voice = self._voices.pop((room, member), None)
        if voice is not None:
            self._switching.close_voice(voice)

    # What is told of the composer

    def composer_came(self, socket: Path) -> None:
        self._socket = socket
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._switching.composer(socket)
        self._changed()

    def composer_went(self, reason: str) -> None:
        if not self._composer.coming:
            self._exhibits.cameras_lost("there is no composer")
            self._changed()

    def recorded(self, scene: int, path: str, trouble: str) -> None:
        self._films.recorded(path, trouble)

    def composer_refused(self, what: str, number: int, reason: str) -> None:
        if reason:
            log.warning("the composer cannot show something", what=what, number=number, reason=reason)
        else:
            log.info("the composer shows something again", what=what, number=number)
        if what == "camera":
            self._exhibits.camera_lost(number, reason)

    # What the media engine tells (`ports.VideoSwitchEvents`)

    def composer_ready(self) -> None:
        """It asks for whole pictures itself."""

    def composer_lost(self, reason: str) -> None:
        """When the composer has died, so has our own connection; where only the engine's broke, it is made anew."""
        if self._again is None:
            self._again = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._reach_again)

    def video_flows(self, line: LegId, flows: bool) -> None:
        self._flows(line, flows)

    def shown(self, viewer: LegId, source: LegId) -> None:
        """As was asked."""

    def _reach_again(self) -> None:
        self._again = None
        if self._composer.there and self._socket is not None:
            self._switching.composer(self._socket)

    # How it is done

    def _follow(self, room: MixId, seen: Seen, legs: Mapping[int, LegId], content: LegId | None) -> bool:
        """What a room's picture is made of."""
        reason = missing()
        if reason is not None:
            log.warning("pictures are not composed", room=seen.room, reason=reason)
            return False
        composition = self._rooms.setdefault(room, _Composition(room, room))
        faces = tuple(
            Face(
                str(tile.member),
                self._number(room, tile, legs),
                tile.name,
                tile.muted,
            )
            for tile in seen.tiles
        )
        if content is not None:
            faces = (*faces, Face("content", self._member(content), content=True))
        active = next((str(tile.member) for tile in seen.tiles if tile.speaking), "")
        spotlight = "" if seen.first is None else str(seen.first)
        composition.scene = Scene(0, 0, 0, 0, seen.layout, faces, active, spotlight, seen.title, seen.clock)
        return True

    def _number(self, room: MixId, tile: Tile, legs: Mapping[int, LegId]) -> int:
        """That of a member's pictures, or none."""
        if not tile.video:
            return 0
        if tile.camera:
            return self._exhibits.camera(room, tile.member)
        line = IdSource.video(legs[tile.member], 0) if tile.member in legs else None
        return self._member(line) if line is not None and self._switching.sent(line) is not None else 0

    def _draw_own(
        self,
        room: MixId,
        lines: Mapping[int, LegId],
        pinned: Mapping[int, int] | None = None,
        *,
        self_view: bool = True,
        showing: bool = False,
    ) -> None:
        """The picture of a room for each of these members, with whom it has pinned in the best place, and perhaps
        without itself; nobody else has one of its own."""
        own = self._own.setdefault(room, {})
        for line in own.keys() - set(lines.values()):
            self._drop(own.pop(line))
        for number, line in lines.items():
            composition = own.setdefault(line, _Composition(line, room))
            scene = self._rooms[room].scene
            faces = tuple(each for each in scene.faces if self_view or each.who != str(number))
            shown = (pinned or {}).get(number)
            composition.scene = replace(scene, faces=faces, spotlight=scene.spotlight if shown is None else str(shown))
            composition.viewers = (line,)
            self._draw(composition, showing=showing)
        if not own:
            del self._own[room]

    def _convert(self, viewer: LegId, source: LegId) -> None:
        """Show one member to another who takes another codec."""
        composition = self._converted.setdefault(viewer, _Composition(viewer))
        face = Face("member", self._member(source))
        composition.scene = Scene(0, 0, 0, 0, "speaker", (face,))
        composition.viewers = (viewer,)
        self._draw(composition)
        self._feed()

    def _member(self, line: LegId) -> int:
        """The number of what a line's party sends, which the composer gets from now on."""
        if line not in self._members:
            self._members[line] = next(self._numbers)
            self._switching.feed(line, self._members[line])
        return self._members[line]

    def _feed(self) -> None:
        """Those that are in no picture any more are not fed to the composer."""
        compositions = (*self._of_rooms(), *self._converted.values())
        seen = {face.member for composition in compositions for face in composition.scene.faces}
        for line, number in list(self._members.items()):
            if number not in seen:
                del self._members[line]
                if self._switching.sent(line) is not None:  # else it has gone, and its feed with it
                    self._switching.feed(line, None)

    def _of_rooms(self) -> tuple[_Composition, ...]:
        """The pictures of rooms, and of members in them."""
        own = (composition for room in self._own.values() for composition in room.values())
        return (*self._rooms.values(), *own)

    def _drop(self, composition: _Composition | None) -> None:
        if composition is not None:
            if composition.film:
                self._films.pause(composition.film)
                composition.film = ""
            composition.viewers = ()
            composition.scene = EMPTY
            self._draw(composition)

    def _draw(self, composition: _Composition, *, showing: bool = True) -> None:
        """Tell the composer, where something is new; `showing`: let each viewer see the source that it can take."""
        groups: dict[tuple[Size, Form], list[LegId]] = {}
        codecs: dict[LegId, Codec] = {}
        for viewer in composition.viewers:
            codec = self._switching.taken(viewer)
            form = None if codec is None else form_of(codec)
            if codec is not None and form is not None:
                codecs[viewer] = codec
                size = size_of(codec, self._switching.takes_kbps(viewer))
                groups.setdefault((size, form), []).append(viewer)
        gone = [composition.sources.pop(group) for group in composition.sources.keys() - groups.keys()]
        for group, viewers in groups.items():
            if group not in composition.sources:
                number = next(self._numbers)
                source = LegId(f"{composition.name}/picture{number}")
                try:
                    self._switching.open_source(source, number, codecs[viewers[0]])
                except Rejected as full:
                    log.error("a composed picture has no way to its viewers", name=composition.name, reason=str(full))
                    continue
                composition.sources[group] = (source, number)
        groups = {group: viewers for group, viewers in groups.items() if group in composition.sources}
        self._tell(composition, groups)
        for group, viewers in groups.items():
            source, _ = composition.sources[group]
            for viewer in viewers:
                if showing and composition.shown.get(viewer) != source:
                    composition.shown[viewer] = source
                    self._switching.show(viewer, source)
        for viewer in composition.shown.keys() - codecs.keys():
            del composition.shown[viewer]
        for source, _ in gone:
            self._switching.close_video(source)

    def _tell(self, composition: _Composition, groups: Mapping[tuple[Size, Form], list[LegId]]) -> None:
        exhibits = self._exhibits.faces(composition.room) if composition.room is not None else ()
        sizes = {size for size, _ in groups}
        if composition.film:
            sizes.add(RECORDED)
        for size in sizes:
            outputs = tuple(
                Output(composition.sources[group][1], group[1].codec, self._rate(size, viewers), group[1].longest_slice)
                for group, viewers in groups.items()
                if group[0] == size
            )
            told = composition.scenes.get(size)
            number = next(self._numbers) if told is None else told.scene
            scene = with_size(
                composition.scene, number, size.width, size.height, size.fps, exhibits, outputs, bool(composition.film)
            )
            if scene != told:
                composition.scenes[size] = scene
                self._composer.show(scene)
        if composition.film:
            self._films.write(composition.film, composition.scenes[RECORDED].scene)
        for size in composition.scenes.keys() - sizes:
            self._composer.close(composition.scenes.pop(size).scene)

    def _rate(self, size: Size, viewers: list[LegId]) -> int:
        """As much as all of them take."""
        limits = (self._switching.takes_kbps(viewer) for viewer in viewers)
        return max(LEAST_KBPS, min([size.kbps, *(kbps for kbps in limits if kbps is not None)]))


def room_pictures(switching: VideoSwitch, settings: Settings) -> RoomPictures:
    """As the settings say; its composer is begun when there is something to compose."""
    folder = settings.data_dir

    def composer(events: RoomPictures) -> ComposerGateway:
        return ComposerGateway(folder / "composer.sock", folder / "composer.log", events)

    return RoomPictures(switching, composer, folder, Cameras(settings.video.camera_hosts))
