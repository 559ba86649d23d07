"""The files of recordings: their place, their length, and what a crash left of them."""

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from softswitch.kernel.errors import NotFound

PART = ".part"
"""What stands behind a file's name until it is complete."""
_OPUS_CLOCK = 48_000
_TAIL = 131_072
"""Bytes in which the last page of an Ogg file is found: a page has 65,307 at the most."""


class Found(Struct, frozen=True, gc=False):
    """A file that is there."""

    milliseconds: int
    size: int


class Files:
    """All files are below one folder; names of them are relative to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, file: str) -> Path:
        return self.folder / file

    def present(self, file: str) -> Path:
        """The path of a complete file. Raises NotFound."""
        path = self.path(file)
        if not path.is_file():
            raise NotFound("file of a recording", file)
        return path

    def remove(self, file: str) -> None:
        """Delete a file, and the folders of days that are empty then. Does nothing when it is gone."""
        path = self.path(file)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.folder or not folder.is_relative_to(self.folder):
                return
            try:
                folder.rmdir()
            except OSError:
                return

    def complete(self, file: str) -> Found | None:
        """Give a file that nobody writes any more its name, if it has not got it yet; None: there is no such file.

        It needs no repair: it is playable as it is.
        """
        path = self.path(file)
        part = path.with_name(path.name + PART)
        if part.is_file():
            part.rename(path)
        if not path.is_file():
            return None
        return Found(_milliseconds(path), path.stat().st_size)

    def unfinished(self, days: Sequence[str]) -> list[str]:
        """The names, but for `.part`, of files of these days (`2026/11/26`) that are not complete."""
        found = []
        for day in days:
            folder = self.folder / day
            if folder.is_dir():
                names = sorted(name for name in os.listdir(folder) if name.endswith(PART))
                found += [f"{day}/{name.removesuffix(PART)}" for name in names]
        return found


def _milliseconds(path: Path) -> int:
    """How long a file is; 0 for one that says nothing."""
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    if head[:4] == b"RIFF" and len(head) >= 44:
        bytes_per_second, size = struct.unpack_from("<I", head, 28)[0], struct.unpack_from("<I", head, 40)[0]
        return int(size * 1000 / bytes_per_second) if bytes_per_second else 0
    opus, last = head.find(b"OpusHead"), _last_page(tail)
    if opus >= 0 and last is not None:
        pre_skip = struct.unpack_from("<H", head, opus + 10)[0]
        return int(max(0, struct.unpack_from("<q", tail, last + 6)[0] - pre_skip) * 1000 // _OPUS_CLOCK)
    return 0


def _last_page(tail: bytes) -> int | None:
    """Where the last page begins that is whole."""
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        if at + 27 <= len(tail):
            segments = tail[at + 26]
            table = tail[at + 27 : at + 27 + segments]
            if len(table) == segments and at + 27 + segments + sum(table) <= len(tail):
                return at
    return None
