"""Makes records as calls end."""

from collections.abc import Container, Sequence
from typing import Protocol

import structlog

from softswitch.events import CallEnded, CallFact, CallOffered, Fact
from softswitch.features.cdr.model import record, unfinished_end
from softswitch.features.cdr.store import RECORDS, row_of
from softswitch.kernel.ids import CallId
from softswitch.platform.event_log import Rows

log = structlog.get_logger(__name__)


class Log(Protocol):
    """What the records need of the event log (`softswitch.platform.event_log.EventLog`)."""

    def append(self, fact: Fact) -> None: ...
    def add(self, into: Rows, row: tuple[object, ...]) -> None: ...
    async def flush(self) -> None: ...
    async def last_at(self) -> int | None: ...
    async def unfinished(self) -> list[list[Fact]]: ...


class CallRecords:
    """Remembers the facts of live calls, and stores the record of each call that ends."""

    def __init__(self, event_log: Log) -> None:
        self._log = event_log
        self._live: dict[CallId, list[CallFact]] = {}

    def hear(self, fact: CallFact) -> None:
        """Hear what happened to a call."""
        # On the path of every call, so it only remembers; the record is made once, at the end.
        facts = self._live.get(fact.call)
        if facts is not None:
            facts.append(fact)
            if type(fact) is CallEnded:
                del self._live[fact.call]
                self._store(facts)
        elif type(fact) is CallOffered:
            self._live[fact.call] = [fact]

    def live(self) -> Sequence[CallId]:
        """The calls that have not ended, oldest first."""
        return list(self._live)

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        """What has happened to a live call; None when there is no such call."""
        return self._live.get(call)

    def trunk(self, call: CallId) -> str:
        """The trunk that a live call came by; empty: it came by none."""
        offered = next(iter(self._live.get(call, ())), None)
        return offered.origin if isinstance(offered, CallOffered) and offered.origin_kind == "trunk" else ""

    async def recover(self, kept: Container[CallId] = ()) -> int:
        """End the calls that the last run left behind when it was killed, and store their records; those that are
        `kept` go on.

        To be called once, before the first call; gives how many have ended.
        """
        unfinished = await self._log.unfinished()
        died_at = await self._log.last_at() or 0
        for facts in list(unfinished):
            first = facts[0] if facts else None
            if isinstance(first, CallOffered) and first.call in kept:
                self._live[first.call] = [fact for fact in facts if isinstance(fact, CallFact)]
                unfinished.remove(facts)
                continue
            ended = unfinished_end(facts, died_at)
            if ended is not None:
                self._log.append(ended)
                self._store([*facts, ended])
        if unfinished:
            await self._log.flush()
            log.warning("the switch had been stopped in the middle of calls", calls=len(unfinished))
        return len(unfinished)

    def _store(self, facts: Sequence[Fact]) -> None:
        cdr = record(facts)
        assert cdr is not None
        self._log.add(RECORDS, row_of(cdr))
