"""Messages whose time is over are deleted, a few at a time."""

from softswitch.features.voicemail.model.message import expires_before
from softswitch.features.voicemail.service import Voicemail
from softswitch.platform.audit import Audit
from softswitch.platform.rounds import Rounds

ROUND_SECONDS = 600.0
_AT_ONCE = 100


class Retention:
    """Deletes in rounds, and says so in the audit log."""

    def __init__(self, voicemail: Voicemail, audit: Audit) -> None:
        self._voicemail = voicemail
        self._audit = audit
        self.rounds = Rounds("old voice messages", self.sweep, ROUND_SECONDS)

    async def sweep(self) -> int:
        """Delete all whose time is over; gives how many they were. Raises DatabaseUnavailable."""
        gone = 0
        for box in self._voicemail.boxes.all:
            while box.keep_days:
                before = expires_before(self._voicemail.now(), box.keep_days)
                old = await self._voicemail.store.older(box.number, before, _AT_ONCE)
                if not old:
                    break
                async with self.rounds.uncut:
                    await self._voicemail.delete(old)
                for message in old:
                    action = f"delete voice message {message.id} of {box.number}"
                    self._audit.note(who="switch", source="", action=action, detail="expired")
                gone += len(old)
        return gone
