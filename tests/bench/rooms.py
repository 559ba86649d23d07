"""Conference rooms without sound: what it costs to bring a member into a room, and to tell of it, in Python.

python -m tests.bench.run --only k
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from softswitch.events import Fact
from softswitch.features.conference.around import Around
from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model.inputs import Came, Pressed
from softswitch.features.conference.model.rules import Rules
from softswitch.features.conference.seats import Seat
from softswitch.kernel.ids import CallId, LegId
from tests.bench.report import Report


class Nothing:
    """A media engine and a switchboard that do nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **more: None


class Clock:
    def monotonic(self) -> float:
        return time.perf_counter()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Many rooms of ten, and one of many."""
    rooms, many = (20, 100) if quick else (100, 1000)
    for count, members in ((rooms, 10), (1, many)):
        cost = asyncio.run(_rooms(count, members))
        report.result(
            "k", "softswitch", f"a member comes, mutes itself and goes, room of {members}", f"{cost:.0f}", "µs CPU"
        )


async def _rooms(rooms: int, members: int) -> float:
    facts: list[Fact] = []
    around = Around(
        clock=Clock(),
        publish=facts.append,
        sounds=Nothing(),
        switchboard=Nothing(),
        prompt=lambda language, name: name,
        language="en",
        music="",
    )
    began = time.process_time()
    seats: list[tuple[LiveRoom, Seat]] = []
    for number in range(rooms):
        room = LiveRoom(Rules(number=str(number), most=members), around, lambda room: None)
        for member in range(members):
            seat = Seat(room)
            seat.put(LegId(f"{number}-{member}.1"))
            assert room.enter(seat, Came(call=CallId(f"{number}-{member}"), number=str(member))) == ""
            seats.append((room, seat))
    for room, seat in seats:
        room.tell(Pressed(seat.member, "*"))
        room.tell(Pressed(seat.member, "6"))
    for room, seat in seats:
        room.leave(seat)
    return (time.process_time() - began) / len(seats) * 1e6
