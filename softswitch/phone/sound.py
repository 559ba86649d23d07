"""What was heard: level, dominant frequency and how long, from a WAV file or samples. Pure but for the file.

Levels are in dB relative to full scale, where a full-scale square wave is 0 dBFS (so a full-scale sine is -3).
"""

import cmath
import math
import sys
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

SILENCE_DBFS = -96.0
"""What digital silence measures: the floor of 16-bit samples."""
AUDIBLE_DBFS = -50.0
"""Frames below this count as silence: comfort noise and quantisation stay under it, speech and tones above."""
FRAME_SECONDS = 0.02
WINDOW_SECONDS = 0.5


class Heard(Struct, frozen=True):
    """What a stretch of sound was like."""

    seconds: float
    """How long the stretch is."""
    audible_seconds: float
    """How much of it was louder than `AUDIBLE_DBFS`."""
    level_dbfs: float
    """Of the audible part; of everything when nothing was audible."""
    frequency: float | None
    """Hz, of the strongest spectral line in the loudest half second; None in silence."""


def read_wav(path: Path) -> tuple[Sequence[int], int]:
    """The samples and the sample rate of a 16-bit PCM WAV file, the first channel of several.

    Raises ValueError, naming the file, when it is no such file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{path}: {8 * file.getsampwidth()}-bit samples; a 16-bit PCM WAV file is needed")
            samples = array("h", file.readframes(file.getnframes()))
            channels, rate = file.getnchannels(), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path}: no PCM WAV file ({error})") from error
    if sys.byteorder == "big":
        samples.byteswap()
    return samples[::channels], rate


def write_tone(path: Path, frequency: float, seconds: float, rate: int = 8000, level_dbfs: float = -15.0) -> None:
    """Write a sine of `frequency` Hz to a mono 16-bit WAV file. Whole seconds at whole Hz loop without a click."""
    amplitude = 32768 * math.sqrt(2) * 10 ** (level_dbfs / 20)
    step = 2 * math.pi * frequency / rate
    samples = array("h", (round(amplitude * math.sin(step * n)) for n in range(round(seconds * rate))))
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def listen(samples: Sequence[int], rate: int) -> Heard:
    """Measure a stretch of sound."""
    frame = max(1, round(rate * FRAME_SECONDS))
    powers = [_power(samples[start : start + frame]) for start in range(0, len(samples), frame)]
    audible = [power for power in powers if _dbfs(power) > AUDIBLE_DBFS]
    counted = audible or powers
    return Heard(
        seconds=round(len(samples) / rate, 3),
        audible_seconds=round(len(audible) * FRAME_SECONDS, 3),
        level_dbfs=round(_dbfs(sum(counted) / len(counted)), 1) if counted else SILENCE_DBFS,
        frequency=dominant_frequency(_loudest(samples, powers, frame, rate), rate) if audible else None,
    )


def dominant_frequency(samples: Sequence[int], rate: int) -> float | None:
    """The frequency in Hz of the strongest spectral line, to about a tenth of a bin; None for silence.

    A Hann window, a radix-2 transform over the largest power of two that fits, and a parabola through the logarithms
    of the peak and its neighbours.
    """
    size = 1 << (len(samples).bit_length() - 1) if samples else 0
    if size < 16:
        return None
    window = [samples[n] * (0.5 - 0.5 * math.cos(2 * math.pi * n / size)) for n in range(size)]
    magnitudes = [abs(value) for value in _transform([complex(value) for value in window])[: size // 2]]
    # Bins 0 and 1 hold the mean of the signal, not a tone.
    peak = max(range(2, size // 2 - 1), key=magnitudes.__getitem__)
    if magnitudes[peak] < 1.0:
        return None
    left, middle, right = (math.log(max(magnitudes[peak + k], 1e-9)) for k in (-1, 0, 1))
    curve = left - 2 * middle + right
    shift = 0.5 * (left - right) / curve if curve else 0.0
    return round((peak + shift) * rate / size, 1)


def _power(samples: Sequence[int]) -> float:
    return sum(sample * sample for sample in samples) / len(samples)


def _dbfs(power: float) -> float:
    return max(SILENCE_DBFS, 10 * math.log10(power / 32768**2)) if power > 0 else SILENCE_DBFS


def _loudest(samples: Sequence[int], powers: Sequence[float], frame: int, rate: int) -> Sequence[int]:
    """The loudest half second, or everything when it is shorter."""
    span = max(1, round(WINDOW_SECONDS * rate / frame))
    total = best = sum(powers[:span])
    first = 0
    for start in range(1, len(powers) - span + 1):
        total += powers[start + span - 1] - powers[start - 1]
        if total > best:
            first, best = start, total
    return samples[first * frame : (first + span) * frame]


def _transform(values: list[complex]) -> list[complex]:
    """The discrete Fourier transform of a power of two of values (Cooley and Tukey's decimation in time)."""
    size = len(values)
    if size == 1:
        return values
    even, odd = _transform(values[0::2]), _transform(values[1::2])
    turned = [cmath.exp(-2j * math.pi * k / size) * odd[k] for k in range(size // 2)]
    return [e + t for e, t in zip(even, turned, strict=True)] + [e - t for e, t in zip(even, turned, strict=True)]
