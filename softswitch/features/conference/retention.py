"""Recordings of rooms whose time is over, or for which there is no more space, are deleted."""

from collections.abc import Callable
from typing import Literal

from softswitch.events import Fact
from softswitch.features.conference.files import MeetingFiles, Recorded, deleted
from softswitch.features.conference.service import Conferences
from softswitch.kernel.clock import Clock
from softswitch.platform.audit import Audit
from softswitch.platform.rounds import Rounds

ROUND_SECONDS = 600.0
DAY_MS = 86_400_000
JUST_NOW_MS = 600_000
"""So long after it was written last a file is not deleted to make space: it may be about to become a film."""


class Retention:
    """Deletes in rounds, and says so: by a fact and in the audit log. What is recorded of a meeting that goes on
    stays."""

    def __init__(
        self,
        conferences: Conferences,
        files: MeetingFiles,
        clock: Clock,
        publish: Callable[[Fact], None],
        audit: Audit,
        *,
        keep_days: int,
        most_bytes: int,
    ) -> None:
        """`keep_days` holds for rooms that say nothing else, and for those that are gone; `most_bytes` for the files
        of all rooms together. 0: for ever, and without a limit."""
        self._conferences = conferences
        self._files = files
        self._clock = clock
        self._publish = publish
        self._audit = audit
        self._keep_days = keep_days
        self._most_bytes = most_bytes
        self.rounds = Rounds("old recordings of rooms", self.sweep, ROUND_SECONDS)

    async def sweep(self) -> int:
        """Delete all whose time is over, and the oldest of the others while they are too large; gives how many they
        were. Raises OSError."""
        now = self._clock.wall_ms()
        kept, gone = [], 0
        for room, recorded in await self._files.all():
            days = self._days(room)
            if self._goes_on(room, recorded) or not days or now - recorded.written_at < days * DAY_MS:
                kept.append((room, recorded))
            else:
                async with self.rounds.uncut:
                    await self._delete(room, recorded, "expired")
                gone += 1
        if not self._most_bytes:
            return gone
        size = sum(recorded.bytes for _, recorded in kept)
        for room, recorded in sorted(kept, key=lambda each: each[1].written_at):
            if size <= self._most_bytes:
                break
            if not self._goes_on(room, recorded) and now - recorded.written_at >= JUST_NOW_MS:
                async with self.rounds.uncut:
                    await self._delete(room, recorded, "space")
                size -= recorded.bytes
                gone += 1
        return gone

    def _days(self, room: str) -> int:
        own = self._conferences.rules(room).keep_days if self._conferences.exists(room) else 0
        return own or self._keep_days

    def _goes_on(self, room: str, recorded: Recorded) -> bool:
        live = self._conferences.now(room)
        return live is not None and live.meeting.began_at == recorded.meeting

    async def _delete(self, room: str, recorded: Recorded, reason: Literal["expired", "space"]) -> None:
        await self._files.remove(room, recorded.name)
        self._audit.note(
            who="switch", source="", action=f"delete recording {recorded.name} of room {room}", detail=reason
        )
        self._publish(deleted(room, recorded.name, at=self._clock.wall_ms(), reason=reason, by="switch"))
