"""Pixels of composed pictures, read at known places."""

from collections.abc import Callable

import numpy as np
import pytest

from gateways.video.composer.canvas import BLACK, GREEN, Canvas, Colour
from gateways.video.composer.lettering import label
from gateways.video.composer.pace import Pace
from gateways.video.composer.painting import Painter
from gateways.video.composer.sources import Source, Still
from gateways.video.layouts import Rect
from gateways.video.records import Face, Scene

RED: Colour = (81, 90, 240)
BLUE: Colour = (41, 240, 110)
YELLOW: Colour = (210, 16, 146)


def still(colour: Colour, width: int = 320, height: int = 180) -> Still:
    canvas = Canvas(width, height)
    canvas.fill(Rect(0, 0, width, height), colour)
    return Still(canvas.pixels.tobytes(), width, height)


def near(colour: Colour, other: Colour, by: int = 3) -> bool:
    return all(abs(one - two) <= by for one, two in zip(colour, other, strict=True))


def scene(*faces: Face, layout: str = "2x2", **more: object) -> Scene:
    return Scene(1, 640, 360, 15, layout, faces, **more)  # type: ignore[arg-type]


def find(*sources: Source) -> Callable[[int], Source | None]:
    return dict(enumerate(sources, start=1)).get


def test_each_member_is_at_its_place_in_its_colour() -> None:
    painter = Painter(scene(Face("a", 1), Face("b", 2), Face("c", 3)))
    canvas = painter.paint(find(still(RED), still(BLUE, 640, 480), still(YELLOW, 352, 288)), "")
    assert near(canvas.colour_at(160, 90), RED)
    assert near(canvas.colour_at(480, 90), BLUE)
    assert near(canvas.colour_at(160, 270), YELLOW)
    assert near(canvas.colour_at(318, 10), RED)
    assert near(canvas.colour_at(322, 10), BLUE)
    assert canvas.colour_at(480, 270) == BLACK


def test_a_telephone_held_upright_is_seen_whole_between_bars() -> None:
    canvas = Painter(scene(Face("a", 1), layout="speaker")).paint(find(still(RED, 360, 640)), "")
    assert near(canvas.colour_at(320, 4), RED)
    assert near(canvas.colour_at(320, 354), RED)
    assert canvas.colour_at(100, 180) == BLACK
    assert canvas.colour_at(540, 180) == BLACK


def test_who_speaks_has_a_green_border_that_goes_when_another_does() -> None:
    sources = find(still(RED), still(BLUE))
    painter = Painter(scene(Face("a", 1), Face("b", 2), active="b"))
    canvas = painter.paint(sources, "")
    assert canvas.colour_at(321, 90) == GREEN
    assert near(canvas.colour_at(1, 90), RED)
    painter.follow(scene(Face("a", 1), Face("b", 2), active="a"))
    canvas = painter.paint(sources, "")
    assert near(canvas.colour_at(321, 90), BLUE)
    assert canvas.colour_at(1, 90) == GREEN


def test_a_name_is_written_at_the_bottom_and_who_is_muted_has_a_red_microphone() -> None:
    painter = Painter(scene(Face("a", 1, "张伟"), Face("b", 2, "Bob", muted=True)))
    canvas = painter.paint(find(still(BLUE), still(BLUE)), "")
    sign = canvas.planes.y[156:178, 4:60]
    assert sign.max() > 200, "no white letters"
    reds = canvas.planes.v[150 // 2 : 178 // 2, :160].max(), canvas.planes.v[150 // 2 : 178 // 2, 160:].max()
    assert reds[0] < 150 < reds[1]
    painter.follow(scene(Face("a", 1, "张伟"), Face("b", 2, "Bob"), names=False))
    canvas = painter.paint(find(still(BLUE), still(BLUE)), "")
    assert near(canvas.colour_at(20, 168), BLUE)


def test_chinese_names_are_letters_and_not_boxes() -> None:
    """A letter that the font has not is drawn as a box, the same for each."""
    signs = [label(name, False, 200, 20).y for name in ("张", "伟", "王")]
    assert len({sign.tobytes() for sign in signs}) == 3
    unknown = [label(name, False, 200, 20).y for name in ("\U00013000", "\U00013001")]
    assert unknown[0].tobytes() == unknown[1].tobytes()


def test_a_long_name_is_shortened_and_one_that_would_steer_the_line_is_made_plain() -> None:
    assert label("x" * 200, False, 100, 20).width <= 100
    assert np.array_equal(label("A\n\u202eB", False, 100, 20).y, label("A B", False, 100, 20).y)
    assert np.array_equal(label("Bob \U0001f389 O", False, 100, 20).y, label("Bob O", False, 100, 20).y)
    assert label("", False, 100, 20).width <= 12


def test_who_has_no_picture_is_a_tile_with_a_name() -> None:
    painter = Painter(scene(Face("a", 1), Face("b", name="李娜"), Face("c", 9, "Carol")))
    canvas = painter.paint(find(still(RED)), "")
    for x, y in ((480, 82), (160, 262)):
        tile = canvas.planes.y[y - 20 : y + 20, x - 20 : x + 20]
        assert tile.max() > 200, "no letter"
    assert canvas.colour_at(330, 10) != BLACK


def test_a_picture_that_is_new_is_drawn_and_all_else_stays() -> None:
    red, blue = still(RED), still(BLUE)
    painter = Painter(scene(Face("a", 1), Face("b", 2)))
    canvas = painter.paint(find(red, blue), "")
    canvas.fill(Rect(0, 0, 640, 360), YELLOW)
    painter.paint(find(red, blue), "")
    assert canvas.colour_at(160, 90) == YELLOW, "what had not changed was drawn again"
    painter.paint(find(red, still(RED)), "")
    assert canvas.colour_at(160, 90) == YELLOW
    assert near(canvas.colour_at(480, 90), RED)


def test_the_title_and_the_clock_stay_above_pictures_that_move() -> None:
    painter = Painter(scene(Face("a", 1), layout="speaker", title="Board 董事会", clock=True))
    canvas = painter.paint(find(still(BLUE)), "12:34")
    for picture in (BLUE, RED):
        canvas = painter.paint(find(still(picture)), "12:34")
        assert canvas.planes.y[8:26, 8:150].max() > 200
        assert canvas.planes.y[8:26, 580:632].max() > 200
        assert near(canvas.colour_at(320, 200), picture)
    first = canvas.planes.y[8:26, 580:632].copy()
    assert not np.array_equal(painter.paint(find(still(RED)), "12:35").planes.y[8:26, 580:632], first)


def test_a_red_lamp_says_that_it_is_recorded() -> None:
    for clock in (False, True):
        painter = Painter(scene(Face("a", 1), layout="speaker", clock=clock, recorded=True))
        sources = find(still(BLUE))
        canvas = painter.paint(sources, "12:34")
        assert canvas.planes.v[4:13, 240:316].max() > 190, "no lamp"
        painter.follow(scene(Face("a", 1), layout="speaker", clock=clock))
        assert painter.paint(sources, "12:34").planes.v[4:13, 240:316].max() < 150, "it stays on"


def test_content_is_whole_and_an_inset_stays_above_it() -> None:
    painter = Painter(scene(Face("a", 1), Face("page", 2, content=True), layout="speaker"))
    for page in (BLUE, YELLOW):
        canvas = painter.paint(find(still(RED), still(page, 400, 600)), "")
        assert near(canvas.colour_at(320, 180), page)
        assert canvas.colour_at(100, 180) == BLACK
        assert near(canvas.colour_at(560, 310), RED)


def test_pictures_come_at_a_constant_pace_and_late_ones_are_left_out() -> None:
    pace = Pace(15, 100.0)
    assert pace.take(99.99) is None
    assert pace.take(100.0) == 9_000_000
    assert pace.take(100.03) is None
    assert pace.take(100.0 + 1 / 15) == 9_006_000
    assert pace.take(100.0 + 10.5 / 15) == 9_060_000
    assert pace.late == 8
    assert pace.due == pytest.approx(100.0 + 11 / 15)
    # Another that begins later goes on where this one would be.
    assert Pace(15, 102.0).take(102.0) == 9_180_000
    # A day later it is where it should be, to the tick.
    assert Pace(30, 0.0).take(86_400.0) == 86_400 * 90_000
