"""The figures of queues and agents: kept up with every fact, and reported for any time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from typing import Protocol, cast

import structlog

from softswitch.events import AgentStateChanged, CallbackEnded, CallerLeftQueue, Fact, Outcome
from softswitch.features.queue_figures import store
from softswitch.features.queue_figures.ledger import Ledger
from softswitch.features.queue_figures.ledger import Log as Rowed
from softswitch.features.queue_figures.model.live import KEPT_MS, Live, LiveQueue
from softswitch.features.queue_figures.model.rows import AgentRow, QueueRow
from softswitch.features.queue_figures.model.service_level import SHORT_MS, THRESHOLD_MS
from softswitch.features.queue_figures.needs import Centre
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Unavailable
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

RESTART = "restart"
"""The reason of ends that a killed switch could not tell itself."""
_FLUSH_SECONDS = 5.0


class Log(Rowed, Protocol):
    """What the figures need of the event log (`softswitch.platform.event_log.EventLog`)."""

    async def flush(self) -> None: ...
    async def last_at(self) -> int | None: ...


class Figures:
    """All figures. Nothing of a call waits for them."""

    def __init__(
        self,
        database: Database,
        event_log: Log,
        clock: Clock,
        publish: Callable[[Fact], None],
        trunk_of: Callable[[CallId], str],
    ) -> None:
        """`trunk_of`: the trunk that a live call came by; empty: by none."""
        self._database = database
        self._log = event_log
        self._clock = clock
        self._publish = publish
        self._ledger = Ledger(event_log, trunk_of)
        self.live = Live()
        self.centre: Centre | None = None
        """Who knows the queues' settings and members; None: nobody here."""

    def hear(self, fact: Fact) -> None:
        """Hear a fact."""
        before = self.live.agents.get(fact.agent) if isinstance(fact, AgentStateChanged) else None
        self.live.hear(fact)
        self._ledger.hear(fact, before)

    # The present ------------------------------------------------------------------------------------------

    def now(self) -> int:
        return self._clock.wall_ms()

    def queues(self) -> list[str]:
        """All that are set, or that anything is known of, by name."""
        known = set(self.live.queues)
        return sorted(known | set(self.centre.queues()) if self.centre is not None else known)

    def queue(self, name: str) -> LiveQueue | None:
        """A queue now; None: there is none."""
        queue = self.live.queues.get(name)
        if queue is None and self.centre is not None and name in self.centre.queues():
            return LiveQueue(name)
        return queue

    def service_level(self, queue: str) -> tuple[int, int]:
        """A queue's threshold and time of a short abandon, in milliseconds."""
        if self.centre is None or queue not in self.centre.queues():
            return THRESHOLD_MS, SHORT_MS
        return self.centre.service_level(queue)

    def agents_of(self, queue: str) -> dict[str, int] | None:
        """How many of a queue's agents are in each state; None: nobody knows who they are."""
        if self.centre is None or queue not in self.centre.queues():
            return None
        states = Counter[str]()
        for member in self.centre.members(queue):
            agent = self.live.agents.get(member)
            states[agent.state if agent is not None else "logged_out"] += 1
        return dict(states)

    def off_balance(self) -> int:
        """How many queues' accounts do not add up, or not to what the engine says; how many facts contradict others.
        0, or there is a mistake."""
        off = self.live.off_balance()
        if self.centre is not None:
            waiting = {name: len(queue.waiting) for name, queue in self.live.queues.items()}
            off += sum(waiting.get(name, 0) != self.centre.waiting(name) for name in self.centre.queues())
        return off

    # Reports ----------------------------------------------------------------------------------------------

    async def queue_rows(self, asked: store.Asked) -> list[QueueRow]:
        """A row for each queue (skill, trunk) and interval. Raises Invalid for too many, Unavailable when the log is
        behind."""
        async with self._snapshot() as session:
            return await store.queue_rows(session, asked)

    async def agent_rows(self, asked: store.Asked) -> list[AgentRow]:
        """A row for each agent and interval. Raises Invalid for too many, Unavailable when the log is behind."""
        async with self._snapshot() as session:
            return await store.agent_rows(session, asked)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Session]:
        """The rows at one moment, after all that was published before."""
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._log.flush()
        except TimeoutError:
            raise Unavailable("the event log is behind: the disk is slow, or cannot be written") from None
        async with self._database.reading() as session:
            if not self._database.is_sqlite:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    # The start --------------------------------------------------------------------------------------------

    async def recover(self, kept: Container[CallId] = (), callbacks: Container[int] = ()) -> None:
        """Know again what the last run knew, and end what it left behind when it was killed: stays of calls that are
        not `kept`, callbacks (named by their stays) that are not, and all agents' states. To be called once, before
        the first fact."""
        since = self._clock.wall_ms() - KEPT_MS
        open_stays: list[tuple[int, str, CallId, int]] = []
        async with self._database.reading() as session:
            async for stay in store.stays(session, since):
                queue = self.live.queue(stay.queue)
                queue.enter(stay.stay, stay.queued_at)
                if stay.left_at is not None and stay.outcome is not None:
                    queue.leave(stay.stay, stay.queued_at, stay.left_at, cast(Outcome, stay.outcome))
                else:
                    self._ledger.resume([(stay.stay, stay.trunk)])
                    open_stays.append((stay.stay, stay.queue, CallId(stay.call), stay.queued_at))
            async for end in store.ends(session, since):
                self.live.ended(end.queue, end.at, end.kind, end.reason)
            agents = await store.agents(session)
            waiting = await store.callbacks(session)
        self.live.agents = {agent.agent: agent for agent in agents}
        for callback in waiting:
            self.live.queue(callback.queue).callbacks[callback.stay] = None
        died_at = await self._log.last_at() or 0
        for number, name, call, queued_at in open_stays:
            if call not in kept:
                self._publish(
                    CallerLeftQueue(
                        at=max(died_at, queued_at),
                        call=call,
                        queue=name,
                        stay=number,
                        queued_at=queued_at,
                        outcome="disconnected",
                        reason=RESTART,
                    )
                )
        for agent in agents:
            if agent.state != "logged_out":
                at = max(died_at, agent.since)
                self._publish(
                    AgentStateChanged(
                        at=at,
                        agent=agent.agent,
                        state="logged_out",
                        reason=RESTART,
                        before=agent.state,
                        before_ms=at - agent.since,
                    )
                )
        for callback in waiting:
            if callback.stay not in callbacks:
                self._publish(
                    CallbackEnded(at=died_at, queue=callback.queue, stay=callback.stay, outcome="cancelled", attempts=0)
                )
