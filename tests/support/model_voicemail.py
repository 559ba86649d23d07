"""Where the simulated switch keeps voicemail: lists in place of tables, and no files but those of the model's sound."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from softswitch.events import Fact
from softswitch.features.presence.service import PresenceService
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.model.box import Box, List, Tally
from softswitch.features.voicemail.model.message import Message
from softswitch.features.voicemail.needs import Accounts, Places
from softswitch.features.voicemail.service import Voicemail
from softswitch.kernel.clock import Clock
from softswitch.kernel.watching import Mailbox
from softswitch.platform.database import DatabaseUnavailable

PIN = "2580"


class Storing:
    """A session of a database that stores at once."""

    def __init__(self) -> None:
        self.own_changes: dict[str, int] = {}

    async def merge(self, row: object) -> None:
        return

    async def flush(self) -> None:
        return

    async def execute(self, statement: object, values: object = None) -> None:
        return

    def after_commit(self, work: Callable[[], None]) -> None:
        work()


class MemoryVoicemail:
    """`voicemail.needs.Store` in dictionaries. `down`: the database cannot be written."""

    def __init__(self) -> None:
        self.kept: dict[str, Message] = {}
        self.mail: dict[str, tuple[int, int]] = {}
        self.down = False

    async def boxes(self) -> Sequence[Box]:
        return []

    async def lists(self) -> Sequence[List]:
        return []

    async def write_boxes(self, boxes: Sequence[Box]) -> None:
        self._must_be_up()

    async def write_list(self, list: List) -> None:
        self._must_be_up()

    async def remove_list(self, number: str) -> None:
        self._must_be_up()

    async def remove_box(self, number: str) -> Sequence[Message]:
        gone = [message for message in self.kept.values() if message.box == number]
        await self.remove([message.id for message in gone])
        return gone

    async def deposit(
        self, messages: Sequence[Message], *, instead_of: str | None = None, mail: Mapping[str, int] | None = None
    ) -> None:
        self._must_be_up()
        if instead_of is not None:
            del self.kept[instead_of]
        self.kept |= {message.id: message for message in messages}
        self.mail |= {message: (0, due) for message, due in (mail or {}).items()}

    async def remove(self, messages: Sequence[str]) -> None:
        for message in messages:
            self.kept.pop(message, None)
            self.mail.pop(message, None)

    async def find(self, message: str) -> Message | None:
        return self.kept.get(message)

    async def messages(self, box: str, folder: str | None = None) -> Sequence[Message]:
        found = [each for each in self.kept.values() if each.box == box and each.state == "kept"]
        return [each for each in found if folder in (None, each.folder)]

    async def arriving(self) -> Sequence[Message]:
        return [message for message in self.kept.values() if message.state != "kept"]

    async def older(self, box: str, before: int, limit: int) -> Sequence[Message]:
        return [message for message in await self.messages(box) if message.left_at < before][:limit]

    async def tally(self, box: str) -> Tally:
        there = [message for message in self.kept.values() if message.box == box]
        kept = [message for message in there if message.state == "kept"]
        new = [message for message in kept if message.folder == "new"]
        urgent = [message for message in kept if message.urgent]
        urgent_new = [message for message in new if message.urgent]
        return Tally(
            len(new),
            len(kept) - len(new),
            len(urgent_new),
            len(urgent) - len(urgent_new),
            len(there) - len(kept),
            sum(message.seconds for message in there),
        )

    async def tallies(self) -> Mapping[str, Tally]:
        return {box: await self.tally(box) for box in {message.box for message in self.kept.values()}}

    async def mail_due(self, now: int, limit: int) -> Sequence[tuple[str, int]]:
        return [(message, attempts) for message, (attempts, due) in self.mail.items() if due <= now][:limit]

    async def mail_waiting(self) -> int:
        return len(self.mail)

    async def mail_later(self, message: str, attempts: int, due_at: int) -> None:
        self.mail[message] = (attempts, due_at)

    async def mail_done(self, message: str) -> None:
        self.mail.pop(message, None)

    async def set_transcript(self, message: str, transcript: str) -> None:
        raise NotImplementedError

    def _must_be_up(self) -> None:
        if self.down:
            raise DatabaseUnavailable("the database is away")


class PlainPins:
    """Hashes that are the PINs themselves."""

    async def digest(self, pin: str) -> str:
        return pin

    async def right(self, digest: str, pin: str) -> bool:
        return bool(digest) and digest == pin


class ModelFiles:
    """`voicemail.needs.Files` over what the model media engine has recorded: milliseconds by names."""

    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}

    async def length(self, name: str) -> float:
        return self.lengths.get(name, 0) / 1000

    async def copy(self, name: str, to: str) -> None:
        self.lengths[to] = self.lengths[name]

    async def write(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    async def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self.lengths.pop(name, None)

    def path(self, name: str) -> Path:
        raise NotImplementedError


class ModelLamps:
    """Shows what waits by the presence service, which tells real phones."""

    def __init__(self, presence: PresenceService) -> None:
        self._presence = presence

    def shown(self, account: str) -> Mailbox:
        return self._presence.mailbox(account)

    async def show(self, account: str, mailbox: Mailbox) -> None:
        session: Any = Storing()
        await self._presence.set_mailbox(session, account, mailbox)


class ModelVoicemail:
    """The feature's service over all of these, with a box for each account."""

    def __init__(
        self,
        directory: Accounts,
        places: Places,
        presence: PresenceService,
        accounts: Sequence[str],
        clock: Clock,
        publish: Callable[[Fact], None],
    ) -> None:
        self.store = MemoryVoicemail()
        self.files = ModelFiles()
        self._ids = 0
        pins = PlainPins()
        self.boxes = Boxes(self.store, pins, directory, places)
        for number in accounts:
            self.boxes._boxes[number] = Box(number=number, account=number, pin=PIN)
            self.boxes._by_account[number] = number
        self.service = Voicemail(
            self.boxes, self.store, self.files, ModelLamps(presence), pins, clock, publish, self._new_id, mails=True
        )

    def _new_id(self) -> str:
        self._ids += 1
        return f"m{self._ids}"

    def inside(self, box: str) -> list[Message]:
        """The messages of a box, in the order in which they came."""
        return [message for message in self.store.kept.values() if message.box == box]
