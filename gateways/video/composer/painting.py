"""A scene becomes a picture. Only what has changed is drawn again."""

from collections.abc import Callable, Iterator
from typing import Final

from gateways.video.composer.canvas import BLACK, GREEN, Canvas, Planes
from gateways.video.composer.lettering import label, lamp, placard
from gateways.video.composer.sources import Source
from gateways.video.layouts import Rect, Seating, Tile
from gateways.video.records import Face, Scene

Find = Callable[[int], Source | None]
_SMALLEST_LABEL: Final = 14
_LARGE: Final = 2
"""Names and borders grow with their place, up to this part of the picture's height: a half."""


class Painter:
    """Keeps one picture up to date."""

    def __init__(self, scene: Scene) -> None:
        self.canvas = Canvas(scene.width, scene.height)
        self._seating = Seating()
        self._tiles: tuple[Tile, ...] = ()
        self._drawn: dict[Rect, tuple[object, ...]] = {}
        """What is to be seen at each place now."""
        self._signs: tuple[object, ...] = ()
        self.follow(scene)

    def follow(self, scene: Scene) -> None:
        """Another scene of the same size."""
        signs = (scene.title, scene.clock, scene.recorded, scene.names)
        if signs != self._signs:  # what is not written any more has to go
            self._drawn = {}
        self.scene, self._signs = scene, signs
        self._faces = {face.who: face for face in scene.faces}
        people = [who for who, face in self._faces.items() if not face.content]
        contents = [who for who, face in self._faces.items() if face.content]
        tiles = self._seating.tiles(
            scene.layout,
            scene.width,
            scene.height,
            people,
            active=scene.active,
            spotlight=scene.spotlight,
            content=contents[-1] if contents else None,
        )
        if [tile.place for tile in tiles] != [tile.place for tile in self._tiles]:
            self._drawn = {}
        self._tiles = tiles

    @property
    def members(self) -> Iterator[int]:
        """Those of whom pictures are needed."""
        return (self._faces[tile.who].member for tile in self._tiles if self._faces[tile.who].member)

    def paint(self, find: Find, clock: str) -> Canvas:
        """Bring the picture up to date; `clock` is the time to be read in it."""
        canvas = self.canvas
        if not self._drawn:
            canvas.fill(Rect(0, 0, canvas.width, canvas.height), BLACK)
        fresh: list[Rect] = []
        for tile in self._tiles:
            face = self._faces[tile.who]
            source = find(face.member) if face.member else None
            active = tile.who == self.scene.active and len(self._tiles) > 1
            # Another source may have the same version. It is the source itself that is kept, and not its id(), which
            # the next one may have when this one is gone.
            state = (face, active, source, source.version if source is not None else 0)
            if self._is_due(tile.place, state, fresh):
                self._draw(tile, face, source, active)
        for place, sign, words in self._captions(clock):
            if self._is_due(place, (words,), fresh):
                canvas.place(place, sign)
        return canvas

    def _is_due(self, place: Rect, state: tuple[object, ...], fresh: list[Rect]) -> bool:
        """Whether it looks otherwise than what is there, or what lies below it has been drawn again."""
        if self._drawn.get(place) == state and not any(place.overlaps(other) for other in fresh):
            return False
        self._drawn[place] = state
        fresh.append(place)
        return True

    def _draw(self, tile: Tile, face: Face, source: Source | None, active: bool) -> None:
        place = tile.place
        picture: Planes | None = source.fitted(place.width, place.height, tile.whole) if source is not None else None
        if picture is None:
            picture = placard(face.name, place.width, place.height)
        self.canvas.place(place, picture)
        tall = min(place.height, self.canvas.height // _LARGE)
        thickness = max(2, tall // 90 * 2)
        if (self.scene.names and face.name) or face.muted:
            height = max(_SMALLEST_LABEL, tall // 10) & ~1
            inner = place.width - 4 * thickness
            sign = label(face.name if self.scene.names else "", face.muted, inner, height)
            at = Rect(place.x + 2 * thickness, place.y + place.height - 2 * thickness - height, sign.width, sign.height)
            self.canvas.place(at, sign)
        if active:
            self.canvas.border(place, GREEN, thickness)

    def _captions(self, clock: str) -> Iterator[tuple[Rect, Planes, str]]:
        """The room's name at the top on the left; on the right the time, and a red lamp while it is recorded."""
        canvas = self.canvas
        height = max(_SMALLEST_LABEL, canvas.height // 20) & ~1
        margin = canvas.height // 40 & ~1
        if self.scene.title:
            sign = label(self.scene.title, False, canvas.width * 2 // 3, height)
            yield Rect(margin, margin, sign.width, sign.height), sign, self.scene.title
        right = canvas.width - margin
        if self.scene.clock:
            sign = label(clock, False, canvas.width // 4, height)
            right = right - sign.width & ~1
            yield Rect(right, margin, sign.width, sign.height), sign, clock
        if self.scene.recorded:
            sign = lamp(height)
            yield Rect(right - sign.width & ~1, margin, sign.width, sign.height), sign, "recorded"
