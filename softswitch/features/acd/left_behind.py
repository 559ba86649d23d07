"""What a process that was killed had under way in its queues, and what becomes of it in the next.

Callers whose calls go on go on with their stays; other stays are ended in the log by whoever keeps the figures. Who
is to be called back stands in a table, which goes with the facts.
"""

from collections.abc import Callable, Collection, Sequence

from softswitch.events import (
    CallbackDialled,
    CallbackEnded,
    CallbackRequested,
    CallEnded,
    CallerLeftQueue,
    CallerQueued,
    CallFact,
    CallOffered,
    Fact,
    LegEnded,
)
from softswitch.feature import Handler, hears
from softswitch.features.acd import store
from softswitch.features.acd.model.centre import Centre
from softswitch.features.acd.model.inputs import CallbackKept
from softswitch.features.acd.needs import Log
from softswitch.kernel.clock import Clock
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database


class LeftBehind:
    """Stays of calls that may go on, and callbacks."""

    def __init__(self, clock: Clock, publish: Callable[[Fact], None], log: Log, centre: Centre) -> None:
        self._clock = clock
        self._publish = publish
        self._log = log
        self._centre = centre
        self._stays: dict[CallId, CallerQueued] = {}
        self._callers: dict[CallId, LegId] = {}
        self._callbacks: Sequence[CallbackKept] = ()

    def subscriptions(self) -> Sequence[tuple[type[Fact], Handler]]:
        """What must be heard for this."""
        return (
            hears(LegEnded, self._leg_ended),
            hears(CallEnded, self._call_ended),
        )

    def subscriptions_to_callbacks(self) -> Sequence[tuple[type[Fact], Handler]]:
        """And for the table."""
        return (
            hears(CallbackRequested, self._keep),
            hears(CallbackDialled, self._keep),
            hears(CallbackEnded, self._forget),
        )

    def __bool__(self) -> bool:
        """Whether somebody may still come back."""
        return bool(self._stays)

    # Stays ------------------------------------------------------------------------------------------------

    def catch_up(self, fact: CallFact) -> None:
        """Hear again what had happened to a call that may go on: each of its facts, in order."""
        if isinstance(fact, CallOffered):
            self._callers[fact.call] = fact.leg
        elif isinstance(fact, CallerQueued):
            self._stays[fact.call] = fact
        elif isinstance(fact, CallerLeftQueue):
            self._stays.pop(fact.call, None)

    def stay(self, call: CallId, queue: str) -> CallerQueued | None:
        """The stay that a caller goes on with who comes to a queue again; None: it comes now."""
        if not self._stays or (queued := self._stays.pop(call, None)) is None:
            return None
        if queued.queue == queue:
            return queued
        self._end(queued)
        return None

    def _leg_ended(self, fact: LegEnded) -> None:
        if self._stays and fact.call in self._stays and self._callers.get(fact.call) == fact.leg:
            self._end(self._stays.pop(fact.call))

    def _call_ended(self, fact: CallEnded) -> None:
        if self._stays and (queued := self._stays.pop(fact.call, None)) is not None:
            self._end(queued)

    def _end(self, queued: CallerQueued) -> None:
        """A caller that waited does not come back to its queue."""
        self._publish(
            CallerLeftQueue(
                at=self._clock.wall_ms(),
                call=queued.call,
                queue=queued.queue,
                stay=queued.stay,
                queued_at=queued.at,
                outcome="disconnected",
                reason="restart",
            )
        )

    # Callbacks --------------------------------------------------------------------------------------------

    async def read(self, database: Database) -> Collection[int]:
        """Who was to be called back, by their stays: before the first call."""
        async with database.reading() as session:
            self._callbacks = await store.all_callbacks(session)
        return [kept.stay for kept in self._callbacks]

    def callbacks(self) -> Sequence[CallbackKept]:
        """Those, once."""
        kept, self._callbacks = self._callbacks, ()
        return kept

    def cancel(self, kept: CallbackKept) -> None:
        """There is no such queue any more."""
        self._publish(
            CallbackEnded(
                at=self._clock.wall_ms(), queue=kept.queue, stay=kept.stay, outcome="cancelled", attempts=kept.dials
            )
        )

    def _keep(self, fact: CallbackRequested | CallbackDialled) -> None:
        waiter = self._centre.callback(fact.stay)
        if waiter is not None:
            self._log.add(
                store.CALLBACKS,
                store.callback_row(
                    CallbackKept(
                        stay=waiter.stay,
                        queue=waiter.queue.name,
                        call=waiter.call,
                        number=waiter.number,
                        queued_at=waiter.queued_at,
                        place=waiter.key[:2],
                        needs=waiter.needs,
                        windows=waiter.windows,
                        dials=waiter.dials,
                        data=dict(waiter.data),
                    )
                ),
            )

    def _forget(self, fact: CallbackEnded) -> None:
        self._log.add(store.CALLBACKS_OVER, (fact.stay,))
