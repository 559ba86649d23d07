"""Speech through each codec path, and through loss and jitter: its quality by PESQ (ITU-T P.862, P.862.2).

The speech is espeak-ng's, made when the tests run: two voices, the sentences of Harvard's first list. The thresholds
are what was measured, less 0.15: libopus differs a little by the machine's vectors, nothing else does. A synthetic
voice is not what PESQ was made for: the scores tell paths apart, not how people would rate them.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from softswitch.phone.sound import read_wav

pesq = pytest.importorskip("pesq")
numpy = pytest.importorskip("numpy")

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

RUST = Path(__file__).parents[2] / "gateways" / "rust"
VOICES = ("en-us", "en-gb+f3")
SENTENCES = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish."
)
SEEDS = (1234567, 7654321)
"""Of what the network loses."""
JITTER_MS = 40
PEAK = 16000


@pytest.fixture(scope="session")
def soundpath() -> Path:
    """The program that carries sound through codecs, a bad network, and the media engine's playout."""
    subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "bench-tools"], cwd=RUST, check=True)
    return RUST / "target" / "debug" / "soundpath"


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, int]]:
    """Each voice's samples, and their rate."""
    folder = tmp_path_factory.mktemp("speech")
    spoken = []
    for number, voice in enumerate(VOICES):
        path = folder / f"{number}.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), SENTENCES], check=True)
        samples, rate = read_wav(path)
        spoken.append((numpy.array(samples, dtype=float), rate))
    return spoken


def at_rate(sound: Any, rate: int, wanted: int) -> Any:
    """The same at a lower rate: cut off by its spectrum, since the whole of it is there."""
    spectrum = numpy.fft.rfft(sound)
    length = round(len(sound) * wanted / rate)
    low = numpy.fft.irfft(spectrum[: length // 2 + 1], length)
    return (low / numpy.abs(low).max() * PEAK).astype("<i2")


def score(soundpath: Path, speech: list[tuple[Any, int]], path: str, loss: int) -> float:
    """The mean over voices and seeds; narrow-band at 8 kHz where the path is, wide-band at 16 kHz else."""
    mode, formats = path.split(" ")
    rate = 8000 if mode == "nb" else 16000
    scores = []
    for sound, its_rate in speech:
        original = at_rate(sound, its_rate, rate)
        for seed in SEEDS if loss else SEEDS[:1]:
            arguments = [str(rate), formats, str(loss), str(JITTER_MS if loss else 0), str(seed)]
            done = subprocess.run([soundpath, *arguments], input=original.tobytes(), stdout=subprocess.PIPE, check=True)
            heard = numpy.frombuffer(done.stdout, "<i2")
            scores.append(pesq.pesq(rate, original, heard, mode))
    return float(numpy.mean(scores))


MEASURED = {
    # Without loss, and with 3 and 10 % of the packets lost while the others are up to 40 ms late. Of two formats, each
    # is sent over such a network.
    "nb PCMA": (3.91, 3.44, 2.49),
    "nb PCMU": (3.87, 3.42, 2.49),
    "nb PCMA,PCMU": (3.69, 2.97, 1.93),
    "nb PCMA,G722": (3.51, 2.87, 1.80),
    "nb PCMA,OPUS/8000": (3.83, 3.07, 2.05),
    "wb G722": (3.01, 2.45, 1.56),
    "wb L16/16000": (4.48, 3.66, 2.01),
    "wb OPUS/16000": (3.13, 2.55, 1.90),
    "wb OPUS/48000": (3.41, 3.00, 2.21),
    "wb G722,OPUS/16000": (2.58, 1.97, 1.34),
}


@pytest.mark.parametrize(("path", "measured"), MEASURED.items())
def test_speech_is_understood_as_well_as_it_was_measured(
    soundpath: Path, speech: list[tuple[Any, int]], path: str, measured: tuple[float, float, float]
) -> None:
    for loss, expected in zip((0, 3, 10), measured, strict=True):
        got = score(soundpath, speech, path, loss)
        assert got > expected - 0.15, f"{path} with {loss} % lost: PESQ {got:.2f}, measured {expected}"
