"""Meetings and wrong PINs as both databases keep them for the process after this one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from softswitch.engine.bus import Bus
from softswitch.events import Fact, MemberUnreached, RoomClosed, RoomOpened
from softswitch.features.conference import store
from softswitch.features.conference.around import Around
from softswitch.features.conference.files import MeetingFiles
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.rules import Invitee, Rules
from softswitch.features.conference.service import Conferences
from softswitch.kernel.guesses import LONGEST_MS
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from softswitch.platform.vault import Vault
from tests.support.admin_plane import StandingClock
from tests.support.model_media import ModelMedia


class Switchboard:
    """Everybody's phone rings for ever."""

    def invite(self, *about: Any, **more: Any) -> CallId:
        return CallId("ringing")

    def hang_up(self, call: CallId) -> bool:
        return True


class Process:
    """As much of a switch as rooms need."""

    def __init__(self, database: Database, clock: StandingClock, folder: Path) -> None:
        self.facts: list[Fact] = []
        self.log = EventLog(database)
        bus, nobody = Bus(), Switchboard()
        bus.subscribe(Fact, self.facts.append)
        bus.subscribe(Fact, self.log.append)
        around = Around(
            clock=clock,
            publish=bus.publish,
            sounds=ModelMedia(asyncio.get_running_loop(), "10.0.0.1"),
            switchboard=nobody,  # type: ignore[arg-type]
            prompt=lambda language, name: f"{language}/{name}",
            language="en",
            music="",
        )
        parties: Any = nobody
        self.conferences = Conferences(around, parties, database, Vault(bytes(32)), MeetingFiles(folder), bus, self.log)
        self._database = database

    async def begin(self) -> None:
        self.log.start()
        self.conferences.survive()
        await self.conferences.read()
        await self.conferences.load(self._database)
        self.conferences.resume(lambda call: False)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def process(database: Database, clock: StandingClock, tmp_path: Path) -> AsyncIterator[Callable[[], Process]]:
    begun: list[Process] = []

    def begin() -> Process:
        begun.append(Process(database, clock, tmp_path))
        return begun[-1]

    yield begin
    for each in begun:
        await each.log.stop()


async def rows(database: Database, table: str) -> int:
    async with database.reading() as session:
        return int((await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def test_a_meeting_is_written_with_its_facts_and_goes_on(
    database: Database, clock: StandingClock, process: Callable[[], Process]
) -> None:
    first = process()
    await first.begin()
    async with database.session() as session:
        await first.conferences.create(session, Rules(number="3100"))
    first.conferences.invite("3100", [Invitee(number="1001"), Invitee(number="1002", name="张伟")], "test")
    first.conferences.meeting("3100").order(inputs.Lock(by="test", on=True))
    await first.log.flush()
    assert await rows(database, "conference_meeting") == 1
    clock.now += 1
    second = process()
    first.log.add(store.MEETINGS, ("3999", "{"))
    await first.log.flush()
    await second.begin()
    meeting = second.conferences.meeting("3100").meeting
    assert meeting.locked and [(each.name, each.state) for each in meeting.members.values()] == [
        ("", "invited"),
        ("张伟", "invited"),
    ]
    assert [fact.reason for fact in second.facts if isinstance(fact, MemberUnreached)] == ["restart"] * 2
    await second.log.flush()
    assert await rows(database, "conference_meeting") == 1, "what cannot be read is forgotten"
    second.conferences.meeting("3100").order(inputs.End(by="test"))
    await second.log.flush()
    assert await rows(database, "conference_meeting") == 0
    told = [entry.fact for entry in await second.log.read()]
    assert [type(fact) for fact in told if isinstance(fact, RoomOpened | RoomClosed)] == [RoomOpened, RoomClosed]


async def test_a_room_that_is_no_more_ends_its_meeting(
    database: Database, clock: StandingClock, process: Callable[[], Process]
) -> None:
    first = process()
    await first.begin()
    async with database.session() as session:
        await first.conferences.create(session, Rules(number="3100"))
    first.conferences.invite("3100", [Invitee(number="1001")], "test")
    await first.log.flush()
    async with database.session() as session:
        assert await store.remove(session, "3100")
    second = process()
    await second.begin()
    assert [fact.reason for fact in second.facts if isinstance(fact, RoomClosed)] == ["fault"]
    await second.log.flush()
    assert await rows(database, "conference_meeting") == 0


async def test_wrong_pins_are_counted_on_until_they_are_too_old(
    database: Database, clock: StandingClock, process: Callable[[], Process]
) -> None:
    first = process()
    await first.begin()
    for _ in range(20):
        first.conferences.door._at_rooms.wrong(("room/3001",), clock.wall_ms())
    first.conferences.door._by_callers.wrong(("caller/guest//1001",), clock.wall_ms())
    await first.log.flush()
    second = process()
    await second.begin()
    assert second.conferences.door.locked("3001") and not second.conferences.door.locked("3002")
    second.conferences.door.unlock("3001")
    await second.log.flush()
    assert await rows(database, "conference_guess") == 1
    clock.now += LONGEST_MS / 1000 + 1
    third = process()
    await third.begin()
    assert not third.conferences.door.locked("3001")
    assert await rows(database, "conference_guess") == 0
