"""What a caller hears and does in a queue: music and announcements, keys, and the question where to call it back."""

import asyncio
from collections.abc import Awaitable

from softswitch.engine.caller import Caller, Keys, Spoken
from softswitch.features.acd.model.effects import Announce, OfferCallback, SendOn
from softswitch.features.acd.model.inputs import CallbackAccepted, DigitPressed
from softswitch.features.acd.model.settings import QueueSettings
from softswitch.features.acd.service import Queues
from softswitch.features.acd.waiting import Join, Order, Waiting
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, Rejected
from softswitch.kernel.spoken import grammar_of

_ONE_MINUTE = 60
_DAY_SECONDS = 86_400.0
_MOST_DIGITS = 20


class Visit:
    """One caller in one queue."""

    def __init__(self, queues: Queues, queue: QueueSettings, waiting: Waiting) -> None:
        self._queues = queues
        self._queue = queue
        self._waiting = waiting
        self._caller = waiting.caller
        self._heard: asyncio.Task[None] | None = None
        """What the caller hears, and does, while it waits."""
        self._keys: asyncio.Task[None] | None = None
        self._asks_number = False
        """Whether the caller is being asked where to call it back, and hears nothing else."""

    async def run(self) -> Destination | None:
        """Serve the caller until it has left the queue, and the conversation that came of it is over."""
        self._let_hear(self._music(self._queue.greeting if not self._caller.resumed else ""))
        self._listen()
        try:
            while True:
                match await self._next():
                    case Join(ring, agent):
                        await self._quiet()
                        self._caller.note(f"{agent} takes the caller")
                        await ring.join()
                        return Destination.parse(self._queue.answered_exit) if self._queue.answered_exit else None
                    case SendOn(_, to, reason):
                        await self._quiet()
                        return await self._goes(to, reason)
                    case Announce() as announced:
                        if not self._asks_number:
                            await self._hush()
                            self._let_hear(self._announce(announced))
                    case OfferCallback():
                        await self._quiet()
                        self._asks_number = True
                        self._let_hear(self._offer_callback())
        finally:
            await self._quiet()

    async def _goes(self, to: Destination | None, reason: str) -> Destination | None:
        """The caller has left the queue unanswered."""
        self._caller.note(f"leaves the queue {self._queue.name}: {reason}")
        if reason == "callback":
            await self._caller.play("queues/callback-taken")
        elif to is None:
            raise Rejected(Cause.NO_ANSWER, f"the queue {self._queue.name} sends nobody on ({reason})")
        return to

    # What it hears ----------------------------------------------------------------------------------------

    async def _music(self, first: str = "") -> None:
        if first:
            await self._caller.play(first)
        await self._caller.music(prompt=self._queue.music)

    async def _announce(self, announced: Announce) -> None:
        await self._caller.play(*said(self._caller, announced))
        await self._caller.music(prompt=self._queue.music)

    # Keys -------------------------------------------------------------------------------------------------

    @property
    def _wants_keys(self) -> bool:
        rules = self._queue.rules
        return bool(rules.callback_digit) or any(reason.startswith("digit ") for reason in rules.exits)

    def _listen(self) -> None:
        if self._wants_keys:
            self._keys = asyncio.ensure_future(self._hear_keys())

    async def _hear_keys(self) -> None:
        while True:
            digit = await self._caller.digit(_DAY_SECONDS)
            if digit is not None:
                self._queues.tell(DigitPressed(self._caller.call, digit))

    # Callback ---------------------------------------------------------------------------------------------

    async def _offer_callback(self) -> None:
        """Ask for the number at which the caller is to be called back: its own, or one that it keys in."""
        caller = self._caller
        number = caller.from_.number if _is_dialled(caller.from_.number) else ""
        while True:
            if not number:
                keyed = await caller.gather(
                    "queues/callback-enter", keys=Keys(_MOST_DIGITS, least=3, first_within=10.0, next_within=5.0)
                )
                number = keyed.digits if len(keyed.digits) >= 3 else ""
                if not number:
                    break
            spelled = grammar_of(caller.language).digits(number)
            keyed = await caller.gather(
                "queues/callback-number", spelled, "queues/callback-confirm", keys=Keys(1, ends_with="")
            )
            if keyed.digits == "1":
                self._accept(number)
                return
            if keyed.digits != "2":
                break
            number = ""
        self._asks_number = False
        self._listen()
        await self._music()

    def _accept(self, number: str) -> None:
        try:
            self._queues.tell(CallbackAccepted(call=self._caller.call, number=number))
        except Conflict:
            self._caller.note("the caller has left the queue already")

    # Whatever comes next ----------------------------------------------------------------------------------

    async def _next(self) -> Order:
        """The next thing to do. A fault in what the caller hears ends the wait."""
        getting = asyncio.ensure_future(self._waiting.orders.get())
        try:
            while True:
                doing = {task for task in (self._heard, self._keys) if task is not None}
                await asyncio.wait({getting, *doing}, return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    return getting.result()
                for task in doing:
                    if task.done():
                        self._over(task)
        finally:
            getting.cancel()

    def _over(self, task: asyncio.Task[None]) -> None:
        """What the caller heard, or what heard its keys, has come to its end."""
        if task is self._heard:
            self._heard = None
        else:
            self._keys = None
        error = task.exception()
        if isinstance(error, NotFound):  # a prompt that somebody has deleted meanwhile keeps nobody from waiting
            self._caller.note(str(error))
            self._let_hear(self._caller.music())
        elif error is not None:
            raise error

    def _let_hear(self, what: Awaitable[None]) -> None:
        self._heard = asyncio.ensure_future(what)

    async def _hush(self) -> None:
        """End what the caller hears."""
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.cancel()
            await asyncio.wait({heard})

    async def _quiet(self) -> None:
        """The same, and hear its keys no more."""
        await self._hush()
        keys, self._keys = self._keys, None
        if keys is not None:
            keys.cancel()
            await asyncio.wait({keys})


def said(caller: Caller, announced: Announce) -> list[Spoken]:
    """An announcement, as it is said in the caller's language."""
    grammar = grammar_of(caller.language)
    heard: list[Spoken] = []
    if announced.position == 1:
        heard.append("queues/next")
    elif announced.position is not None:
        heard += ["queues/place", grammar.number(announced.position), "queues/in-line"]
    if announced.expected_ms is not None:
        minutes = round(announced.expected_ms / 1000 / _ONE_MINUTE)
        if minutes:
            heard += ["queues/expected", grammar.duration(minutes * _ONE_MINUTE)]
        else:
            heard.append("queues/soon")
    if announced.comfort:
        heard.append(announced.comfort)
    return heard


def _is_dialled(number: str) -> bool:
    """Whether a caller's number is one that can be dialled."""
    return 2 < len(number) <= _MOST_DIGITS and number.removeprefix("+").isascii() and number.removeprefix("+").isdigit()
