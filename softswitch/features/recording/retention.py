"""Recordings whose time is over are deleted, a few at a time."""

from softswitch.features.recording import store
from softswitch.features.recording.service import Recordings
from softswitch.kernel.clock import Clock
from softswitch.platform.audit import Audit
from softswitch.platform.database import Database
from softswitch.platform.rounds import Rounds

ROUND_SECONDS = 600.0
_AT_ONCE = 100


class Retention:
    """Deletes in rounds, and says so in the audit log."""

    def __init__(self, recordings: Recordings, database: Database, clock: Clock, audit: Audit) -> None:
        self._recordings = recordings
        self._database = database
        self._clock = clock
        self._audit = audit
        self.rounds = Rounds("old recordings", self.sweep, ROUND_SECONDS)

    async def sweep(self) -> int:
        """Delete all whose time is over; gives how many they were. Raises DatabaseUnavailable and OSError."""
        gone = 0
        while True:
            async with self._database.reading() as session:
                old = await store.expired(session, self._clock.wall_ms(), _AT_ONCE)
            old = [recording for recording in old if not recording.live]
            if not old:
                return gone
            for recording in old:
                async with self.rounds.uncut, self._database.session() as session:
                    await self._recordings.delete(session, recording.id)
                self._audit.note(who="switch", source="", action=f"delete recording {recording.id}", detail="expired")
            gone += len(old)
