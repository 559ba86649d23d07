"""What happens to a call for a queue, and to one by which an agent says what it does."""

import asyncio
from collections.abc import Awaitable

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.acd.model.effects import Announce, OfferCallback, SendOn
from softswitch.features.acd.model.inputs import CallerArrived
from softswitch.features.acd.model.settings import QueueSettings
from softswitch.features.acd.service import Queues
from softswitch.features.acd.waiting import Join, Order, Waiting
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected


def queue_app(queues: Queues) -> CallApp:
    """Takes the calls for `queue/NAME`: the caller waits with music until an agent takes it, or it is sent on."""

    async def wait(caller: Caller, name: str) -> Destination | None:
        queue = queues.settings(name)
        if queue is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no queue {name}")
        await caller.answer()
        arrived = CallerArrived(call=caller.call, queue=name, number=caller.from_.number, open=queues.is_open(queue))
        waiting = queues.arrive(caller, arrived)
        why = "failed"
        try:
            return await Visit(queues, queue, waiting).run()
        except asyncio.CancelledError:
            why = "hung up" if caller.gone else ""
            raise
        finally:
            queues.leaves(waiting, why)

    return wait


class Visit:
    """One caller in one queue."""

    def __init__(self, queues: Queues, queue: QueueSettings, waiting: Waiting) -> None:
        self._queues = queues
        self._queue = queue
        self._waiting = waiting
        self._caller = waiting.caller
        self._heard: asyncio.Task[None] | None = None
        """What the caller hears, and does, while it waits."""

    async def run(self) -> Destination | None:
        """Serve the caller until it has left the queue, and the conversation that came of it is over."""
        self._let_hear(self._caller.music(prompt=self._queue.music))
        try:
            while True:
                match await self._next():
                    case Join(ring, agent):
                        await self._quiet()
                        self._caller.note(f"{agent} takes the caller")
                        await ring.join()
                        return Destination.parse(self._queue.answered_exit) if self._queue.answered_exit else None
                    case SendOn(_, to, reason):
                        self._caller.note(f"leaves the queue {self._queue.name}: {reason}")
                        if to is None:
                            raise Rejected(Cause.NO_ANSWER, f"the queue {self._queue.name} sends nobody on ({reason})")
                        return to
                    case Announce() | OfferCallback():
                        pass
        finally:
            await self._quiet()

    async def _next(self) -> Order:
        """The next thing to do. A fault in what the caller hears ends the wait."""
        getting = asyncio.ensure_future(self._waiting.orders.get())
        try:
            while True:
                heard = {self._heard} if self._heard is not None else set()
                await asyncio.wait({getting, *heard}, return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    return getting.result()
                self._over()
        finally:
            getting.cancel()

    def _over(self) -> None:
        """What the caller heard has come to its end."""
        heard, self._heard = self._heard, None
        assert heard is not None
        error = heard.exception()
        if isinstance(error, NotFound):  # a prompt that somebody has deleted meanwhile keeps nobody from waiting
            self._caller.note(str(error))
            self._let_hear(self._caller.music())
        elif error is not None:
            raise error

    def _let_hear(self, what: Awaitable[None]) -> None:
        self._heard = asyncio.ensure_future(what)

    async def _quiet(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.cancel()
            await asyncio.wait({heard})
