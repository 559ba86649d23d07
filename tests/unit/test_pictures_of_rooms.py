"""What members of a room are shown, by their codecs: switched, converted or composed."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace
from PIL import Image

import softswitch.pictures
from gateways.video.cameras import Cameras
from gateways.video.limits import PACKET, SIZES, form_of, passes, size_of
from gateways.video.records import Beat, Scene
from softswitch.features.conference.model.scene import Scene as Seen
from softswitch.kernel.errors import Conflict, Invalid, NotPermitted
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec
from softswitch.pictures import RoomPictures
from tests.support.picture_engine import PictureEngine, seen

H264 = Codec(99, "H264", 90_000, 1, "profile-level-id=42e01f;packetization-mode=1")
MODE_0 = Codec(99, "H264", 90_000, 1, "profile-level-id=42e01f")
VP8 = Codec(100, "VP8", 90_000)
ROOM = MixId("conference/3000")


class Composer:
    """What the composer is told."""

    def __init__(self) -> None:
        self.there, self.coming = True, False
        self.beat: Beat | None = None
        self.scenes: dict[int, Scene] = {}
        self.stills: dict[int, tuple[int, int]] = {}
        self.cameras: dict[int, tuple[str, bool]] = {}
        self.told = 0

    def show(self, scene: Scene) -> None:
        self.scenes[scene.scene] = scene
        self.told += 1

    def close(self, scene: int) -> None:
        del self.scenes[scene]

    def still(self, member: int, width: int, height: int, i420: bytes) -> None:
        self.stills[member] = (width, height)

    def camera(self, member: int, url: str, sound: bool) -> None:
        self.cameras[member] = url, sound

    def drop(self, member: int) -> None:
        if self.stills.pop(member, None) is None:
            del self.cameras[member]


async def at_home(host: str, port: int) -> list[str]:
    return ["192.0.2.7"]


def pictures(engine: PictureEngine, composer: Composer) -> RoomPictures:
    made: Callable[[RoomPictures], Any] = lambda pictures: composer  # noqa: E731
    return RoomPictures(engine, made, Path("/nowhere"), Cameras({"door.example.com"}, at_home))


LEGS = {1: LegId("a"), 2: LegId("b"), 3: LegId("c")}


def test_who_has_no_video_is_named_and_shown_nothing() -> None:
    engine, composer = PictureEngine(a=H264, b=H264), Composer()
    room = pictures(engine, composer)
    assert room.terminal(LegId("a")) == "video"
    assert room.terminal(LegId("c")) == "audio"
    assert room.compose(ROOM, seen(1, 2, 3, speaking=2), LEGS)
    (scene,) = composer.scenes.values()
    assert [(face.who, face.name, face.member != 0) for face in scene.faces] == [
        ("1", "Member 1", True),
        ("2", "Member 2", True),
        ("3", "Member 3", False),
    ]
    assert (scene.active, scene.title, scene.layout, scene.width) == ("2", "Board", "2x2", 1280)
    assert set(engine.shown) == {"a/video", "b/video"}


def test_all_of_one_codec_share_one_encoding_and_each_other_has_its_own() -> None:
    engine, composer = PictureEngine(a=H264, b=H264, c=VP8), Composer()
    room = pictures(engine, composer)
    room.compose(ROOM, seen(1, 2, 3), LEGS)
    (scene,) = composer.scenes.values()
    assert sorted(output.codec for output in scene.outputs) == ["H264", "VP8"]
    assert engine.shown[LegId("a/video")] == engine.shown[LegId("b/video")]
    by_number = {output.source: output.codec for output in scene.outputs}
    for viewer, source in engine.shown.items():
        assert source is not None
        number, codec = engine.sources[source]
        assert by_number[number] == codec == engine.codecs[viewer].name
    assert {face.member for face in scene.faces} == set(engine.fed.values())


def test_where_nobody_sees_itself_each_has_a_picture_of_its_own_without_itself() -> None:
    engine, composer = PictureEngine(a=H264, b=VP8), Composer()
    room = pictures(engine, composer)
    without = structs.replace(seen(1, 2, 3), self_view=False, clock=True)
    assert room.compose(ROOM, without, LEGS)
    faces = sorted([face.who for face in scene.faces] for scene in composer.scenes.values())
    assert faces == [["1", "3"], ["2", "3"]] and all(scene.clock for scene in composer.scenes.values())
    for viewer, absent in (("a/video", "1"), ("b/video", "2")):
        source = engine.shown[LegId(viewer)]
        assert source is not None
        number, _ = engine.sources[source]
        (scene,) = [each for each in composer.scenes.values() if each.outputs[0].source == number]
        assert absent not in [face.who for face in scene.faces]
    assert len(engine.fed) == 2, "each is decoded once, whoever sees it"
    room.compose(ROOM, structs.replace(without, tiles=without.tiles[:1]), {1: LEGS[1]})
    assert [[face.who for face in scene.faces] for scene in composer.scenes.values()] == [[]]
    room.compose(ROOM, seen(1, 2), LEGS)
    assert [[face.who for face in scene.faces] for scene in composer.scenes.values()] == [["1", "2"]]
    room.end(ROOM)
    assert not composer.scenes and not engine.sources and not any(engine.fed.values())


def test_packetisation_mode_0_gets_slices_that_fit_a_packet() -> None:
    engine, composer = PictureEngine(a=H264, b=MODE_0), Composer()
    pictures(engine, composer).compose(ROOM, seen(1, 2), LEGS)
    (scene,) = composer.scenes.values()
    assert sorted(output.longest_slice for output in scene.outputs) == [0, PACKET]


def test_a_narrow_line_gets_a_smaller_picture_and_nobody_else_does() -> None:
    engine, composer = PictureEngine(a=H264, b=H264), Composer()
    engine.kbps[LegId("b/video")] = 300
    room = pictures(engine, composer)
    room.compose(ROOM, seen(1, 2), LEGS)
    rates = {scene.width: scene.outputs[0].kbps for scene in composer.scenes.values()}
    assert rates == {1280: 1500, 640: 300}
    engine.kbps[LegId("b/video")] = 1000
    room.compose(ROOM, seen(1, 2), LEGS)
    (scene,) = composer.scenes.values()
    assert [output.kbps for output in scene.outputs] == [1000]
    assert len(engine.sources) == 1


def test_what_has_not_changed_is_not_told_again_and_the_end_leaves_nothing() -> None:
    engine, composer = PictureEngine(a=H264, b=VP8), Composer()
    room = pictures(engine, composer)
    room.compose(ROOM, seen(1, 2), LEGS)
    told, shown = composer.told, dict(engine.shown)
    room.compose(ROOM, seen(1, 2), LEGS)
    assert composer.told == told
    assert engine.shown == shown
    room.compose(ROOM, seen(2), {2: LegId("b")})
    assert set(engine.fed) == {"b/video"}
    room.end(ROOM)
    assert not composer.scenes and not engine.fed and not engine.sources


def test_who_has_hung_up_is_asked_for_nothing_more() -> None:
    engine, composer = PictureEngine(a=H264, b=H264, c=VP8), Composer()
    room = pictures(engine, composer)
    room.compose(ROOM, seen(1, 2, 3), LEGS)
    engine.hang_up(LegId("b"))
    room.compose(ROOM, seen(1, 3), {1: LegId("a"), 3: LegId("c")})
    (scene,) = composer.scenes.values()
    assert [face.who for face in scene.faces] == ["1", "3"]
    room.show(LegId("b"), LegId("a"))
    room.show(LegId("a"), LegId("b"))
    assert engine.shown[LegId("a/video")] is None
    engine.hang_up(LegId("a"))
    engine.hang_up(LegId("c"))
    room.end(ROOM)
    assert not composer.scenes and not engine.sources


def test_what_the_composer_has_done_is_for_the_metrics() -> None:
    composer = Composer()
    room = pictures(PictureEngine(a=H264), composer)
    assert room.figures == dict.fromkeys(room.figures, 0) | {"there": 1}
    composer.beat = Beat(pid=1, decoded=2, composed=3, encoded=4, late=5, broken=6)
    assert list(room.figures.values()) == [1, 2, 3, 4, 5, 6]


def test_where_no_source_can_be_had_members_are_shown_what_there_is() -> None:
    engine, composer = PictureEngine(a=H264, b=VP8), Composer()
    engine.most_sources = 1
    room = pictures(engine, composer)
    room.compose(ROOM, seen(1, 2), LEGS)
    (scene,) = composer.scenes.values()
    assert len(scene.outputs) == len(engine.shown) == 1


def test_switching_passes_what_can_be_taken_and_converts_what_cannot() -> None:
    engine, composer = PictureEngine(a=H264, b=H264, c=VP8), Composer()
    room = pictures(engine, composer)
    a, b, c = LegId("a"), LegId("b"), LegId("c")
    room.show(a, b)
    assert engine.shown[LegId("a/video")] == "b/video"
    room.show(c, b)
    (scene,) = composer.scenes.values()
    assert [output.codec for output in scene.outputs] == ["VP8"]
    assert engine.sources[engine.shown[LegId("c/video")]][1] == "VP8"  # type: ignore[index]
    room.show(c, a)
    (scene,) = composer.scenes.values()
    assert scene.faces[0].member == engine.fed[LegId("a/video")]
    assert set(engine.fed) == {"a/video"}
    room.show(c, None)
    assert engine.shown[LegId("c/video")] is None
    assert not composer.scenes and not engine.fed and not engine.sources


def test_without_a_composer_pictures_are_switched_and_when_one_comes_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, composer = PictureEngine(a=H264, b=H264), Composer()
    room = pictures(engine, composer)
    changes: list[str] = []
    room.listen(lambda: changes.append("changed"), lambda line, flows: changes.append(f"{line} {flows}"))
    composer.there = False
    assert not room.compose(ROOM, seen(1, 2), LEGS)
    assert composer.scenes, "it is to be begun"
    assert not engine.shown
    composer.there = True
    room.composer_came(Path("/composer.sock"))
    assert engine.at == Path("/composer.sock")
    room.video_flows(LegId("a/video1"), True)
    assert changes.pop() == "a/video1 True"
    assert changes == ["changed"]
    assert room.compose(ROOM, seen(1, 2), LEGS)
    assert set(engine.shown) == {"a/video", "b/video"}
    # It crashes, and the next one is on its way.
    composer.there, composer.coming = False, True
    room.composer_went("it has died")
    assert changes == ["changed"]
    assert room.compose(ROOM, seen(1, 2), LEGS)
    composer.coming = False
    room.composer_went("it does not begin")
    assert changes == ["changed", "changed"]
    assert not room.compose(ROOM, seen(1, 2), LEGS)
    monkeypatch.setattr(softswitch.pictures, "missing", lambda: "the package av is needed")
    assert not pictures(engine, Composer()).compose(ROOM, seen(1), LEGS)


async def test_a_page_is_shown_until_it_is_taken_away() -> None:
    engine, composer = PictureEngine(a=H264, b=H264), Composer()
    room = pictures(engine, composer)
    changes: list[str] = []
    room.listen(lambda: changes.append("changed"), lambda line, flows: changes.append(f"{line} {flows}"))
    with pytest.raises(Conflict, match="no document is shown"):
        await room.turn(ROOM, 2)
    with pytest.raises(Invalid, match="neither PNG nor JPEG nor PDF"):
        await room.present(ROOM, b"GIF", 1)
    assert not room.must_compose(ROOM)
    document = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(
        document, "PDF", save_all=True, append_images=[Image.new("RGB", (200, 300))]
    )
    assert await room.present(ROOM, document.getvalue(), 1) == 2
    assert room.must_compose(ROOM)
    assert changes == ["changed"]
    room.compose(ROOM, seen(1, 2), LEGS)
    (scene,) = composer.scenes.values()
    assert scene.faces[-1].content
    (first,) = composer.stills
    assert scene.faces[-1].member == first
    assert await room.turn(ROOM, 2) == 2
    room.compose(ROOM, seen(1, 2), LEGS)
    (scene,) = composer.scenes.values()
    assert [scene.faces[-1].member] == list(composer.stills) != [first]
    room.take_away(ROOM)
    room.follow(ROOM, seen(1, 2), LEGS)
    assert not composer.scenes and not composer.stills and not engine.sources


async def test_cameras_are_seen_and_heard_until_the_room_ends() -> None:
    engine, composer = PictureEngine(a=H264), Composer()
    room = pictures(engine, composer)
    told: list[str] = []
    with pytest.raises(NotPermitted):
        await room.check_camera("rtsp://127.0.0.1/1")
    with pytest.raises(NotPermitted):
        await room.add_camera(ROOM, 2, "rtsp://127.0.0.1/1", True, told.append)
    leg = await room.add_camera(ROOM, 2, "rtsp://door.example.com/1", True, told.append)
    assert await room.add_camera(ROOM, 3, "rtsp://door.example.com/2", False, told.append) is None
    assert room.must_compose(ROOM)
    room.compose(ROOM, watched(seen(1, 2, 3), 2, 3), LEGS)
    (scene,) = composer.scenes.values()
    numbers = [face.member for face in scene.faces[1:]]
    assert [face.who for face in scene.faces] == ["1", "2", "3"]
    assert [composer.cameras[number] for number in numbers] == [
        ("rtsp://192.0.2.7:554/1", True),
        ("rtsp://192.0.2.7:554/2", False),
    ]
    assert leg is not None and engine.voices == {leg: numbers[0]}
    room.composer_refused("camera", numbers[0], "Connection refused")
    room.composer_refused("camera", numbers[0], "")
    room.composer_refused("still", numbers[0], "of another")
    room.composer_went("it has died")
    assert told == ["Connection refused", "", "there is no composer", "there is no composer"]
    room.remove_camera(ROOM, 3)
    room.end(ROOM)
    assert not composer.cameras and not composer.scenes and not engine.voices and not room.must_compose(ROOM)


async def test_a_camera_for_which_no_leg_is_left_is_seen_all_the_same() -> None:
    engine, composer = PictureEngine(a=H264), Composer()
    engine.most_voices = 0
    room = pictures(engine, composer)
    assert await room.add_camera(ROOM, 2, "rtsp://door.example.com/1", True, lambda lost: None) is None
    assert len(composer.cameras) == 1
    room.remove_camera(ROOM, 2)
    assert not composer.cameras


def watched(scene: Seen, *cameras: int) -> Seen:
    """Some of the members are cameras."""
    tiles = (replace(tile, camera=tile.member in cameras) for tile in scene.tiles)
    return replace(scene, tiles=tuple(tiles))


@pytest.mark.parametrize(
    ("parameters", "width"),
    [
        ("profile-level-id=42e01f", 1280),
        ("profile-level-id=428028;packetization-mode=1", 1280),
        ("profile-level-id=42801e", 640),
        ("profile-level-id=42e016", 640),
        ("profile-level-id=42e00d", 320),
        ("profile-level-id=42e00d;max-fs=3600", 320),
        ("", 320),
    ],
)
def test_a_level_says_how_large_a_picture_may_be(parameters: str, width: int) -> None:
    assert size_of(Codec(99, "H264", 90_000, 1, parameters), None).width == width


def test_what_a_viewer_takes_is_read_from_what_was_agreed() -> None:
    assert size_of(VP8, None) == SIZES[0]
    assert size_of(Codec(100, "VP8", 90_000, 1, "max-fr=30;max-fs=1200"), None).width == 640
    assert form_of(Codec(101, "H265", 90_000)) is None
    assert passes(H264, H264) and passes(MODE_0, H264) and passes(VP8, VP8)
    assert not passes(H264, MODE_0) and not passes(VP8, H264)


def test_a_phone_that_only_sends_is_seen_and_sent_nothing_and_one_that_only_takes_is_a_name() -> None:
    engine, composer = PictureEngine(a=H264, b=H264, c=H264), Composer()
    engine.cameras, engine.screens = {LegId("b/video")}, {LegId("c/video")}
    room = pictures(engine, composer)
    assert [room.terminal(leg) for leg in LEGS.values()] == ["video", "camera", "screen"]
    assert room.compose(ROOM, seen(1, 2, 3), LEGS)
    assert set(engine.shown) == {LegId("a/video"), LegId("c/video")}
    assert set(engine.fed) == {LegId("a/video"), LegId("b/video")}
    (scene,) = composer.scenes.values()
    assert [face.member != 0 for face in scene.faces] == [True, True, False]
    assert len(scene.outputs) == 1
    room.end(ROOM)
    engine.shown.clear()
    room.show(LegId("a"), LegId("b"))
    room.show(LegId("b"), LegId("a"))
    room.show(LegId("a"), LegId("c"))
    assert engine.shown == {LegId("a/video"): None}


def test_who_has_pinned_somebody_has_a_picture_of_its_own_as_long_as_that_lasts() -> None:
    engine, composer = PictureEngine(a=H264, b=H264, c=H264), Composer()
    room = pictures(engine, composer)
    everybody = replace(seen(1, 2, 3, first=3), pinned=((1, 2),))
    assert room.compose(ROOM, everybody, LEGS)
    pinned, shared = sorted(composer.scenes.values(), key=lambda scene: scene.spotlight)
    assert (pinned.spotlight, shared.spotlight) == ("2", "3")
    assert [face.who for face in pinned.faces] == [face.who for face in shared.faces] == ["1", "2", "3"]
    sources = {viewer: engine.shown[LegId(f"{viewer}/video")] for viewer in "abc"}
    assert sources["b"] == sources["c"] != sources["a"] and len(engine.sources) == 2
    assert room.compose(ROOM, seen(1, 2, 3, first=3), LEGS)
    assert engine.shown[LegId("a/video")] == sources["b"] and len(engine.sources) == len(composer.scenes) == 1
    assert room.compose(ROOM, replace(everybody, self_view=False), LEGS)
    spotlights = sorted((len(scene.faces), scene.spotlight) for scene in composer.scenes.values())
    assert spotlights == [(2, "2"), (2, "3"), (2, "3")]
    room.end(ROOM)
    assert not composer.scenes and not engine.sources
