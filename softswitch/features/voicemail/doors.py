"""Who gets into a box: by its PIN, or from its owner's phones; and who is locked out for guessing."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from softswitch.events import Fact, MailboxOpened, MailboxRefused
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.model.box import Box
from softswitch.features.voicemail.needs import Pins
from softswitch.kernel.clock import Clock
from softswitch.kernel.guesses import Guesses
from softswitch.kernel.ids import CallId


class Visitor(Struct, frozen=True):
    """Who wants to open a box."""

    call: CallId
    by: str
    """`account/1001`, `trunk/uas`."""
    from_number: str
    account: str
    """Whose phone it is; empty: no account's."""


class Doors:
    """Of all boxes. Each counts what its owner's phones try apart from what comes from others, so that nobody locks
    owners out of their boxes from elsewhere."""

    def __init__(
        self,
        boxes: Boxes,
        pins: Pins,
        clock: Clock,
        publish: Callable[[Fact], None],
        light: Callable[[str], Awaitable[None]],
    ) -> None:
        """`light` lets the lamp of a box show what is in it."""
        self._boxes = boxes
        self._pins = pins
        self._clock = clock
        self._publish = publish
        self._light = light
        self._of_boxes = Guesses(most=None)
        """At boxes that there are: as many as these."""
        self._of_others = Guesses()
        """By callers, and at boxes that there are not: whoever makes up many of them makes no box forget."""

    async def open(self, number: str, pin: str | None, visitor: Visitor) -> str:
        """Whether somebody gets into a box: `open`, `wrong`, or `locked`. `pin` None: none was asked for."""
        box = self._boxes.find(number)
        own = box is not None and box.account != "" and box.account == visitor.account
        if pin is None:
            if box is None or not own or not box.skip_pin:
                return "wrong"
            return await self._opened(box, visitor)
        now = self._clock.wall_ms()
        at_box = (f"own/{number}" if own else f"box/{number}",)
        by_caller = () if own else (f"caller/{visitor.by}/{visitor.from_number}",)
        counts = self._of_boxes if box is not None else self._of_others
        if counts.locked(at_box, now) or self._of_others.locked(by_caller, now):
            return "locked"
        if await self._pins.right(box.pin if box is not None else "", pin) and box is not None:
            # What the caller guessed wrong elsewhere stays counted, or a box of one's own would wipe it out.
            counts.right(at_box)
            return await self._opened(box, visitor)
        locked = counts.wrong(at_box, self._clock.wall_ms())
        locked = self._of_others.wrong(by_caller, self._clock.wall_ms()) or locked
        self._publish(
            MailboxRefused(
                at=self._clock.wall_ms(),
                box=number[:64],
                of_call=visitor.call,
                by=visitor.by,
                from_number=visitor.from_number,
                locked=locked,
            )
        )
        return "locked" if locked else "wrong"

    def unlock(self, number: str) -> None:
        """Wrong PINs for a box are forgotten. Raises NotFound."""
        self._boxes.box(number)
        self._of_boxes.right((f"own/{number}", f"box/{number}"))

    def locked(self, number: str) -> bool:
        """Whether nobody gets into a box by PIN now but, perhaps, its owner's phones."""
        return self._of_boxes.locked((f"box/{number}",), self._clock.wall_ms())

    async def _opened(self, box: Box, visitor: Visitor) -> str:
        self._publish(
            MailboxOpened(
                at=self._clock.wall_ms(),
                box=box.number,
                of_call=visitor.call,
                by=visitor.by,
                from_number=visitor.from_number,
            )
        )
        await self._light(box.number)
        return "open"
