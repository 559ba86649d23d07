"""Sounds that were spoken, in files: the same text is worked on once."""

import os
import tempfile
from pathlib import Path

MOST_BYTES = 256 * 1024 * 1024
"""Of all files, some ninety minutes; what was not asked for for longest goes first."""


class SoundCache:
    """WAV files by what they hold. Not for the event loop, but for `find`."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.wav"

    def find(self, key: str, now_ms: int) -> Path | None:
        """The file of a key; None: there is none. That it was asked for is noted at the file, as the time of its last
        access: a file whose content has not changed keeps the other time."""
        path = self.path(key)
        try:
            os.utime(path, ns=(now_ms * 1_000_000, path.stat().st_mtime_ns))
        except OSError:
            return None
        return path

    def keep(self, key: str, content: bytes) -> Path:
        """Write a file, whole, and delete others where there are too many. Raises OSError."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        self._sweep(path)
        return path

    def _sweep(self, newest: Path) -> None:
        files = [(path, path.stat()) for path in self._folder.glob("*/*.wav") if path != newest]
        total = newest.stat().st_size + sum(status.st_size for _, status in files)
        for path, status in sorted(files, key=lambda one: one[1].st_atime_ns):
            if total <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= status.st_size
