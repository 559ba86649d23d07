"""Meetings over the death of the switch: they are written down while they go on, where members' calls may outlive it,
and go on in the process after it."""

from collections.abc import Callable, Sequence

import msgspec
import structlog

from softswitch.events import Fact, LegEnded
from softswitch.features.conference import store
from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.returning import Kept
from softswitch.features.conference.needs import Bus, WriteBehind
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database
from softswitch.platform.event_log import Rows

log = structlog.get_logger(__name__)


class LeftBehind:
    """Of all rooms. Each meeting is one row, replaced whole and in the same transaction as its facts, so that the two
    are of one moment."""

    def __init__(self, bus: Bus, written: WriteBehind) -> None:
        """Facts are heard on the `bus` only while somebody is awaited."""
        self._bus = bus
        self._written = written
        self._touched: dict[str, None] = {}
        self._find: Callable[[str], LiveRoom | None] = lambda room: None
        self._kept: list[Kept] = []
        self._died_at = 0
        self._returning: dict[LegId, tuple[LiveRoom, int]] = {}
        """Members who are awaited, by what were their legs."""

    def follow(self, find: Callable[[str], LiveRoom | None]) -> None:
        """Write down those that `touch` names; `find` gives that of a room."""
        self._find = find
        self._written.derive(self.rows)

    def touch(self, room: str) -> None:
        """A meeting is another than was written down, or is over."""
        if not self._touched:
            self._written.ring()
        self._touched[room] = None

    def rows(self) -> Sequence[tuple[Rows, tuple[object, ...]]]:
        """What is to be written now."""
        touched, self._touched = self._touched, {}
        return [self._row(room) for room in touched]

    def _row(self, room: str) -> tuple[Rows, tuple[object, ...]]:
        live = self._find(room)
        if live is None:
            return store.MEETINGS_OVER, (room,)
        return store.MEETINGS, (room, msgspec.json.encode(live.kept()).decode())

    # The process after it ---------------------------------------------------------------------------------

    async def read(self, database: Database) -> None:
        """What the last process has written down: before anything else is."""
        self._died_at = await self._written.last_at() or 0
        async with database.reading() as session:
            rows = await store.meetings(session)
        self.take(rows, self._died_at)

    def take(self, rows: Sequence[tuple[str, str]], died_at: int) -> None:
        """These were written down of rooms before the switch was killed."""
        self._died_at = died_at
        for room, body in rows:
            try:
                self._kept.append(msgspec.json.decode(body, type=Kept))
            except msgspec.DecodeError as error:
                log.error("a meeting cannot be read", room=room, error=str(error))
                self.touch(room)

    @property
    def names(self) -> frozenset[str]:
        """The files in which members have said their names, below the data folder."""
        return frozenset(member.name_file for kept in self._kept for member in kept.members if member.name_file)

    def resume(self, open: Callable[[Kept], LiveRoom], lives: Callable[[CallId], bool], now: int) -> None:
        """Go on with all of them, before the calls do: `open` makes a meeting of what was written down, `lives` tells
        which calls have outlived the switch."""
        kept, self._kept = self._kept, []
        for each in kept:
            try:
                room = open(each)
                room.resume(each, lives, now - self._died_at)
            except Exception:
                log.exception("a meeting could not go on", room=each.room)
                self.touch(each.room)
                continue
            for member, leg in each.legs.items():
                if room.meeting.members[member].away:
                    self._returning[leg] = room, member
        if self._returning:
            self._bus.subscribe(LegEnded, self._leg_ended)

    def _leg_ended(self, fact: Fact) -> None:
        """Perhaps it was that of a member who was to come back."""
        assert isinstance(fact, LegEnded)
        room, member = self._returning.pop(fact.leg, (None, 0))
        if room is not None:
            room.tell(inputs.Lost(member, fact.by_party))
        self._returning = {
            leg: (room, member)
            for leg, (room, member) in self._returning.items()
            if not room.room.over and room.meeting.members[member].away
        }
        if not self._returning:
            self._bus.unsubscribe(LegEnded, self._leg_ended)
