"""Recordings of rooms are deleted when their time is over, or when they are too large together."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from softswitch.events import Fact, RoomRecordingDeleted
from softswitch.features.conference.files import NAMES, MeetingFiles
from softswitch.features.conference.model.rules import Rules
from softswitch.features.conference.retention import DAY_MS, Retention
from softswitch.kernel.errors import NotFound
from tests.support.admin_plane import StandingClock

MINUTE_MS = 60_000


class Rooms:
    """As much of `Conferences` as is asked."""

    def __init__(self) -> None:
        self.keep_days = {"3000": 0, "3100": 2}
        self.meeting: tuple[str, int] | None = None

    def exists(self, number: str) -> bool:
        return number in self.keep_days

    def rules(self, number: str) -> Rules:
        if number not in self.keep_days:
            raise NotFound("conference", number)
        return Rules(number=number, keep_days=self.keep_days[number])

    def now(self, number: str) -> Any:
        if self.meeting is None or self.meeting[0] != number:
            return None
        return SimpleNamespace(meeting=SimpleNamespace(began_at=self.meeting[1]))


class Notes:
    def __init__(self) -> None:
        self.actions: list[tuple[str, str]] = []

    def note(self, *, who: str, source: str, action: str, detail: str) -> None:
        self.actions.append((action, detail))


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.rooms, self.notes = StandingClock(), Rooms(), Notes()
        self.facts: list[Fact] = []

    def retention(self, keep_days: int = 0, most_bytes: int = 0) -> Retention:
        rooms: Any = self.rooms
        notes: Any = self.notes
        return Retention(
            rooms,
            MeetingFiles(self.folder),
            self.clock,
            self.facts.append,
            notes,
            keep_days=keep_days,
            most_bytes=most_bytes,
        )

    def file(self, room: str, name: str, ago_ms: int, size: int = 1000) -> Path:
        path = self.folder / "conferences" / room / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        written = self.clock.wall_ms() - ago_ms
        os.utime(path, ns=(written * 1_000_000, written * 1_000_000))
        return path

    def left(self) -> set[str]:
        return {f"{path.parent.name}/{path.name}" for path in self.folder.glob("conferences/*/*")}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_each_room_keeps_its_own_as_long_as_it_says(house: House) -> None:
    house.file("3000", "1000-1.wav", 3 * DAY_MS)
    house.file("3000", "2000-1.mp4", DAY_MS)
    house.file("3100", "1000-1.wav", 3 * DAY_MS)
    house.file("3100", "2000-1.wav", DAY_MS)
    house.file("9999", "1000-1.wav", 3 * DAY_MS)  # of a room that is gone
    house.file("names", "call.wav", 9 * DAY_MS)
    house.file("3100", "notes.txt", 9 * DAY_MS)
    assert await house.retention().sweep() == 1
    assert house.left() == {
        "3000/1000-1.wav",
        "3000/2000-1.mp4",
        "3100/2000-1.wav",
        "9999/1000-1.wav",
        "names/call.wav",
        "3100/notes.txt",
    }
    assert await house.retention(keep_days=2).sweep() == 2
    assert house.left() == {"3000/2000-1.mp4", "3100/2000-1.wav", "names/call.wav", "3100/notes.txt"}
    told = [
        (fact.room, fact.meeting, fact.file, fact.reason)
        for fact in house.facts
        if isinstance(fact, RoomRecordingDeleted)
    ]
    assert told == [
        ("3100", 1000, "conferences/3100/1000-1.wav", "expired"),
        ("3000", 1000, "conferences/3000/1000-1.wav", "expired"),
        ("9999", 1000, "conferences/9999/1000-1.wav", "expired"),
    ]
    assert house.notes.actions[0] == ("delete recording 1000-1.wav of room 3100", "expired")


async def test_time_goes_on_and_they_go_one_by_one(house: House) -> None:
    house.file("3100", "1000-1.wav", 0)
    retention = house.retention()
    house.clock.now += 2 * DAY_MS / 1000 - 1
    assert await retention.sweep() == 0
    house.clock.now += 1
    assert await retention.sweep() == 1 and not house.left()


async def test_the_oldest_make_space_for_the_others(house: House) -> None:
    house.file("3000", "1000-1.wav", 50 * MINUTE_MS, 400)
    house.file("3100", "2000-1.wav", 60 * MINUTE_MS, 400)
    house.file("3000", "3000-1.wav", 30 * MINUTE_MS, 400)
    house.file("3000", "4000-1.wav", MINUTE_MS, 400)
    assert await house.retention(most_bytes=1600).sweep() == 0
    assert await house.retention(most_bytes=900).sweep() == 2
    assert house.left() == {"3000/3000-1.wav", "3000/4000-1.wav"}
    assert await house.retention(most_bytes=1).sweep() == 1
    assert house.left() == {"3000/4000-1.wav"}, "what was written just now may still become a film"
    assert {fact.reason for fact in house.facts if isinstance(fact, RoomRecordingDeleted)} == {"space"}


async def test_what_is_recorded_of_a_meeting_that_goes_on_stays(house: House) -> None:
    house.rooms.meeting = ("3100", 1000)
    house.file("3100", "1000-1.wav", 9 * DAY_MS)
    house.file("3100", "500-1.wav", 9 * DAY_MS)
    assert await house.retention(keep_days=1, most_bytes=1).sweep() == 1
    assert house.left() == {"3100/1000-1.wav"}
    house.rooms.meeting = None
    assert await house.retention(keep_days=1).sweep() == 1


async def test_names_that_members_of_a_meeting_have_said_outlive_the_process(tmp_path: Path) -> None:
    folder = tmp_path / NAMES
    folder.mkdir(parents=True)
    for name in ("kept.wav", "lost.wav"):
        (folder / name).write_bytes(b"")
    await MeetingFiles(tmp_path).forget_names(but=frozenset([f"{NAMES}/kept.wav"]))
    assert [path.name for path in folder.iterdir()] == ["kept.wav"]
