"""Prompts: WAV and Ogg Opus files in a folder, by name."""

import sys
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

from gateways._native import read_ogg_opus
from softswitch.kernel.errors import Invalid, NotFound

_KINDS = (".wav", ".opus")


class Prompts:
    """`main/welcome` is the file `main/welcome.wav`: 16-bit PCM at any rate, of several channels the first; or
    `main/welcome.opus`.

    `load` takes samples (16-bit little-endian) and their rate, and gives the engine's number for them.
    """

    def __init__(self, folder: Path | None, load: Callable[[bytes, int], int]) -> None:
        self._folder = folder
        self._load = load
        self._numbers: dict[str, int] = {}

    def load_all(self) -> int:
        """Load the folder's WAV files beforehand, so that no call waits for the disk; gives how many there are. Opus
        files, which are short and many (the words of a language), are read when they are first said.

        Raises Invalid naming a file that is no prompt.
        """
        if self._folder is not None:
            for path in sorted(self._folder.rglob("*.wav")):
                self._number(path.relative_to(self._folder).with_suffix("").as_posix(), path)
        return len(self._numbers)

    def number(self, name: str) -> int:
        """The engine's number for a prompt, which is loaded at its first use if it came later than `load_all`.

        Raises NotFound, also for a name that leads out of the folder, and Invalid for a file that is no prompt.
        """
        known = self._numbers.get(name)
        if known is not None:
            return known
        if self._folder is None or not name:
            raise NotFound("prompt", name)
        path = self._folder / name
        if ".." in path.parts or not path.is_relative_to(self._folder) or "\0" in name:
            raise NotFound("prompt", name)
        for kind in _KINDS:
            file = path.with_name(path.name + kind)
            if file.is_file():
                return self._number(name, file)
        raise NotFound("prompt", name)

    def _number(self, name: str, path: Path) -> int:
        samples, rate = read_samples(path)
        try:
            number = self._load(samples, rate)
        except ValueError as error:
            raise Invalid(str(path), str(error)) from error
        self._numbers[name] = number
        return number


def read_samples(path: Path) -> tuple[bytes, int]:
    """The sound of a prompt file as 16-bit mono little-endian samples, and their rate: of a WAV file's channels the
    first.

    Raises Invalid naming the file.
    """
    if path.suffix == ".opus":
        try:
            return read_ogg_opus(path.read_bytes())
        except ValueError as error:
            raise Invalid(str(path), f"no Ogg Opus file: {error}") from error
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise Invalid(str(path), f"no PCM WAV file ({error})") from error
    if width != 2:
        raise Invalid(str(path), f"{8 * width}-bit samples; 16 are needed")
    samples = array("h", frames[: len(frames) // (2 * channels) * 2 * channels])[::channels]
    if sys.byteorder == "big":
        # `wave` gives the samples in the machine's order.
        samples.byteswap()
    return samples.tobytes(), rate
