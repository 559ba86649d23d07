"""Sounds that are sent to be kept, in the forms that other programs write."""

import random
import struct
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.media.uploads import read_take, read_upload
from gateways.media.wav import Unreadable, decode_g711, read_wav, write_wav
from softswitch.kernel.errors import Invalid
from tests.wire.rtp_party import decode_a_law

CLIP = Path(__file__).parents[2] / "softswitch" / "prompts" / "en" / "number" / "21.opus"
SAMPLES = [0, 1, -1, 255, -256, 1000, -1000, 32767, -32768] * 100


def wav(
    body: bytes, *, format: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, before: bytes = b""
) -> bytes:
    """A file as other programs write it: with a chunk before the samples, and an odd one."""
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", format, channels, rate, rate * block, block, bits)
    if format == 0xFFFE:
        head += struct.pack("<HHI", 22, bits, 4) + struct.pack("<H", 1) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + before
    return (
        b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks + b"data" + struct.pack("<I", len(body)) + body
    )


def shown(samples: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(samples) // 2}h", samples))


@pytest.mark.parametrize("format", [1, 0xFFFE], ids=["plain", "extensible"])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_linear_samples_of_any_width_and_number_of_channels(bits: int, channels: int, format: int) -> None:
    body = b""
    for sample in SAMPLES:
        one = (
            bytes([(sample >> 8) + 128])
            if bits == 8
            else (sample << (bits - 16)).to_bytes(bits // 8, "little", signed=True)
        )
        body += one + bytes([7]) * (len(one) * (channels - 1))
    samples, rate = read_wav(wav(body, bits=bits, channels=channels, rate=44_100, format=format))
    assert rate == 44_100
    assert shown(samples) == [sample & ~0xFF if bits == 8 else sample for sample in SAMPLES]


def test_floats_are_read_and_cut_off_at_full_scale() -> None:
    body = struct.pack("<5f", 0.0, 0.5, -0.5, 1.0, 7.0)
    assert shown(read_wav(wav(body, format=3, bits=32))[0]) == [0, 16384, -16384, 32767, 32767]
    with pytest.raises(Unreadable, match="no numbers"):
        read_wav(wav(struct.pack("<f", float("nan")), format=3, bits=32))


def test_g711_is_read_as_the_recommendation_says() -> None:
    codes = bytes(range(256))
    assert shown(decode_g711(codes, a_law=True)) == decode_a_law(codes)
    mu_law = shown(decode_g711(codes, a_law=False))
    assert [mu_law[code] for code in (0x00, 0x7F, 0x80, 0xFF, 0xFE)] == [-32124, 0, 32124, 0, 8]
    assert mu_law[:128] == sorted(mu_law[:128]) and mu_law[128:] == sorted(mu_law[128:], reverse=True)
    assert read_wav(wav(codes, format=6, bits=8))[0] == decode_g711(codes, a_law=True)
    assert read_wav(wav(codes, format=7, bits=8))[0] == decode_g711(codes, a_law=False)


def test_other_chunks_are_passed_over_and_a_file_that_was_cut_is_read_as_far_as_it_goes() -> None:
    body = array("h", range(1000)).tobytes()
    whole = wav(body, before=b"LIST" + struct.pack("<I", 3) + b"abc\0")
    assert read_wav(whole) == (body, 8000)
    assert read_wav(whole[:-501]) == (body[:-502], 8000)
    assert read_wav(write_wav(body, 16_000)) == (body, 16_000)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"", "does not begin"),
        (b"RIFF\0\0\0\0WAVE", "no samples"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "before it is said"),
        (b"RIFF\0\0\0\0WAVEfmt \2\0\0\0\1\0data\4\0\0\0abcd", "does not say"),
        (wav(b"ab", rate=100), "100 samples a second"),
        (wav(b"ab", channels=0), "0 channels"),
        (wav(b""), "empty"),
        (wav(b"a"), "empty"),
        (wav(b"abcd", format=0x55, bits=8), "format 85"),
        (wav(b"abcd", format=2, bits=16), "format 2"),
    ],
)
def test_what_is_no_wav_file_is_refused_with_the_reason(broken: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_wav(broken)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_broken_bytes_end_in_a_sound_or_a_reason(noise: bytes, at: int) -> None:
    good = wav(bytes(64))
    for data in (noise, b"RIFF" + noise, good[:at] + noise + good[at + len(noise) :]):
        try:
            samples, rate = read_wav(data)
        except Unreadable:
            continue
        assert samples and len(samples) % 2 == 0 and 4000 <= rate <= 192_000


def test_uploads_are_kept_as_opus_or_as_plain_wav() -> None:
    opus = read_upload(CLIP.read_bytes(), "application/octet-stream")
    assert opus.suffix == ".opus" and opus.content == CLIP.read_bytes() and 300 < opus.milliseconds < 1500
    stereo = read_upload(wav(bytes(32_000), channels=2), "audio/wav")
    assert (stereo.suffix, stereo.milliseconds) == (".wav", 1000)
    assert read_wav(stereo.content) == (bytes(16_000), 8000)
    network = array("h", SAMPLES)
    network.byteswap()
    bare = read_upload(network.tobytes(), "audio/L16; rate=16000; channels=1")
    assert bare.milliseconds == 56 and shown(read_wav(bare.content)[0]) == SAMPLES
    assert read_upload(bytes(800), "audio/PCMU").milliseconds == 100
    assert read_upload(bytes(800), "audio/PCMA;rate=16000").milliseconds == 50


def test_of_what_was_said_the_silence_around_it_is_not_kept() -> None:
    quiet, loud = array("h", [30] * 8000), array("h", [9000, -9000] * 4000)
    pause = array("h", [30] * 4000)
    take = read_take(write_wav((quiet + loud + pause + loud + quiet * 3).tobytes(), 8000))
    assert take.suffix == ".wav" and take.milliseconds == pytest.approx(1000 + 500 + 1000 + 2 * 150, abs=40)
    samples = shown(read_wav(take.content)[0])
    assert abs(samples[0]) == 30 and 9000 in samples[1150:1300] and abs(samples[-1]) == 30
    assert read_take(write_wav(loud.tobytes(), 8000)).milliseconds == 1000
    for nothing in (quiet, array("h")):
        with pytest.raises(Invalid, match="sound"):
            read_take(write_wav(nothing.tobytes(), 8000))
    with pytest.raises(Invalid, match="no WAV file"):
        read_take(b"")


NOISE = random.Random(1).randbytes(3000)


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"", "audio/wav", "neither a WAV nor an Ogg Opus file"),
        (b"Hello, this is text.", "audio/wav", "neither a WAV nor an Ogg Opus file"),
        (NOISE, "application/octet-stream", "neither a WAV nor an Ogg Opus file"),
        (NOISE, "", "neither a WAV"),
        (b"ID3" + NOISE, "audio/mpeg", "neither a WAV"),
        (b"RIFF" + NOISE, "audio/wav", "no WAV file: it does not begin"),
        (b"OggS" + NOISE, "audio/ogg", "no Ogg Opus file"),
        (CLIP.read_bytes()[:500], "audio/ogg", "no Ogg Opus file"),
        (b"", "audio/L16;rate=8000", "no sound in it"),
        (bytes(801), "audio/L16;rate=8000", "two bytes"),
        (bytes(800), "audio/L16;rate=10", "'10' samples a second"),
        (bytes(800), "audio/L16;rate=many", "'many' samples a second"),
        (bytes(800), "audio/L16;rate=8000;channels=2", "one channel"),
        (bytes(100), "audio/PCMA", "12 ms are too short"),
        (bytes(8000 * 1801), "audio/PCMA", "1801 s are too long"),
    ],
)
def test_what_is_no_sound_is_refused_with_the_reason(data: bytes, kind: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as raised:
        read_upload(data, kind)
    assert raised.value.where == "sound"
