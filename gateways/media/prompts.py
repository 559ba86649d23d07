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
        self._in_language: dict[tuple[str, str], str] = {}

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
        file = self._file(name)
        if file is None:
            raise NotFound("prompt", name)
        return self._number(name, file)

    def in_language(self, language: str, name: str) -> str:
        """`main/welcome` in a language is `LANGUAGE/main/welcome`; what is not said in that is English, and what is in
        neither is itself, as sounds without words are."""
        found = self._in_language.get((language, name))
        if found is None:
            found = next((each for each in (f"{language}/{name}", f"en/{name}") if self._file(each)), None)
            if found is None:
                return name
            self._in_language[language, name] = found
        return found

    def _file(self, name: str) -> Path | None:
        """The file of a prompt; None for one that is not there or a name that leads out of the folder."""
        if self._folder is None or not name:
            return None
        path = self._folder / name
        if ".." in path.parts or not path.is_relative_to(self._folder) or "\0" in name:
            return None
        files = (path.with_name(path.name + kind) for kind in _KINDS)
        return next((file for file in files if file.is_file()), None)

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
