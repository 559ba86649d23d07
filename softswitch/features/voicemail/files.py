"""The sound files of messages and greetings."""

import asyncio
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

PART = ".part"
"""What stands behind the name of a file that the media engine has not completed. It can be played as it is."""


class DiskFiles:
    """See `needs.Files`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        return self._folder / name

    async def length(self, name: str) -> float:
        """See `needs.Files`."""
        return await asyncio.to_thread(_complete, self.path(name))

    async def copy(self, name: str, to: str) -> None:
        """See `needs.Files`."""

        def fill(part: Path) -> None:
            shutil.copyfile(self.path(name), part)

        await asyncio.to_thread(_make, self.path(to), fill)

    async def write(self, name: str, content: bytes) -> None:
        """See `needs.Files`."""
        await asyncio.to_thread(_make, self.path(name), lambda part: part.write_bytes(content))

    async def remove(self, names: Sequence[str]) -> None:
        """See `needs.Files`."""
        await asyncio.to_thread(self._remove, names)

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            for path in (self.path(name), self.path(name + PART)):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    log.warning("a file of voicemail could not be deleted", file=str(path), error=str(error))


def _make(path: Path, fill: Callable[[Path], object]) -> None:
    """On the disk, whole, before anybody finds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=PART, delete=False) as file:
        part = Path(file.name)
    try:
        fill(part)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _complete(path: Path) -> float:
    part = path.with_name(path.name + PART)
    if part.is_file():
        part.rename(path)
    if not path.is_file():
        return 0.0
    with path.open("rb") as file:
        head = file.read(44)
    if len(head) < 44 or head[:4] != b"RIFF":
        return 0.0
    bytes_per_second, size = struct.unpack_from("<I", head, 28)[0], struct.unpack_from("<I", head, 40)[0]
    return float(size / bytes_per_second) if bytes_per_second else 0.0
