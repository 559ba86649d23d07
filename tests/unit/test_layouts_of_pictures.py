"""Who is where in a picture."""

import random

import pytest

from gateways.video.layouts import GRIDS, LAYOUTS, Rect, Seating, Tile, check_layout, next_layout
from softswitch.kernel.errors import Invalid


def seen(tiles: tuple[Tile, ...]) -> dict[str, tuple[int, int, int, int]]:
    return {tile.who: (tile.place.x, tile.place.y, tile.place.width, tile.place.height) for tile in tiles}


def test_four_share_the_picture_in_quarters() -> None:
    tiles = Seating().tiles("2x2", 640, 360, ["a", "b", "c", "d"])
    assert seen(tiles) == {
        "a": (0, 0, 320, 180),
        "b": (320, 0, 320, 180),
        "c": (0, 180, 320, 180),
        "d": (320, 180, 320, 180),
    }


def test_who_stays_keeps_the_place_and_who_comes_takes_the_free_one() -> None:
    seating = Seating()
    before = seen(seating.tiles("3x3", 1280, 720, ["a", "b", "c", "d"]))
    without = seen(seating.tiles("3x3", 1280, 720, ["a", "c", "d"]))
    assert without == {who: place for who, place in before.items() if who != "b"}
    again = seen(seating.tiles("3x3", 1280, 720, ["a", "c", "d", "e"]))
    assert again == without | {"e": before["b"]}


def test_who_speaks_is_seen_and_takes_the_place_of_who_was_quiet_longest() -> None:
    seating = Seating()
    people = ["a", "b", "c", "d", "e"]
    for active in ("a", "c", "d"):
        tiles = seen(seating.tiles("2x2", 640, 360, people, active=active))
    assert set(tiles) == {"a", "b", "c", "d"}
    after = seen(seating.tiles("2x2", 640, 360, people, active="e"))
    assert after["e"] == tiles["b"]
    assert {who: after[who] for who in "acd"} == {who: tiles[who] for who in "acd"}


def test_one_large_and_seven_small_change_places_when_another_speaks() -> None:
    seating = Seating()
    people = list("abcdefgh")
    first = seen(seating.tiles("1+7", 640, 360, people, active="a"))
    assert first["a"] == (0, 0, 480, 270)
    assert len(first) == 8
    second = seen(seating.tiles("1+7", 640, 360, people, active="e"))
    assert second["e"] == first["a"]
    assert second["a"] == first["e"]
    assert {who: second[who] for who in "bcdfgh"} == {who: first[who] for who in "bcdfgh"}


def test_when_nobody_speaks_the_last_speaker_stays_and_a_spotlight_goes_before_all() -> None:
    seating = Seating()
    people = ["a", "b", "c"]
    seating.tiles("speaker", 640, 360, people, active="b")
    assert list(seen(seating.tiles("speaker", 640, 360, people))) == ["b"]
    assert list(seen(seating.tiles("speaker", 640, 360, people, active="a", spotlight="c"))) == ["c"]
    assert list(seen(seating.tiles("speaker", 640, 360, ["b", "c"], spotlight="a"))) == ["b"]


def test_content_is_shown_whole_with_the_speaker_beside_it() -> None:
    for layout in ("presenter", "adaptive"):
        tiles = Seating().tiles(layout, 640, 360, ["a", "b"], active="b", content="page")
        assert tiles[0] == Tile("page", Rect(0, 0, 480, 360), whole=True)
        assert [tile.who for tile in tiles[1:]] == ["a", "b"]
        assert tiles[1].place == Rect(480, 0, 160, 90)
    over = Seating().tiles("speaker", 640, 360, ["a"], content="page")
    assert over[0].place == Rect(0, 0, 640, 360)
    assert over[0].place.overlaps(over[1].place)


@pytest.mark.parametrize(
    ("count", "shape"),
    [(1, (640, 360)), (2, (320, 180)), (5, (212, 120)), (10, (160, 90)), (25, (128, 72)), (40, (128, 72))],
)
def test_adaptive_takes_the_smallest_grid_that_holds_all(count: int, shape: tuple[int, int]) -> None:
    tiles = Seating().tiles("adaptive", 640, 360, [str(each) for each in range(count)])
    assert len(tiles) == min(count, 25)
    assert (tiles[0].place.width, tiles[0].place.height) == shape


def test_adaptive_has_its_last_row_in_the_middle() -> None:
    seating = Seating()
    three = seen(seating.tiles("adaptive", 640, 360, ["a", "b", "c"]))
    assert three == {"a": (0, 0, 320, 180), "b": (320, 0, 320, 180), "c": (160, 180, 320, 180)}
    four = seen(seating.tiles("adaptive", 640, 360, ["a", "b", "c", "d"]))
    assert four == three | {"c": (0, 180, 320, 180), "d": (320, 180, 320, 180)}
    alone = Seating().tiles("adaptive", 640, 360, ["a"])
    assert alone == (Tile("a", Rect(0, 0, 640, 360)),)


def test_nobody_is_nothing_to_be_seen() -> None:
    for layout in LAYOUTS:
        assert Seating().tiles(layout, 640, 360, []) == ()


def test_places_are_even_inside_apart_and_of_each_only_one_whatever_happens() -> None:
    for seed in range(60):
        chance = random.Random(seed)
        seating, people = Seating(), [str(each) for each in range(3)]
        for step in range(60):
            if chance.random() < 0.4 and len(people) < 40:
                people.append(f"{seed}.{step}")
            elif people and chance.random() < 0.4:
                people.remove(chance.choice(people))
            layout = chance.choice(LAYOUTS)
            width, height = chance.choice([(640, 360), (1280, 720), (352, 288), (1366, 768), (360, 640)])
            active = chance.choice([*people, ""])
            content = chance.choice(["page", None])
            tiles = seating.tiles(layout, width, height, people, active=active, content=content)
            who = [tile.who for tile in tiles]
            assert len(set(who)) == len(who), (seed, step)
            assert {*who} <= {*people, *([content] if content else [])}
            assert not active or active in who
            assert not content or who[0] == content
            for index, tile in enumerate(tiles):
                place = tile.place
                assert not (place.x | place.y | place.width | place.height) & 1
                assert place.x >= 0 and place.y >= 0
                assert place.x + place.width <= width and place.y + place.height <= height
                if layout != "speaker":
                    assert not any(place.overlaps(other.place) for other in tiles[:index])


def test_layouts_are_stepped_through_and_unknown_ones_refused() -> None:
    name = LAYOUTS[0]
    for _ in LAYOUTS:
        name = next_layout(name)
    assert name == LAYOUTS[0]
    assert {*GRIDS} < {*LAYOUTS}
    with pytest.raises(Invalid, match="there is no layout 'mosaic'"):
        check_layout("mosaic")
