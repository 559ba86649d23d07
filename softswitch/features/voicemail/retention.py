"""Messages whose time is over are deleted, a few at a time."""

import asyncio

import structlog

from softswitch.features.voicemail.model.message import expires_before
from softswitch.features.voicemail.service import Voicemail
from softswitch.platform.audit import Audit
from softswitch.platform.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

ROUND_SECONDS = 600.0
_FIRST_SECONDS = 60.0
_AT_ONCE = 100


class Retention:
    """Deletes in rounds, and says so in the audit log."""

    def __init__(self, voicemail: Voicemail, audit: Audit) -> None:
        self._voicemail = voicemail
        self._audit = audit
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, a minute from now."""
        self._task = asyncio.create_task(self._go_round(), name="voicemail's retention")

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def sweep(self) -> int:
        """Delete all whose time is over; gives how many they were. Raises DatabaseUnavailable."""
        gone = 0
        for box in self._voicemail.boxes.all:
            while box.keep_days:
                before = expires_before(self._voicemail.now(), box.keep_days)
                old = await self._voicemail.store.older(box.number, before, _AT_ONCE)
                if not old:
                    break
                await self._voicemail.delete(old)
                for message in old:
                    action = f"delete voice message {message.id} of {box.number}"
                    self._audit.note(who="switch", source="", action=action, detail="expired")
                gone += len(old)
        return gone

    async def _go_round(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            try:
                gone = await self.sweep()
                if gone:
                    log.info("old voice messages were deleted", messages=gone)
            except DatabaseUnavailable as error:
                log.warning("old voice messages could not be deleted", error=str(error))
            except Exception:
                log.exception("old voice messages could not be deleted")
            await asyncio.sleep(ROUND_SECONDS)
