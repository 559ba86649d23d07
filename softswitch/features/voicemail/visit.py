"""Somebody comes for the messages of a box."""

from softswitch.engine.caller import Caller, Keys
from softswitch.features.voicemail import said
from softswitch.features.voicemail.changing import change_settings, recorded
from softswitch.features.voicemail.doors import Visitor
from softswitch.features.voicemail.model.box import Box
from softswitch.features.voicemail.model.message import Folder, Message
from softswitch.features.voicemail.service import FOLDER, Voicemail
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound

ONE_KEY = Keys(1, ends_with="", first_within=5.0)
NUMBER = Keys(64, first_within=8.0, next_within=4.0)
PIN = Keys(12, least=0, ends_with="#*", first_within=8.0, next_within=4.0)
TIMES = 3
"""How often somebody is asked."""
_SAVED: dict[str, Folder] = {
    "1": "saved-1",
    "2": "saved-2",
    "3": "saved-3",
    "4": "saved-4",
    "5": "saved-5",
}


async def visit(caller: Caller, voicemail: Voicemail, name: str) -> Destination | None:
    """Ask which box and for its PIN, unless that is known from where the call comes, and let its messages be heard.

    `name`: the number of a box; empty: that of the caller's account, or else the one that it keys in.
    """
    number = await _opened(caller, voicemail, name)
    if number is None:
        return None
    visiting = Visit(caller, voicemail, number)
    try:
        return await visiting.main()
    finally:
        voicemail.delete_behind(visiting.deleted)


async def _opened(caller: Caller, voicemail: Voicemail, name: str) -> str | None:
    """The box that the caller gets into; None: none."""
    # Who was sent here by somebody's forward is not thereby at home.
    at_home = caller.origin.kind == "account" and caller.routed_as == caller.origin
    account = caller.origin.name if at_home else ""
    visitor = Visitor(caller.call, f"{caller.origin.kind}/{caller.origin.name}", caller.from_.number, account)
    own = voicemail.boxes.of_account(account) if account else None
    number = name or (own.number if own is not None else "")
    if own is not None and own.language:
        caller.language = own.language
    if number and await voicemail.doors.open(number, None, visitor) == "open":
        return number
    wrong = 0
    for _ in range(3 * TIMES):
        if not number:
            number = (await caller.gather("voicemail/enter-number", keys=NUMBER)).digits
            continue
        asked = await caller.gather("voicemail/enter-pin", keys=PIN)
        if not asked.digits:
            # A mere * or # asks for another box.
            number = "" if asked.ended_by == "terminator" else number
            continue
        outcome = await voicemail.doors.open(number, asked.digits, visitor)
        if outcome == "open":
            return number
        if outcome == "locked":
            caller.note(f"locked out of the voicemail box {number}")
            await caller.play("voicemail/locked")
            return None
        await caller.play("voicemail/wrong")
        wrong += 1
        if wrong == TIMES:
            break
        number = name or (number if own is not None else "")
    await caller.play("voicemail/goodbye")
    return None


class Visit:
    """What somebody does in a box."""

    def __init__(self, caller: Caller, voicemail: Voicemail, number: str) -> None:
        self._caller = caller
        self._voicemail = voicemail
        self._number = number
        self.deleted: list[Message] = []
        """To be deleted when the visit is over: until then they can be brought back."""
        self._leaves_for: Destination | None = None
        if self._box.language:
            caller.language = self._box.language

    @property
    def _box(self) -> Box:
        return self._voicemail.boxes.box(self._number)

    async def main(self) -> Destination | None:
        """The main menu, until the caller has enough."""
        caller = self._caller
        tally = self._voicemail.tally(self._number)
        await caller.play(*said.inventory(tally, caller.language))
        silent = 0
        while silent < TIMES and self._leaves_for is None:
            match (await caller.gather("voicemail/main-menu", keys=ONE_KEY)).digits:
                case "1":
                    await self._folder("new")
                case "2":
                    await self._folder("old")
                case "3":
                    await self._own_folder()
                case "0":
                    await change_settings(caller, self._voicemail, self._number)
                case "#":
                    break
                case _:
                    silent += 1
                    continue
            silent = 0
        if self._leaves_for is None:
            await caller.play("voicemail/goodbye")
        return self._leaves_for

    async def _own_folder(self) -> None:
        folder = await self._asked_folder()
        if folder is not None:
            await self._folder(folder)

    async def _asked_folder(self) -> Folder | None:
        keyed = await self._caller.gather("voicemail/which-folder", keys=ONE_KEY)
        return _SAVED.get(keyed.digits)

    async def _folder(self, folder: Folder) -> None:
        """Go through the messages of a folder."""
        messages = list(await self._voicemail.messages(self._number, folder))
        if not messages:
            await self._caller.play("voicemail/empty")
        place = 0
        while 0 <= place < len(messages):
            step = await self._one(messages, place)
            if step is None:
                return
            place = max(0, place + step)
            if place == len(messages):
                await self._caller.play("voicemail/no-more")

    async def _one(self, messages: list[Message], place: int) -> int | None:
        """Let a message be heard, and do with it what the caller wants: gives how far to go on; None: enough."""
        caller, voicemail = self._caller, self._voicemail
        message = messages[place]
        envelope = said.envelope(message, place + 1, self._box, voicemail.boxes, voicemail.now(), caller.language)
        heard = (*envelope, *said.sound(message))
        silent = 0
        while silent < TIMES:
            try:
                key = (await caller.gather(*heard, keys=ONE_KEY)).digits
            except NotFound as missing:
                caller.note(f"the sound of a voice message is lost: {missing}")
                key = ""
            if message.folder == "new":
                # It has been heard, or enough of it.
                message = messages[place] = await self._changed(message, "old")
            heard = ("voicemail/message-menu",)
            match key:
                case "4":
                    return -1
                case "6":
                    return 1
                case "5":
                    heard = (*envelope, *said.sound(message))
                case "3":
                    heard = (*envelope, *said.length(message, caller.language))
                case "7":
                    await self._turn(message)
                case "8":
                    await self._forward(message)
                case "9":
                    folder = await self._asked_folder()
                    if folder is not None:
                        message = messages[place] = await self._changed(message, folder)
                        await caller.play("voicemail/saved")
                case "2":
                    if await self._reply(message):
                        return None
                case "*":
                    return None
                case _:
                    silent += 1
                    continue
            silent = 0
        return None

    async def _changed(self, message: Message, folder: Folder) -> Message:
        try:
            return await self._voicemail.change(message, folder=folder)
        except NotFound:  # deleted over HTTP meanwhile
            return message

    async def _turn(self, message: Message) -> None:
        """Delete a message, or bring it back."""
        known = next((each for each in self.deleted if each.id == message.id), None)
        if known is None:
            self.deleted.append(message)
        else:
            self.deleted.remove(known)
        await self._caller.play("voicemail/deleted" if known is None else "voicemail/restored")

    async def _forward(self, message: Message) -> None:
        caller, voicemail = self._caller, self._voicemail
        to = (await caller.gather("voicemail/forward-to", keys=NUMBER)).digits
        if not voicemail.boxes.receiving(to):
            await caller.play("voicemail/no-such-box")
            return
        chosen = (await caller.gather("voicemail/comment-or-not", keys=ONE_KEY)).digits
        if chosen not in ("1", "2"):
            return
        comment, there = "", True
        if chosen == "1":
            comment, there = f"{FOLDER}/{self._number}/comment-{message.id}-{voicemail.now()}.wav", False
            try:
                there = await recorded(caller, comment, "voicemail/speak-after-tone")
            finally:
                if not there:
                    voicemail.remove_behind(comment)
        if not there:
            return
        try:
            await voicemail.forward(message, to, self._box, comment)
        except Conflict:
            await caller.play("voicemail/full")
        except OSError as error:
            caller.note(f"a voice message could not be forwarded: {error}")
            await caller.play("voicemail/cannot-record")
        else:
            await caller.play("voicemail/forwarded")

    async def _reply(self, message: Message) -> bool:
        """Call whoever left it, with the rights of the phone that one listens from."""
        caller = self._caller
        if not message.from_number or message.from_number == "anonymous":
            await caller.play("voicemail/no-reply")
            return False
        caller.to = Party(message.from_number, message.from_name)
        self._leaves_for = Destination("dialplan", caller.routed_as.context)
        return True
