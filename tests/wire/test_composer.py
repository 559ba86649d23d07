"""The composer's process, spoken to as the media engine and call control do."""

import itertools
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateways.video import records
from gateways.video.records import Face, Picture, Rate, Scene, Trouble
from tests.support.composing import (
    BLUE,
    PATIENCE,
    RED,
    YELLOW,
    Eye,
    Line,
    Sender,
    composer,
    near,
    output,
)

FACES = (Face("a", 1), Face("b", 2), Face("c", 3), Face("d", name="Dora"))


def quarters(*outputs: records.Output, faces: tuple[Face, ...] = FACES) -> Scene:
    return Scene(1, 640, 360, 15, "2x2", faces, outputs=outputs)


def both_are_there(eye: Eye) -> bool:
    return near(eye.colour_at(160, 90), RED) and near(eye.colour_at(480, 90), BLUE)


def test_members_of_both_codecs_are_seen_by_viewers_of_both(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11), output(12, "VP8"), output(13, longest_slice=1100)))
        members = Sender(1, RED), Sender(2, BLUE, 640, 480, "VP8"), Sender(3, YELLOW)
        for source, codec in ((11, "H264"), (12, "VP8"), (13, "H264")):
            eye = desk.see(Eye(codec), source, both_are_there, *members)
            assert near(eye.colour_at(160, 270), YELLOW)
            assert (eye.frame.width, eye.frame.height) == (640, 360)


def test_h264_is_constrained_baseline_in_slices_that_fit_a_packet_with_parameter_sets_before_key_frames(
    tmp_path: Path,
) -> None:
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11, longest_slice=1100, kbps=2000)))
        first = desk.encoded(11)
        units = [unit for unit in first.data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
        kinds = [unit[0] & 31 for unit in units]
        assert first.key
        assert kinds[:2] == [7, 8]
        assert {*kinds[2:]} <= {5, 6}
        assert units[0][1] == 66
        assert units[0][2] & 0x40, "constraint_set1_flag"
        members = Sender(1, RED), Sender(2, BLUE)
        desk.see(Eye("H264"), 11, both_are_there, *members)
        desk.engine.say(records.number(records.WANTED, 11))
        while not (picture := desk.encoded(11)).key:
            pass
        units = [unit for unit in picture.data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
        assert [unit[0] & 31 for unit in units].count(5) > 1
        assert max(len(unit) for unit in units if unit[0] & 31 == 5) <= 1100


def test_a_member_who_turns_the_telephone_is_seen_on(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11)))
        one, two = Sender(1, RED), Sender(2, BLUE)
        eye = desk.see(Eye("H264"), 11, both_are_there, one, two)
        one.resize(360, 640)
        one.colour = YELLOW

        def upright(eye: Eye) -> bool:
            # Whole, between bars: a hundred pixels wide in the middle of its quarter.
            return near(eye.colour_at(160, 90), YELLOW) and near(eye.colour_at(60, 90), (16, 128, 128))

        desk.see(eye, 11, upright, one, two)


def test_what_is_broken_asks_for_a_key_frame_and_disturbs_nobody(tmp_path: Path) -> None:
    chance = random.Random(5)
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11)))
        one, two = Sender(1, RED), Sender(2, BLUE)
        eye = desk.see(Eye("H264"), 11, both_are_there, one, two)
        pid = desk.beat().pid
        for turn in range(300):
            picture = one.picture(key=turn % 20 == 0)
            data = bytearray(picture.data)
            for _ in range(1 + turn % 9):
                data[chance.randrange(len(data))] = chance.randrange(256)
            data = data[: chance.randint(1, len(data))] if turn % 3 else data
            codec = "VP8" if turn % 7 == 0 else "H264"
            desk.engine.say(records.picture(Picture(1, codec, picture.key, False, picture.rtp, 0, bytes(data))))
        for noise in (b"", b"\0\0\1", b"\xff" * 1000, b"\0\0\0\1\x67\xff\xff\xff\xff", bytes(1000)):
            for codec in records.CODECS:
                desk.engine.say(records.picture(Picture(1, codec, True, False, 0, 0, noise)))
        one.resize(320, 180)
        one.colour = YELLOW
        desk.see(eye, 11, lambda eye: near(eye.colour_at(160, 90), YELLOW), one, two)
        assert desk.beat().pid == pid
        assert desk.beat().broken > 0


def test_a_third_of_the_pictures_missing_is_no_picture_that_is_torn(tmp_path: Path) -> None:
    """The last whole one stays until there is a key frame, which is asked for."""
    chance = random.Random(1)
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11)))
        one, two = Sender(1, RED), Sender(2, BLUE)
        eye = desk.see(Eye("H264"), 11, both_are_there, one, two)
        lost = asked = 0
        gap = False
        give_up = time.perf_counter() + PATIENCE
        while lost < 20 or asked < 4:
            assert time.perf_counter() < give_up
            frame = desk.engine.heard()
            if frame[0] == records.ENCODED:
                eye.see(records.read_encoded(frame))
                assert both_are_there(eye)
                key = False
            elif frame[0] == records.MEMBER_WANTED:
                asked += 1
                key = True
            else:
                continue
            picture = one.picture(key=key, gap=gap)
            gap = chance.random() < 0.3
            if gap:
                lost += 1
            else:
                desk.engine.say(records.picture(picture))


def test_only_who_is_seen_is_decoded(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        desk.show(Scene(1, 640, 360, 15, "speaker", FACES, active="a", outputs=(output(11),)))
        one, two = Sender(1, RED), Sender(2, BLUE)
        eye = desk.see(Eye("H264"), 11, lambda eye: near(eye.colour_at(320, 100), RED), one)
        before = desk.beat().decoded
        for _ in range(50):
            desk.engine.say(records.picture(two.picture()))
        desk.engine.say(records.number(records.WANTED, 11))
        while not desk.encoded(11).key:
            pass
        assert desk.beat().decoded == before
        desk.show(Scene(1, 640, 360, 15, "speaker", FACES, active="b", outputs=(output(11),)))
        assert records.read_number(desk.engine.until(records.MEMBER_WANTED)) == 2
        desk.engine.say(records.picture(two.picture(key=True)))
        desk.see(eye, 11, lambda eye: near(eye.colour_at(320, 100), BLUE), two)


def test_who_has_gone_leaves_a_tile_with_a_name(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11)))
        one, two = Sender(1, RED), Sender(2, BLUE)
        eye = desk.see(Eye("H264"), 11, both_are_there, one, two)
        desk.engine.say(records.number(records.GONE, 1))
        desk.see(eye, 11, lambda eye: not near(eye.colour_at(20, 20), RED) and near(eye.colour_at(480, 90), BLUE), two)


def test_the_rate_is_kept_and_can_be_changed(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11, kbps=400)))
        one, two = Sender(1, RED), Sender(2, BLUE)
        desk.see(Eye("H264"), 11, both_are_there, one, two)
        desk.control.say(records.told(records.RATE, Rate(11, 64)))
        while not desk.encoded(11).key:
            pass
        pictures = [desk.encoded(11) for _ in range(30)]
        assert 8 * sum(len(picture.data) for picture in pictures) / 2 <= 64_000 * 1.25
        steps = {later.rtp - earlier.rtp for earlier, later in itertools.pairwise(pictures)}
        assert all(step % 6000 == 0 for step in steps)


def test_it_crashes_in_the_middle_and_pictures_go_on_within_two_seconds(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        scene = quarters(output(11))
        desk.show(scene)
        one, two = Sender(1, RED), Sender(2, BLUE)
        desk.see(Eye("H264"), 11, both_are_there, one, two)
        before = desk.beat().pid
        began = time.perf_counter()
        desk.crash()
        with pytest.raises(ConnectionError):
            while True:
                desk.engine.heard()
        desk.connect_again()
        desk.show(scene)
        desk.see(Eye("H264"), 11, both_are_there, one, two)
        took = time.perf_counter() - began
        assert desk.beat().pid != before
        assert took < 2.0


def test_what_cannot_be_is_said_and_leaves_all_else_alone(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11)))
        wrong = (
            (Scene(2, 640, 361, 15, "2x2", ()), "a picture of 640x361"),
            (Scene(2, 640, 360, 15, "mosaic", ()), "there is no layout 'mosaic'"),
            (Scene(2, 640, 360, 99, "2x2", ()), "99 pictures a second"),
            (Scene(2, 640, 360, 15, "2x2", (Face("a"), Face("a"))), "too many faces, or one twice"),
        )
        for scene, reason in wrong:
            desk.show(scene)
            assert records.read_told(desk.control.until(records.TROUBLE), Trouble) == Trouble("scene", 2, reason)
        broken = Line(desk.path, records.CONTROL)
        broken.say(b"\xff\xff\xff\xff")
        with pytest.raises(ConnectionError):
            while True:
                broken.heard()
        assert desk.encoded(11)


def test_an_engine_that_does_not_read_gets_whole_pictures_from_a_key_frame_when_it_does(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        # A picture that changes all over, with much room: some megabytes are soon together.
        desk.show(Scene(1, 1280, 720, 30, "speaker", (Face("a", 1),), outputs=(output(11, kbps=50_000),)))
        one = Sender(1, RED, 1280, 720)
        desk.see(Eye("H264"), 11, lambda eye: near(eye.colour_at(640, 300), RED), one)
        eye = Eye("H264")
        begun = desk.beat()
        while desk.beat().encoded < begun.encoded + 30:
            pass
        desk.see(eye, 11, lambda eye: near(eye.colour_at(640, 300), RED), one)


def test_a_second_composer_at_the_same_place_is_refused(tmp_path: Path) -> None:
    with composer(tmp_path) as desk:
        command = [sys.executable, "-m", "softswitch", "compose", "--socket", str(desk.path)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert second.returncode == 1
        assert second.stderr == f"softswitch compose: {desk.path}: a composer listens there already\n"
        assert desk.beat()


def test_without_the_extra_it_says_what_is_to_be_installed(tmp_path: Path) -> None:
    without = "import sys; sys.modules['av'] = None; from softswitch.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", without, "compose", "--socket", str(tmp_path / "composer.sock")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr == "softswitch compose: the package av is needed: pip install 'softswitch[video]'\n"


def test_the_time_of_pictures_goes_on_after_a_crash(tmp_path: Path) -> None:
    """Whoever sees them would take those of an earlier time for late ones, and throw them away."""
    with composer(tmp_path) as desk:
        desk.show(quarters(output(11)))
        last = [desk.encoded(11) for _ in range(15)][-1]
        desk.crash()
        with pytest.raises(ConnectionError):
            while True:
                desk.engine.heard()
        desk.connect_again()
        desk.show(quarters(output(11)))
        assert 0 < desk.encoded(11).rtp - last.rtp < PATIENCE * 90_000
