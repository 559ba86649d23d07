"""What was recorded of meetings, in files: `conferences/ROOM/NAME` below the data folder."""

import asyncio
import re
import wave
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from softswitch.events import Fact, RoomRecordingDeleted
from softswitch.kernel.errors import NotFound

FOLDER = "conferences"
NAMES = f"{FOLDER}/_names"
"""Where members say their names; no room is called so."""
_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FILE = re.compile(r"[0-9]+-[0-9]+\.[a-z0-9]+")
"""When the meeting began, in wall milliseconds, which of its recordings it is, and what kind of file."""
KINDS = {".wav": "audio/wav", ".mp4": "video/mp4", ".mkv": "video/x-matroska"}


class Recorded(Struct, frozen=True):
    """A file that is complete."""

    name: str
    meeting: int
    """When it began, wall milliseconds."""
    bytes: int
    written_at: int
    """When something was written to it last, wall milliseconds."""


def deleted(room: str, name: str, *, at: int, reason: Literal["expired", "space", "wanted"], by: str) -> Fact:
    """What is told of a file that is gone."""
    meeting, file = int(name.partition("-")[0]), f"{FOLDER}/{room}/{name}"
    return RoomRecordingDeleted(at=at, room=room, meeting=meeting, file=file, reason=reason, by=by)


class MeetingFiles:
    """Of all rooms."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def list(self, room: str) -> Sequence[Recorded]:
        """What there is of a room, the oldest first."""
        return await asyncio.to_thread(self._list, room)

    def _list(self, room: str) -> Sequence[Recorded]:
        if not _ROOM.fullmatch(room):
            return []
        try:
            paths = [path for path in (self._data / FOLDER / room).iterdir() if _is_ours(path)]
        except FileNotFoundError:
            return []
        found = (_recorded(path) for path in paths)
        return sorted((each for each in found if each is not None), key=lambda each: (each.meeting, each.name))

    async def all(self) -> Sequence[tuple[str, Recorded]]:
        """What there is of all rooms, also of those that are gone."""
        return await asyncio.to_thread(self._all)

    def _all(self) -> Sequence[tuple[str, Recorded]]:
        folder = self._data / FOLDER
        rooms = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
        return [(room, each) for room in sorted(rooms) if f"{FOLDER}/{room}" != NAMES for each in self._list(room)]

    def path(self, room: str, name: str) -> Path:
        """Where one is. Raises NotFound."""
        path = self._data / FOLDER / room / name
        if not _ROOM.fullmatch(room) or not _FILE.fullmatch(name) or not _is_ours(path) or not path.is_file():
            raise NotFound("recording", name)
        return path

    async def remove(self, room: str, name: str) -> None:
        """Raises NotFound."""
        await asyncio.to_thread(self.path(room, name).unlink, missing_ok=True)

    async def forget(self, names: Sequence[str]) -> None:
        """Delete files by their names below the data folder."""
        await asyncio.to_thread(self._forget, names)

    def _forget(self, names: Sequence[str]) -> None:
        for name in names:
            (self._data / name).unlink(missing_ok=True)

    async def forget_names(self, but: Collection[str]) -> None:
        """Delete the names that members have said to an earlier process, which died before it could, but some."""
        folder = self._data / NAMES
        if folder.is_dir():
            await self.forget([name for path in folder.iterdir() if (name := f"{NAMES}/{path.name}") not in but])

    async def milliseconds(self, name: str) -> int | None:
        """How long a sound file is, by its name below the data folder; None: there is none, or it is none."""
        return await asyncio.to_thread(self._milliseconds, name)

    def _milliseconds(self, name: str) -> int | None:
        try:
            with wave.open(str(self._data / name)) as sound:
                frames, rate = sound.getnframes(), sound.getframerate()
        except (OSError, EOFError, wave.Error):
            return None
        return int(1000 * frames / rate)


def _recorded(path: Path) -> Recorded | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None  # deleted meanwhile
    return Recorded(path.name, int(path.name.partition("-")[0]), stat.st_size, stat.st_mtime_ns // 1_000_000)


def _is_ours(path: Path) -> bool:
    return path.suffix in KINDS and _FILE.fullmatch(path.name) is not None
