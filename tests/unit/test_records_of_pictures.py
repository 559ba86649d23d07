"""What goes over the composer's socket."""

import random

import pytest

from gateways.video import records
from gateways.video.records import BadRecord, Encoded, Face, Frames, Output, Picture, Scene


def test_records_come_out_as_they_went_in_however_they_are_cut() -> None:
    picture = Picture(7, "VP8", key=True, gap=True, rtp=1 << 40, arrived_us=5, data=b"abc")
    out = Encoded(9, "H264", key=True, rtp=90_000, data=b"\0\0\0\1g")
    face = Face("c.1", 7, "张伟", muted=True)
    scene = Scene(
        1, 640, 360, 15, "2x2", (face, Face("c.2", name="Bob")), active="c.1", outputs=(Output(9, "H264", 500),)
    )
    stream = (
        records.picture(picture)
        + records.encoded(out)
        + records.told(records.SCENE, scene)
        + records.number(records.GONE, 12)
        + records.still(3, 4, 2, bytes(12))
        + records.sound(77, b"\1\0\2\0")
    )
    chance = random.Random(1)
    frames, bodies = Frames(), []
    while stream:
        size = chance.randint(1, 9)
        bodies += frames.feed(stream[:size])
        stream = stream[size:]
    assert records.read_picture(bodies[0]) == picture
    assert records.read_encoded(bodies[1]) == out
    assert records.encoded_head(records.encoded(out)) == (9, True)
    assert records.read_told(bodies[2], Scene) == scene
    assert records.read_number(bodies[3]) == 12
    assert records.read_still(bodies[4]) == (3, 4, 2, bytes(12))
    assert records.read_sound(bodies[5]) == (77, b"\1\0\2\0")


def test_the_form_that_the_engine_speaks() -> None:
    """Its bytes, written out: the other side is in another language."""
    picture = Picture(2, "H264", key=True, gap=False, rtp=3, arrived_us=4, data=b"Z")
    expected = "1e00000001020000000000000000010000030000000000000004000000000000005a"
    assert records.picture(picture).hex() == expected
    out = Encoded(2, "VP8", key=False, rtp=3, data=b"Z")
    assert records.encoded(out).hex() == "160000001002000000000000000100000003000000000000005a"
    assert records.sound(2, b"Z\0").hex() == "0b0000001202000000000000005a00"
    assert records.greeting(records.ENGINE) == b"SOFTSWVC\x01\x00\x00\x00"


@pytest.mark.parametrize("size", [0, records.LONGEST + 1, 0xFFFFFFFF])
def test_a_frame_without_length_or_too_long_is_refused(size: int) -> None:
    with pytest.raises(BadRecord, match=f"a frame of {size} bytes"):
        Frames().feed(size.to_bytes(4, "little"))


def test_broken_records_are_refused() -> None:
    for read in (
        records.read_picture,
        records.read_encoded,
        records.read_number,
        records.read_still,
        records.read_sound,
    ):
        with pytest.raises(BadRecord):
            read(b"\x01\x02")
    with pytest.raises(BadRecord, match="cut"):
        records.read_sound(records.sound(1, b"abc")[4:])
    with pytest.raises(BadRecord, match="a still of 4x2 in 3 bytes"):
        records.read_still(records.still(1, 4, 2, b"abc")[4:])
    with pytest.raises(BadRecord, match="Scene"):
        records.read_told(b"\x40{}", Scene)
    for greeting in (
        b"HTTP/1.1 200",
        records.GREETING.pack(records.MAGIC, 2, 0),
        records.GREETING.pack(records.MAGIC, 1, 9),
    ):
        with pytest.raises(BadRecord):
            records.read_greeting(greeting)
