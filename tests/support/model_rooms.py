"""Where the simulated switch keeps its rooms, rows in dictionaries; and their pictures: who is shown whom."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from softswitch.events.rooms import MemberTerminal
from softswitch.features.conference.model.scene import Scene
from softswitch.kernel.errors import NotPermitted
from softswitch.kernel.ids import IdSource, LegId, MixId
from tests.support.model_media import Seen


class _Session:
    """As much of a session as the rooms' queries use."""

    def __init__(self, rows: dict[Any, Any]) -> None:
        self._rows = rows
        self._after: list[Callable[[], None]] = []
        self.own_changes: dict[str, int] = {}

    async def get(self, kind: type, key: Any) -> Any:
        return self._rows.get((kind, key))

    async def merge(self, row: Any) -> None:
        keys = tuple(getattr(row, column.name) for column in row.__table__.primary_key)
        self._rows[type(row), keys[0] if len(keys) == 1 else keys] = row

    async def delete(self, row: Any) -> None:
        self._rows = {key: each for key, each in self._rows.items() if each is not row}

    async def flush(self) -> None:
        return

    async def execute(self, statement: object, values: object = None) -> None:
        return

    def after_commit(self, action: Callable[[], None]) -> None:
        self._after.append(action)


class MemoryDatabase:
    """`softswitch.platform.database.Database` as far as rooms go."""

    def __init__(self) -> None:
        self._rows: dict[Any, Any] = {}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        session = _Session(dict(self._rows))
        yield session
        self._rows = session._rows
        for action in session._after:
            action()


class ModelPictures:
    """`conference.needs.Pictures`: who is shown whom, and what is composed."""

    def __init__(self, agreed: Mapping[LegId, Seen], sounds: Any) -> None:
        """`agreed`: what was agreed on the video lines, by their names. `sounds`: the media engine, in which cameras
        have legs."""
        self._agreed = agreed
        self._sounds = sounds
        self.shown: dict[LegId, LegId | None] = {}
        self.slides: dict[LegId, LegId | None] = {}
        """What is to be seen on lines of slides, and, by legs, in the place of somebody's picture."""
        self.mixed: dict[MixId, LegId | None] = {}
        """Slides in composed pictures."""
        self.scenes: dict[MixId, Scene] = {}
        self.films: dict[str, str] = {}
        """Recordings, and how each was told to go on last."""
        self.pages: dict[MixId, int] = {}
        self.cameras: dict[tuple[MixId, int], str] = {}
        """URLs of those that are fetched, by members."""
        self.lost: dict[int, Callable[[str], None]] = {}
        """Who is told that a camera gives no pictures, or that it does, by members."""
        self.composes = True
        """Whether there is a composer."""

    def terminal(self, leg: LegId) -> MemberTerminal:
        agreed = self._agreed.get(IdSource.video(leg, 0))
        if agreed is None or not (agreed.local.live and agreed.remote.live):
            return "audio"
        sends, takes = agreed.remote.direction.sends, agreed.remote.direction.receives
        return "video" if sends and takes else "camera" if sends else "screen" if takes else "audio"

    def show(self, viewer: LegId, source: LegId | None, content: LegId | None = None) -> None:
        assert self.terminal(viewer) in ("video", "screen"), f"{viewer} takes no pictures"
        self.shown[viewer], self.slides[viewer] = source, content

    def show_content(self, viewer: LegId, source: LegId | None) -> None:
        self.slides[viewer] = source

    def compose(self, room: MixId, scene: Scene, legs: Mapping[int, LegId], content: LegId | None = None) -> bool:
        if self.composes:
            self.scenes[room], self.mixed[room] = scene, content
        return self.composes

    def end(self, room: MixId) -> None:
        self.scenes.pop(room, None)

    def record(self, room: MixId, name: str, to: Literal["on", "paused", "off"]) -> None:
        self.films[name] = to

    def follow(self, room: MixId, scene: Scene, legs: Mapping[int, LegId], content: LegId | None = None) -> None:
        self.scenes.pop(room, None)  # nobody sees it any more

    def keep(self, name: str, sound: str, began: float, kept: Callable[[str, int, str], None]) -> None:
        return

    def must_compose(self, room: MixId) -> bool:
        return bool(self.pages.get(room) or any(each == room for each, _ in self.cameras))

    async def present(self, room: MixId, document: bytes, page: int) -> int:
        self.pages[room] = page
        return page

    async def turn(self, room: MixId, page: int) -> int:
        return await self.present(room, b"", page)

    def take_away(self, room: MixId) -> None:
        self.pages.pop(room, None)

    async def check_camera(self, url: str) -> None:
        if "example.com" not in url:
            raise NotPermitted("video.camera_hosts does not allow it")

    async def add_camera(
        self, room: MixId, member: int, url: str, sound: bool, lost: Callable[[str], None]
    ) -> LegId | None:
        await self.check_camera(url)
        self.cameras[room, member] = url
        self.lost[member] = lost
        leg = LegId(f"{room}/camera{member}")
        if sound:
            self._sounds.open(leg)
        return leg if sound else None

    def remove_camera(self, room: MixId, member: int) -> None:
        self.cameras.pop((room, member), None)
        self._sounds.close(LegId(f"{room}/camera{member}"))
