"""Boxes and lists as they are set: in memory for calls, changed over HTTP and by phone."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from softswitch.features.voicemail.model.box import MOST_LISTED, Box, Greeting, List, check_pin, checked
from softswitch.features.voicemail.needs import Accounts, Pins, Places, Store
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, NotFound

MOST_BOXES = 100_000


class Boxes:
    """All of them. Memory changes when a change is stored."""

    def __init__(self, store: Store, pins: Pins, accounts: Accounts, places: Places) -> None:
        self._store = store
        self._pins = pins
        self._accounts = accounts
        self._places = places
        self._boxes: dict[str, Box] = {}
        self._by_account: dict[str, str] = {}
        self.unanswered: dict[str, str] = {}
        """The boxes of accounts whose calls come here when no phone takes them: always this very dictionary."""
        self._lists: dict[str, List] = {}
        self._changing = asyncio.Lock()
        """One change after the other: each begins with what the one before has left."""

    async def load(self) -> None:
        """Read what is stored: before the first call, and again when another process has changed it."""
        boxes, lists = await self._store.boxes(), await self._store.lists()
        self._boxes = {box.number: box for box in boxes}
        self._by_account = {box.account: box.number for box in boxes if box.account}
        self.unanswered.clear()
        self.unanswered.update({box.account: box.number for box in boxes if box.account and box.takes_unanswered})
        self._lists = {each.number: each for each in lists}

    # What there is ------------------------------------------------------------------------------------------

    @property
    def all(self) -> Sequence[Box]:
        """By number."""
        return [self._boxes[number] for number in sorted(self._boxes)]

    @property
    def lists(self) -> Sequence[List]:
        """By number."""
        return [self._lists[number] for number in sorted(self._lists)]

    def find(self, number: str) -> Box | None:
        return self._boxes.get(number)

    def box(self, number: str) -> Box:
        """Raises NotFound."""
        box = self._boxes.get(number)
        if box is None:
            raise NotFound("voicemail box", number)
        return box

    def of_account(self, account: str) -> Box | None:
        """The box of an account's phones."""
        number = self._by_account.get(account)
        return None if number is None else self._boxes[number]

    def find_list(self, number: str) -> List | None:
        return self._lists.get(number)

    def receiving(self, number: str) -> Sequence[Box]:
        """The boxes that a message for a number goes to: the box of that number, or those of the list; none where it is
        neither."""
        box, listed = self._boxes.get(number), self._lists.get(number)
        if box is not None:
            return [box]
        return [self._boxes[each] for each in listed.boxes if each in self._boxes] if listed is not None else []

    # What is changed ----------------------------------------------------------------------------------------

    async def create(self, box: Box, pin: str) -> Box:
        """Make a box; an empty PIN lets nobody in. Raises Conflict and Invalid."""
        async with self._changing:
            if self._taken(box.number):
                raise Conflict("box-exists", f"{box.number} is a box or a list already")
            if len(self._boxes) >= MOST_BOXES:
                raise Conflict("too-many-boxes", f"there are {MOST_BOXES} boxes already")
            if pin:
                check_pin(box.number, pin)
                box = replace(box, pin=await self._pins.digest(pin))
            return await self._write(box)

    async def furnish(self, boxes: Sequence[tuple[Box, str]]) -> None:
        """Make those of the boxes that do not exist, with the hashes of their PINs."""
        async with self._changing:
            new = [replace(box, pin=digest) for box, digest in boxes if not self._taken(box.number)]
            for box in new:
                self._check(box)
            await self._store.write_boxes(new)
            for box in new:
                self._remember(box)

    async def change(self, number: str, changes: Mapping[str, Any]) -> Box:
        """Set what `changes` names: fields of `Box` but its number, with a `pin` in the clear. Raises NotFound,
        Conflict and Invalid."""
        async with self._changing:
            box = self.box(number)
            changes = dict(changes)
            if changes.get("pin"):
                check_pin(number, changes["pin"])
                changes["pin"] = await self._pins.digest(changes["pin"])
            return await self._write(replace(box, **changes))

    async def greet(self, number: str, greeting: Greeting, file: str | None) -> str | None:
        """Let a box have a greeting, or none; gives the file of the one before. Raises NotFound."""
        async with self._changing:
            box = self.box(number)
            greetings = dict(box.greetings)
            before = greetings.pop(greeting, None)
            if file is not None:
                greetings[greeting] = file
            await self._write(replace(box, greetings=greetings))
            return before

    async def set_list(self, listed: List) -> List:
        """Make a list, or let it be another. Raises Conflict and Invalid."""
        async with self._changing:
            if listed.number in self._boxes:
                raise Conflict("box-exists", f"{listed.number} is a box")
            if len(listed.boxes) > MOST_LISTED:
                raise Invalid("boxes", f"{MOST_LISTED} boxes at the most")
            for number in listed.boxes:
                if number not in self._boxes:
                    raise Invalid("boxes", f"there is no voicemail box {number!r}")
            listed = replace(listed, boxes=tuple(dict.fromkeys(listed.boxes)))
            await self._store.write_list(listed)
            self._lists[listed.number] = listed
            return listed

    async def remove_list(self, number: str) -> None:
        """Raises NotFound."""
        async with self._changing:
            if number not in self._lists:
                raise NotFound("voicemail list", number)
            await self._store.remove_list(number)
            del self._lists[number]

    def forget(self, number: str) -> None:
        """A box has been deleted."""
        box = self._boxes.pop(number, None)
        if box is not None:
            self._by_account.pop(box.account, None)
            self.unanswered.pop(box.account, None)

    def _taken(self, number: str) -> bool:
        return number in self._boxes or number in self._lists

    async def _write(self, box: Box) -> Box:
        self._check(box)
        await self._store.write_boxes([box])
        self._remember(box)
        return box

    def _check(self, box: Box) -> None:
        checked(box)
        if box.account:
            if self._accounts.account(box.account) is None:
                raise Invalid("account", f"there is no account {box.account!r}")
            if self._by_account.get(box.account, box.number) != box.number:
                raise Conflict("box-exists", f"{box.account} has the box {self._by_account[box.account]} already")
        if box.operator:
            try:
                operator = Destination.parse(box.operator)
            except ValueError as error:
                raise Invalid("operator", str(error)) from error
            # By the number that was dialled the dial plan leads to the box again, as the box itself does.
            if operator.kind == "dialplan" or operator == ("voicemail", box.number):
                raise Invalid("operator", f"{operator} leads back to the box: name who answers, such as account/1000")
            missing = self._places.why_missing(operator)
            if missing is not None:
                raise Invalid("operator", missing)

    def _remember(self, box: Box) -> None:
        before = self._boxes.get(box.number)
        if before is not None:
            self._by_account.pop(before.account, None)
            self.unanswered.pop(before.account, None)
        self._boxes[box.number] = box
        if box.account:
            self._by_account[box.account] = box.number
            if box.takes_unanswered:
                self.unanswered[box.account] = box.number
