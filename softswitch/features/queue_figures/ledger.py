"""Facts as rows: each goes into the event log's next transaction with the fact that it comes from."""

from collections.abc import Callable, Iterable
from typing import Protocol

from softswitch.events import (
    AgentReleased,
    AgentStateChanged,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
    Fact,
)
from softswitch.features.queue_figures.model.live import AgentNow
from softswitch.features.queue_figures.model.pieces import pieces
from softswitch.features.queue_figures.tables import AgentRow, CallbackRow, EndRow, SkillRow, SpanRow, StayRow
from softswitch.kernel.ids import CallId
from softswitch.platform.event_log import Rows

STAYS = Rows(
    StayRow.__tablename__,
    {
        "stay": "BIGINT",
        "queue": "TEXT",
        "call": "TEXT",
        "trunk": "TEXT",
        "queued_at": "BIGINT",
        "left_at": "BIGINT",
        "outcome": "TEXT",
        "reason": "TEXT",
        "agent": "TEXT",
    },
    replacing=True,
)
SKILLS = Rows(SkillRow.__tablename__, {"stay": "BIGINT", "skill": "TEXT"})
SPANS = Rows(
    SpanRow.__tablename__,
    {
        "agent": "TEXT",
        "state": "TEXT",
        "reason": "TEXT",
        "queue": "TEXT",
        "stay": "BIGINT",
        "begin_at": "BIGINT",
        "end_at": "BIGINT",
    },
)
AGENTS = Rows(
    AgentRow.__tablename__,
    {"agent": "TEXT", "state": "TEXT", "reason": "TEXT", "queue": "TEXT", "stay": "BIGINT", "begin_at": "BIGINT"},
    replacing=True,
)
ENDS = Rows(
    EndRow.__tablename__,
    {"at": "BIGINT", "kind": "TEXT", "reason": "TEXT", "queue": "TEXT", "agent": "TEXT", "stay": "BIGINT"},
)
CALLBACKS = Rows(CallbackRow.__tablename__, {"stay": "BIGINT", "queue": "TEXT", "ended_at": "BIGINT"}, replacing=True)


class Log(Protocol):
    """What the rows go into (`softswitch.platform.event_log.EventLog`)."""

    def add(self, into: Rows, row: tuple[object, ...]) -> None: ...


class Ledger:
    """Writes the rows."""

    def __init__(self, log: Log, trunk_of: Callable[[CallId], str]) -> None:
        """`trunk_of`: the trunk that a live call came by; empty: by none."""
        self._add = log.add
        self._trunk_of = trunk_of
        self._trunks: dict[int, str] = {}
        """Of the stays that last."""

    def resume(self, stays: Iterable[tuple[int, str]]) -> None:
        """Stays that last, and by which trunks they came."""
        self._trunks.update(stays)

    def hear(self, fact: Fact, before: AgentNow | None) -> None:
        """Write a fact down; `before`: what its agent did until then."""
        match fact:
            case CallerQueued():
                self._queued(fact)
            case CallerLeftQueue():
                self._left(fact)
            case AgentStateChanged():
                self._state_changed(fact, before)
            case ConversationEnded():
                self._ended(fact, "conversation", _plain(fact.reason))
            case AgentReleased(reason="no_answer"):
                self._ended(fact, "not_answered", "")
            case CallbackRequested():
                self._add(CALLBACKS, (fact.stay, fact.queue, None))
            case CallbackEnded():
                self._add(CALLBACKS, (fact.stay, fact.queue, fact.at))
                self._ended(fact, "callback", fact.outcome)
            case _:
                pass

    def _queued(self, fact: CallerQueued) -> None:
        trunk = self._trunks[fact.stay] = self._trunk_of(fact.call)
        self._add(STAYS, (fact.stay, fact.queue, fact.call, trunk, fact.at, None, None, "", ""))
        for skill in fact.skills:
            self._add(SKILLS, (fact.stay, skill))

    def _left(self, fact: CallerLeftQueue) -> None:
        trunk = self._trunks.pop(fact.stay, "")
        self._add(
            STAYS,
            (
                fact.stay,
                fact.queue,
                fact.call,
                trunk,
                fact.queued_at,
                fact.at,
                fact.outcome,
                _plain(fact.reason),
                fact.agent,
            ),
        )

    def _state_changed(self, fact: AgentStateChanged, before: AgentNow | None) -> None:
        if before is not None and before.state != "logged_out":
            for begin, end in pieces(before.since, fact.at):
                self._add(
                    SPANS,
                    (before.agent, before.state, _plain(before.reason), before.queue, before.stay, begin, end),
                )
        self._add(AGENTS, (fact.agent, fact.state, _plain(fact.reason), fact.queue, fact.stay, fact.at))

    def _ended(self, fact: ConversationEnded | AgentReleased | CallbackEnded, kind: str, reason: str) -> None:
        self._add(ENDS, (fact.at, kind, reason, fact.queue, fact.agent, fact.stay))


def _plain(text: str) -> str:
    """PostgreSQL cannot hold a NUL."""
    return text.replace("\x00", "")
