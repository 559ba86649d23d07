"""Who is where in a picture. Pure: people and a layout in, rectangles out.

All coordinates are even, since colour has half the resolution of brightness (4:2:0).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from softswitch.kernel.errors import Invalid

GRIDS: Final = {"2x2": 2, "3x3": 3, "4x4": 4, "5x5": 5}
LAYOUTS: Final = ("speaker", "1+7", *GRIDS, "presenter", "adaptive")
"""The names of all layouts, in the order in which a key steps through them."""
MOST_PLACES: Final = 25


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of the picture, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: "Rect") -> bool:
        """Whether they share a pixel."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True, slots=True)
class Tile:
    """Somebody, or the content, at a place. Those later in a list lie over those before."""

    who: str
    place: Rect
    whole: bool = False
    """Content is shown whole, with bars where its shape is another; faces fill their place, and lose an edge."""


def check_layout(name: str) -> str:
    """The name. Raises Invalid for one that no layout has."""
    if name not in LAYOUTS:
        raise Invalid("layout", f"there is no layout {name!r}, only {', '.join(LAYOUTS)}")
    return name


def next_layout(name: str) -> str:
    """The one after it, round and round."""
    return LAYOUTS[(LAYOUTS.index(check_layout(name)) + 1) % len(LAYOUTS)]


class Seating:
    """Who sits where in one picture. Whoever has a place keeps it while others come and go."""

    def __init__(self) -> None:
        self._seats: list[str | None] = []
        self._heard: list[str] = []
        """Who was in the focus, the last one last."""
        self._focus: str | None = None
        self._large: str | None = None

    def tiles(
        self,
        layout: str,
        width: int,
        height: int,
        people: Sequence[str],
        *,
        active: str = "",
        spotlight: str = "",
        content: str | None = None,
    ) -> tuple[Tile, ...]:
        """Rectangles for a picture of `width` by `height`. `people` come in the order in which they joined; `spotlight`
        (who is pinned for all) goes before `active` (who speaks). Raises Invalid for an unknown layout."""
        check_layout(layout)
        focus = self._focused(people, active, spotlight)
        adapts = layout == "adaptive"
        if adapts:
            layout = "presenter" if content is not None else _grid_for(len(people))
        screen = Rect(0, 0, width & ~1, height & ~1)
        if layout == "speaker":
            return self._speaker(screen, people, focus, content)
        if layout == "presenter":
            return self._beside(_PRESENTER, screen, people, focus, content)
        if layout == "1+7":
            return self._beside(_ONE_AND_SEVEN, screen, people, focus, content)
        columns, rows = _SHAPES[layout]
        grid = _cells(screen, columns, rows)
        if content is not None:  # it takes the first place
            return (Tile(content, grid[0], whole=True), *self._seated(grid[1:], people, focus))
        seated = self._seated(grid, people, focus)
        return _last_row_in_the_middle(screen, seated) if adapts else seated

    def _focused(self, people: Sequence[str], active: str, spotlight: str) -> str | None:
        """Who the picture is about: when nobody speaks, whoever spoke last."""
        self._heard = [who for who in self._heard if who in people]
        if active in people:
            if active in self._heard:
                self._heard.remove(active)
            self._heard.append(active)
        if spotlight in people:
            self._focus = spotlight
        elif self._heard:
            self._focus = self._heard[-1]
        elif self._focus not in people:
            self._focus = people[0] if people else None
        return self._focus

    def _speaker(self, screen: Rect, people: Sequence[str], focus: str | None, content: str | None) -> tuple[Tile, ...]:
        if content is None:
            return () if focus is None else (Tile(focus, screen),)
        tiles = (Tile(content, screen, whole=True),)
        if focus is None:
            return tiles
        width, height = _even(screen.width / 4), _even(screen.height / 4)
        margin = _even(screen.width / 80)
        inset = Rect(screen.width - width - margin, screen.height - height - margin, width, height)
        return (*tiles, Tile(focus, inset))

    def _beside(
        self,
        shape: tuple[tuple[int, int], ...],
        screen: Rect,
        people: Sequence[str],
        focus: str | None,
        content: str | None,
    ) -> tuple[Tile, ...]:
        """One large, in three quarters of the picture; the others in quarters beside it."""
        quarters = _cells(screen, 4, 4)
        corner = quarters[15]
        tall = screen.height if shape is _PRESENTER else corner.y
        large = Rect(0, 0, corner.x, tall)
        small = [quarters[4 * row + column] for column, row in shape]
        if content is not None:
            return (Tile(content, large, whole=True), *self._seated(small, people, focus))
        if focus is None:
            return ()
        others = [who for who in people if who != focus]
        # Who leaves the large place takes the small one of who comes to it: the others stay where they are.
        if focus in self._seats:
            self._seats[self._seats.index(focus)] = self._large
        self._large = focus
        return (Tile(focus, large), *self._seated(small, others, self._last_heard(others)))

    def _last_heard(self, people: Collection[str]) -> str | None:
        return next((who for who in reversed(self._heard) if who in people), None)

    def _seated(self, places: Sequence[Rect], people: Sequence[str], focus: str | None) -> tuple[Tile, ...]:
        """Fill the places; `focus` has one in any case."""
        seats = [
            who if who in people and who not in self._seats[:index] else None for index, who in enumerate(self._seats)
        ]
        # When there are fewer places than before, those beyond move into free ones.
        seats, beyond = seats[: len(places)], [who for who in seats[len(places) :] if who is not None]
        seats += [None] * (len(places) - len(seats))
        waiting = beyond + [who for who in people if who not in seats and who not in beyond]
        for index, who in enumerate(seats):
            if who is None and waiting:
                seats[index] = waiting.pop(0)
        if focus is not None and focus in people and focus not in seats and seats:
            seats[self._least_heard(seats)] = focus
        self._seats = seats
        return tuple(Tile(who, place) for who, place in zip(seats, places, strict=True) if who is not None)

    def _least_heard(self, seats: Sequence[str | None]) -> int:
        """The place of whoever has been quiet for longest; of those never heard, the last."""
        ranks = [self._heard.index(who) if who in self._heard else -1 for who in seats]
        lowest = min(ranks)
        return len(ranks) - 1 - ranks[::-1].index(lowest)


_ONE_AND_SEVEN: Final = ((3, 0), (3, 1), (3, 2), (0, 3), (1, 3), (2, 3), (3, 3))
_PRESENTER: Final = ((3, 0), (3, 1), (3, 2), (3, 3))
_SHAPES: Final = {f"{columns}x{rows}": (columns, rows) for columns in range(1, 6) for rows in range(1, 6)}


def _grid_for(count: int) -> str:
    """The smallest grid that holds them all."""
    for columns, rows in ((1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4)):
        if count <= columns * rows:
            return f"{columns}x{rows}"
    return "5x5"


def _cells(screen: Rect, columns: int, rows: int) -> list[Rect]:
    """Equal cells, row by row, of the shape of the whole picture; fewer rows than columns stand in the middle."""
    tall = screen.height * rows / max(columns, rows)
    wide = screen.width * columns / max(columns, rows)
    left, top = (screen.width - wide) / 2, (screen.height - tall) / 2
    xs = [_even(left + wide * column / columns) for column in range(columns + 1)]
    ys = [_even(top + tall * row / rows) for row in range(rows + 1)]
    return [
        Rect(xs[column], ys[row], xs[column + 1] - xs[column], ys[row + 1] - ys[row])
        for row in range(rows)
        for column in range(columns)
    ]


def _last_row_in_the_middle(screen: Rect, tiles: tuple[Tile, ...]) -> tuple[Tile, ...]:
    """A row that is not full does not stand to the left."""
    if not tiles:
        return tiles
    lowest = max(tile.place.y for tile in tiles)
    row = [tile.place for tile in tiles if tile.place.y == lowest]
    if lowest == tiles[0].place.y:
        return tiles
    x = screen.x + _even((screen.width - sum(place.width for place in row)) / 2)
    moved = []
    for tile in tiles:
        place = tile.place
        if place.y == lowest:
            place, x = Rect(x, place.y, place.width, place.height), x + place.width
        moved.append(replace(tile, place=place))
    return tuple(moved)


def _even(value: float) -> int:
    return int(value) & ~1
