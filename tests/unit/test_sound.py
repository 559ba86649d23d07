import math
import wave
from array import array
from pathlib import Path

import pytest

from softswitch.phone.sound import SILENCE_DBFS, dominant_frequency, listen, read_wav, write_tone


def sine(frequency: float, seconds: float, amplitude: float = 8000, rate: int = 8000) -> "array[int]":
    return array(
        "h",
        (round(amplitude * math.sin(2 * math.pi * frequency * n / rate)) for n in range(round(seconds * rate))),
    )


@pytest.mark.parametrize("frequency", [300.0, 440.0, 1004.0, 2100.5, 3300.0])
def test_a_tone_is_heard_at_its_frequency(frequency: float) -> None:
    heard = dominant_frequency(sine(frequency, 0.6), 8000)

    assert heard == pytest.approx(frequency, abs=0.5)


def test_the_stronger_of_two_tones_is_the_dominant_one() -> None:
    mixed = array("h", (a + b for a, b in zip(sine(440, 1, 3000), sine(1000, 1, 9000), strict=True)))

    assert dominant_frequency(mixed, 8000) == pytest.approx(1000, abs=0.5)


def test_a_mean_off_zero_is_no_tone() -> None:
    lifted = array("h", (sample + 12000 for sample in sine(440, 1, 3000)))

    assert dominant_frequency(lifted, 8000) == pytest.approx(440, abs=0.5)


def test_silence_has_no_frequency_and_the_lowest_level() -> None:
    heard = listen(array("h", bytes(16000)), 8000)

    assert (heard.frequency, heard.level_dbfs, heard.audible_seconds) == (None, SILENCE_DBFS, 0.0)


def test_nothing_at_all_is_silence() -> None:
    heard = listen([], 8000)

    assert (heard.seconds, heard.frequency, heard.level_dbfs) == (0.0, None, SILENCE_DBFS)


def test_the_level_is_that_of_the_audible_part() -> None:
    half_silent = array("h", bytes(16000)) + sine(440, 1, 32767)

    heard = listen(half_silent, 8000)

    assert heard.seconds == 2.0
    assert heard.audible_seconds == pytest.approx(1.0, abs=0.02)
    assert heard.level_dbfs == pytest.approx(-3.0, abs=0.1)  # a full-scale sine


def test_the_loudest_half_second_decides_the_frequency() -> None:
    heard = listen(sine(440, 2, 1000) + sine(700, 0.6, 9000) + sine(440, 2, 1000), 8000)

    assert heard.frequency == pytest.approx(700, abs=1)


def test_a_written_tone_is_read_back(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav", 620, 1.0, level_dbfs=-20)

    samples, rate = read_wav(tmp_path / "tone.wav")
    heard = listen(samples, rate)

    assert rate == 8000
    assert heard.frequency == pytest.approx(620, abs=0.5)
    assert heard.level_dbfs == pytest.approx(-20, abs=0.1)


def test_the_first_channel_of_a_stereo_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(array("h", [1, -1, 2, -2, 3, -3]).tobytes())

    samples, rate = read_wav(path)

    assert (list(samples), rate) == ([1, 2, 3], 16000)


@pytest.mark.parametrize("content", [b"", b"not sound at all", b"RIFF\x04\0\0\0WAVE"])
def test_a_file_that_is_no_wav_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"broken\.wav"):
        read_wav(path)


def test_eight_bit_samples_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "eight.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(100))

    with pytest.raises(ValueError, match="8-bit"):
        read_wav(path)
