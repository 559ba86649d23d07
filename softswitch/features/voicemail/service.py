"""Messages: how they come, what becomes of them, and what boxes show of them."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from msgspec import structs

from softswitch.events import (
    Fact,
    MailboxFull,
    MessageLeft,
    MessageLost,
)
from softswitch.features.voicemail import store as queries
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.doors import Doors
from softswitch.features.voicemail.model.box import Box, Greeting, Tally
from softswitch.features.voicemail.model.message import LEAST_SECONDS, Folder, Message, in_order
from softswitch.features.voicemail.needs import Files, Lamps, Pins, Store
from softswitch.kernel.address import Party
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound, SwitchError
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

_Result = TypeVar("_Result")

FOLDER = "voicemail"
"""Where all files are, below the data folder."""
MOST_MAIL = 10_000
"""E-mails that wait; of what comes then nobody is told by e-mail."""
CUT_OFF = "the switch was stopped in the middle of it"
UNWRITTEN = "the sound could not be written"


class Draft:
    """A message that somebody is leaving."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.takes = 0
        self.seconds: float | None = None
        """Of what is recorded; None: it is being recorded, or nothing is."""
        self.urgent = False


class Voicemail:
    """All messages. What a box shows is in memory."""

    def __init__(
        self,
        boxes: Boxes,
        store: Store,
        files: Files,
        lamps: Lamps,
        pins: Pins,
        clock: Clock,
        publish: Callable[[Fact], None],
        new_id: Callable[[], str],
        *,
        mails: bool = False,
    ) -> None:
        """`mails`: whether there is somebody who sends e-mail."""
        self.boxes = boxes
        self.store = store
        self.files = files
        self._lamps = lamps
        self._clock = clock
        self._publish = publish
        self._new_id = new_id
        self._mails = mails
        self._tallies: dict[str, Tally] = {}
        self.doors = Doors(boxes, pins, clock, publish, self._light)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._dark = False
        """Nobody can be told yet."""
        self.mail_came: Callable[[], None] = lambda: None
        """Told when there is more to be sent by e-mail."""

    async def load(self, database: Database | None = None) -> None:
        """Read what is stored: before the first call, and again when another process has changed it."""
        await self.boxes.load()
        self._tallies = dict(await self.store.tallies())

    async def recover(self) -> int:
        """What callers were saying when the last run was killed is in their boxes, as far as it was written. To be
        called once, before the first call; gives how many messages were found. Lamps are told by `light`."""
        self._dark = True
        found = 0
        for message in await self.store.arriving():
            draft = Draft(structs.replace(message, note=CUT_OFF))
            draft.urgent = message.urgent
            if await self._settle(draft):
                found += 1
        if found:
            log.warning("the switch had been stopped while callers left messages", messages=found)
        return found

    async def light(self) -> None:
        """Let lamps show what is there, from now on: to be called once, when phones can be told."""
        self._dark = False
        for box in self.boxes.all:
            # The lamp of a box in which nothing is may show what another voicemail has set over HTTP.
            if self.tally(box.number) != Tally():
                await self._light(box.number)

    async def stop(self) -> None:
        """Wait until what callers have said is in their boxes."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def tally(self, box: str) -> Tally:
        """What is in a box."""
        return self._tallies.get(box, Tally())

    def now(self) -> int:
        """Wall milliseconds."""
        return self._clock.wall_ms()

    # Leaving a message --------------------------------------------------------------------------------------

    def room(self, number: str) -> float:
        """How many seconds of a message for a box or list would be kept; 0: none would."""
        return max((self.tally(box.number).room(box) for box in self.boxes.receiving(number)), default=0.0)

    def full(self, number: str, caller: Party, call: CallId) -> None:
        """Somebody was told that there is no room."""
        self._publish(MailboxFull(at=self.now(), box=number, of_call=call, from_number=caller.number))

    def begin(self, number: str, caller: Party, call: CallId) -> Draft:
        """Somebody is about to leave a message for a box or list."""
        message = Message(
            id=self._new_id(),
            box=number,
            state="arriving",
            left_at=self.now(),
            from_number=caller.number[:200],
            from_name=caller.name[:200],
            call=call,
        )
        return Draft(message)

    async def take(self, draft: Draft) -> str:
        """The name of the file for a message's sound, which will be found whatever happens then; what was recorded
        of it before is no more."""
        before = draft.message.file
        draft.takes += 1
        file = f"{FOLDER}/{draft.message.box}/{draft.message.id}-{draft.takes}.wav"
        draft.message, draft.seconds = structs.replace(draft.message, file=file), None
        await self.store.deposit([draft.message])
        await self._count(draft.message.box)
        if before:
            await self.files.remove([before])
        return file

    async def keep(self, draft: Draft) -> bool:
        """The message is complete: whether it was kept, or was none. What cannot be stored now is found at the next
        start. Raises DatabaseUnavailable."""
        draft.takes = 0
        return await self._whole(self._settle(draft))

    def leave_behind(self, draft: Draft) -> None:
        """The same for a caller who is gone."""
        if draft.takes:
            self._run(self._settle(draft))

    def lost(self, draft: Draft, reason: str) -> None:
        """Somebody could not leave a message."""
        message = draft.message
        log.error("a voice message could not be recorded", box=message.box, reason=reason)
        self._publish(
            MessageLost(
                at=self.now(),
                box=message.box,
                of_call=message.call,
                from_number=message.from_number,
                reason=reason,
            )
        )

    async def _settle(self, draft: Draft) -> bool:
        message = draft.message
        seconds = draft.seconds if draft.seconds is not None else await self.files.length(message.file)
        boxes = self.boxes.receiving(message.box)
        boxes = [box for box in boxes if box.number == message.box or self.tally(box.number).room(box) >= LEAST_SECONDS]
        if seconds < LEAST_SECONDS or not boxes:
            await self.store.remove([message.id])
            await self.files.remove(message.files)
            await self._count(message.box)
            return False
        message = structs.replace(message, state="kept", seconds=seconds, urgent=draft.urgent)
        await self._deliver(message, boxes, instead_of=message.id)
        if all(box.number != message.box for box in boxes):
            await self.files.remove(message.files)  # each box of the list has its own
        return True

    async def _deliver(self, message: Message, boxes: Sequence[Box], *, instead_of: str | None = None) -> None:
        """Put a message into boxes; in any but its own it is a copy with files of its own. Raises OSError and
        DatabaseUnavailable, and then none of them has it."""
        messages: list[Message] = []
        copied: list[str] = []
        try:
            for box in boxes:
                own = box.number == message.box
                messages += [message if own else await self._copied(message, box, copied)]
            mail = {each.id: self.now() for box, each in zip(boxes, messages, strict=True) if self._mails and box.email}
            if mail and await self.store.mail_waiting() >= MOST_MAIL:
                log.error("too many e-mails wait: nobody is told of a voice message by e-mail", boxes=len(mail))
                mail = {}
            await self.store.deposit(messages, instead_of=instead_of, mail=mail)
        except BaseException:
            await self.files.remove(copied)
            raise
        for each in messages:
            await self._show(each.box)
            self._publish(
                MessageLeft(
                    at=self.now(),
                    box=each.box,
                    of_call=each.call,
                    message=each.id,
                    from_number=each.from_number,
                    seconds=each.seconds,
                    urgent=each.urgent,
                    forwarded_by=each.forwarded_by,
                    note=each.note,
                )
            )
        if mail:
            self.mail_came()

    async def _copied(self, message: Message, box: Box, copied: list[str]) -> Message:
        """A copy for another box; `copied` learns the names of its files."""
        copy = self._new_id()
        names = {}
        for field in ("file", "comment"):
            before = getattr(message, field)
            if before:
                names[field] = f"{FOLDER}/{box.number}/{copy}-{field}.wav"
                copied.append(names[field])
                await self.files.copy(before, names[field])
        return structs.replace(message, id=copy, box=box.number, folder="new", **names)

    # What becomes of messages -------------------------------------------------------------------------------

    async def messages(self, box: str, folder: Folder | None = None) -> Sequence[Message]:
        """Those of a box, urgent ones first, then the oldest."""
        return sorted(await self.store.messages(box, folder), key=in_order)

    async def message(self, box: str, message: str) -> Message:
        """Raises NotFound."""
        found = await self.store.find(message)
        if found is None or found.box != box or found.state != "kept":
            raise NotFound("voice message", message)
        return found

    async def change(self, message: Message, *, folder: Folder | None = None, urgent: bool | None = None) -> Message:
        """Move a message, or let it be urgent. Raises NotFound where it is gone."""
        message = await self.message(message.box, message.id)
        changed = structs.replace(
            message,
            folder=folder if folder is not None else message.folder,
            urgent=urgent if urgent is not None else message.urgent,
        )
        if changed != message:
            await self._whole(self._write(changed))
        return changed

    async def _write(self, message: Message) -> None:
        await self.store.deposit([message])
        await self._show(message.box)

    async def write_down(self, message: Message, transcript: str) -> Message:
        """Keep what was understood of a message."""
        await self.store.set_transcript(message.id, transcript)
        return structs.replace(message, transcript=transcript)

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages and their files."""
        await self._whole(self._delete(messages))

    async def _delete(self, messages: Sequence[Message]) -> None:
        await self.store.remove([message.id for message in messages])
        await self.files.remove([file for message in messages for file in message.files])
        for box in dict.fromkeys(message.box for message in messages):
            await self._show(box)

    def delete_behind(self, messages: Sequence[Message]) -> None:
        """The same for somebody who is gone."""
        if messages:
            self._run(self._delete(messages))

    def remove_behind(self, file: str) -> None:
        """Delete a file that nobody needs any more."""
        self._run(self.files.remove([file]))

    async def forward(self, message: Message, to: str, by: Box, comment: str = "") -> Sequence[Box]:
        """Put a copy into a box, or those of a list; `comment` is a file with what is said first, which is gone
        then. Gives the boxes that had room. Raises NotFound, Conflict when none had, and OSError."""
        return await self._whole(self._forward(message, to, by, comment))

    async def _forward(self, message: Message, to: str, by: Box, comment: str) -> Sequence[Box]:
        try:
            return await self._spread(message, to, by, comment)
        finally:
            if comment:
                await self.files.remove([comment])

    async def _spread(self, message: Message, to: str, by: Box, comment: str) -> Sequence[Box]:
        boxes = self.boxes.receiving(to)
        if not boxes:
            raise NotFound("voicemail box", to)
        boxes = [box for box in boxes if self.tally(box.number).room(box) >= LEAST_SECONDS]
        if not boxes:
            raise Conflict("box-full", f"there is no room in {to}")
        copy = structs.replace(
            message,
            id="",
            box="",
            folder="new",
            left_at=self.now(),
            comment=comment or message.comment,
            forwarded_by=by.number,
        )
        await self._deliver(copy, boxes)
        return boxes

    # Greetings ----------------------------------------------------------------------------------------------

    def greeting_file(self, number: str, greeting: Greeting) -> str:
        """A name for a greeting's file that no other has."""
        return f"{FOLDER}/{number}/greeting-{greeting}-{self._new_id()}.wav"

    async def set_greeting(self, number: str, greeting: Greeting, file: str | None) -> None:
        """Greet callers by a file from now on, or by none of one's own. Raises NotFound."""
        before = await self._whole(self.boxes.greet(number, greeting, file))
        if before is not None:
            self.remove_behind(before)

    async def set(self, number: str, changes: Mapping[str, Any]) -> Box:
        """Change a box as `Boxes.change` does, whether or not who wants it waits for it."""
        return await self._whole(self.boxes.change(number, changes))

    # Boxes that go ------------------------------------------------------------------------------------------

    async def remove_box(self, number: str) -> None:
        """Delete a box and all that is in it. Raises NotFound."""
        box = self.boxes.box(number)
        self._gone(box, await self.store.remove_box(number))

    async def forget(self, session: Session, account: str) -> None:
        """An account is deleted, and its box with it."""
        box = self.boxes.of_account(account)
        if box is not None:
            messages = await queries.remove_box(session, box.number)
            session.after_commit(lambda: self._gone(box, messages))

    def _gone(self, box: Box, messages: Sequence[Message]) -> None:
        self.boxes.forget(box.number)
        self._tallies.pop(box.number, None)
        files = [*(file for message in messages for file in message.files), *box.greetings.values()]
        self._run(self.files.remove(files))

    # Inside -------------------------------------------------------------------------------------------------

    async def _count(self, number: str) -> None:
        self._tallies[number] = await self.store.tally(number)

    async def _show(self, number: str) -> None:
        """Count what is in a box, and let lamps show it."""
        await self._count(number)
        await self._light(number)

    async def _light(self, number: str) -> None:
        box = self.boxes.find(number)
        if box is not None and box.account and not self._dark:
            mailbox = self.tally(number).mailbox
            if self._lamps.shown(box.account) != mailbox:
                await self._lamps.show(box.account, mailbox)

    async def _whole(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Do something to its end, even if who waits for it is gone: a half of it would leave what is stored and what
        is shown apart."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        """The same for what nobody waits for."""

        async def run() -> None:
            try:
                await work
            except (SwitchError, OSError) as error:
                # What a caller said is still there as it arrived, and is found at the next start.
                log.error("voicemail could not be stored", error=str(error))

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _log_failure(task: asyncio.Task[Any]) -> None:
    """Nobody waits any more for what became of it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("voicemail could not be stored", exc_info=error)
