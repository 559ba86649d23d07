"""Prompts: WAV and Ogg Opus files by name, and the engine's numbers for them."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import structlog
from msgspec import Struct

from gateways._native import read_ogg_opus
from gateways.media.wav import read_wav
from softswitch.kernel.errors import Invalid, NotFound

log = structlog.get_logger(__name__)

KINDS = (".wav", ".opus")
MOST_BYTES = 256 * 1024 * 1024
"""Of samples of sound files; what was not heard for longest is forgotten first."""


_Stamp = tuple[int, int, int]
"""Tells a file from another that took its place."""


class _Loaded(Struct, frozen=True, gc=False):
    """A sound file that the engine has."""

    stamp: _Stamp
    number: int
    size: int


class Prompts:
    """`main/welcome` is the file `main/welcome.wav`: 16-bit PCM at any rate, of several channels the first; or
    `main/welcome.opus`. These are below `folder`, stay as they are, and are kept for good.

    Sound files below `data` come and go: a message, a prompt that was replaced, a text that was spoken. `own` names
    those of them that go before the folder's prompts, and may change at any time.

    `load` takes samples (16-bit little-endian) and their rate, and gives the engine's number for them, which may be one
    that it gave before for the same.
    """

    def __init__(
        self,
        folder: Path | None,
        load: Callable[[bytes, int], int],
        *,
        data: Path | None = None,
        own: Mapping[str, str] = MappingProxyType({}),
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._folder = folder
        self._load = load
        self._data = data
        self._own = own
        self._most_bytes = most_bytes
        self._numbers: dict[str, int] = {}
        self._there: set[str] = set()
        """Prompts whose files have been seen in the folder."""
        self._files: OrderedDict[Path, _Loaded] = OrderedDict()
        """From the one that was not heard for longest on."""
        self._bytes = 0
        self._uses: Counter[int] = Counter()
        """How many prompts and files each number stands for."""
        self._unused: list[int] = []
        self._loading = 0

    def load_all(self) -> int:
        """Load the folder's WAV files beforehand, so that no call waits for the disk; gives how many there are. Opus
        files, which are short and many (the words of a language), are read when they are first said.

        Raises Invalid naming a file that is no prompt.
        """
        if self._folder is not None:
            for path in sorted(self._folder.rglob("*.wav")):
                self._keep(path.relative_to(self._folder).with_suffix("").as_posix(), path)
        return len(self._numbers)

    def load_by(self, load: Callable[[bytes, int], int]) -> None:
        """From now on."""
        self._load = load

    def number(self, name: str) -> int:
        """The engine's number for a prompt, which is loaded at its first use if it came later than `load_all`.

        Raises NotFound, also for a name that leads out of the folder, and Invalid for a file that is no prompt.
        """
        own = self._own.get(name)
        if own is not None:
            try:
                return self.number_of_file(own)
            except (NotFound, Invalid) as error:
                if self._file(name) is None:
                    raise
                log.warning(
                    "a prompt of one's own cannot be played; the one that ships is", prompt=name, why=str(error)
                )
        known = self._numbers.get(name)
        if known is not None:
            return known
        file = self._file(name)
        if file is None:
            raise NotFound("prompt", name)
        return self._keep(name, file)

    def number_of_file(self, name: str) -> int:
        """The same for a sound file below `data`, by its path there with its suffix. Raises as `number`."""
        path, stamp = self._look(name)
        known = self._known(path, stamp)
        if known is not None:
            return known
        samples, rate = read_samples(path)
        return self._take(path, stamp, self._load_from(path, samples, rate), len(samples))

    async def prepare(self, name: str, load: Callable[[bytes, int], int]) -> None:
        """Load a sound file beforehand, in another thread: one of a minute takes the time of many calls. `load` is the
        engine's, which any thread may ask. Raises as `number`."""
        path, stamp = self._look(name)
        if self._known(path, stamp) is not None:
            return
        self._loading += 1
        try:
            samples, rate = await asyncio.to_thread(read_samples, path)
            number = await asyncio.to_thread(load, samples, rate)
        except ValueError as error:
            raise Invalid(str(path), str(error)) from error
        finally:
            self._loading -= 1
        self._uses[number] += 1
        if self._known(path, stamp) is None:
            self._take(path, stamp, number, len(samples))
        else:  # somebody could not wait for it
            self._release(number)

    def _look(self, name: str) -> tuple[Path, _Stamp]:
        path = _below(self._data, name)
        if path is None or path.suffix not in KINDS:
            raise NotFound("sound file", name)
        try:
            status = path.stat()
        except OSError:
            raise NotFound("sound file", name) from None
        return path, (status.st_mtime_ns, status.st_size, status.st_ino)

    def _known(self, path: Path, stamp: _Stamp) -> int | None:
        known = self._files.get(path)
        if known is None or known.stamp != stamp:
            return None
        self._files.move_to_end(path)
        return known.number

    def _take(self, path: Path, stamp: _Stamp, number: int, size: int) -> int:
        if path in self._files:
            self._forget(path)
        self._files[path] = _Loaded(stamp, number, size)
        self._bytes += size
        return number

    def unused(self) -> list[int]:
        """The numbers that are not needed any more, each told once. To be asked for when what was just given out is
        ordered: the engine plays on what it has begun."""
        if self._loading:
            # What is being loaded may have the number of what would be dropped.
            return []
        while self._bytes > self._most_bytes and len(self._files) > 1:
            self._forget(next(iter(self._files)))
        unused = [number for number in self._unused if number not in self._uses]
        self._unused.clear()
        return unused

    def in_language(self, language: str, name: str) -> str:
        """`main/welcome` in a language is `LANGUAGE/main/welcome`; what is not said in that is English, and what is in
        neither is itself, as sounds without words are."""
        return next((each for each in (f"{language}/{name}", f"en/{name}") if self._has(each)), name)

    def _has(self, name: str) -> bool:
        if name in self._own or name in self._there:
            return True
        if self._file(name) is None:
            return False
        self._there.add(name)
        return True

    def _file(self, name: str) -> Path | None:
        """The file of a prompt; None for one that is not there or a name that leads out of the folder."""
        path = _below(self._folder, name)
        if path is None:
            return None
        files = (path.with_name(path.name + kind) for kind in KINDS)
        return next((file for file in files if file.is_file()), None)

    def _keep(self, name: str, path: Path) -> int:
        self._numbers[name] = self._load_from(path, *read_samples(path))
        return self._numbers[name]

    def _load_from(self, path: Path, samples: bytes, rate: int) -> int:
        try:
            number = self._load(samples, rate)
        except ValueError as error:
            raise Invalid(str(path), str(error)) from error
        self._uses[number] += 1
        return number

    def _forget(self, path: Path) -> None:
        loaded = self._files.pop(path)
        self._bytes -= loaded.size
        self._release(loaded.number)

    def _release(self, number: int) -> None:
        self._uses[number] -= 1
        if not self._uses[number]:
            del self._uses[number]
            self._unused.append(number)


def _below(folder: Path | None, name: str) -> Path | None:
    """A path in a folder; None for one that leads out of it."""
    if folder is None or not name or "\0" in name:
        return None
    path = folder / name
    return path if ".." not in path.parts and path.is_relative_to(folder) else None


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
        return read_wav(path.read_bytes())
    except ValueError as error:
        raise Invalid(str(path), f"no WAV file: {error}") from error
