"""Every query about queues, agents, who is signed on, and who is to be called back."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, select

from softswitch.events import (
    AgentReserved,
    AgentStateChanged,
    AnyFact,
    CallbackDialled,
    CallbackEnded,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
    Fact,
)
from softswitch.features.acd.model.inputs import CallbackKept
from softswitch.features.acd.model.settings import AgentSettings, QueueSettings
from softswitch.features.acd.tables import AgentRow, CallbackRow, QueueRow, SignOnRow
from softswitch.platform.database import Session
from softswitch.platform.event_log import EventRow, Rows

CALLBACKS = Rows(CallbackRow.__tablename__, {"stay": "BIGINT", "body": "TEXT"}, replacing=True)
CALLBACKS_OVER = Rows(CallbackRow.__tablename__, {"stay": "BIGINT"}, removing=True)
"""They go into the log's next transaction, with the facts that they come from."""


_OF_QUEUES = (
    AgentReserved, AgentStateChanged, CallbackDialled, CallbackEnded, CallerLeftQueue, CallerQueued, ConversationEnded,
)  # fmt: skip
"""Facts by which a day is lived again."""


class SignOn(NamedTuple):
    """An agent who is signed on."""

    agent: str
    seat: str
    ready: bool
    reason: str


async def all_queues(session: Session) -> Mapping[str, QueueSettings]:
    """By name, in their order."""
    rows = await session.scalars(select(QueueRow).order_by(QueueRow.name))
    return {row.name: msgspec.json.decode(row.settings, type=QueueSettings) for row in rows}


async def all_agents(session: Session) -> Mapping[str, AgentSettings]:
    """By id, in their order."""
    rows = await session.scalars(select(AgentRow).order_by(AgentRow.id))
    return {row.id: msgspec.json.decode(row.settings, type=AgentSettings) for row in rows}


async def all_sign_ons(session: Session) -> Sequence[SignOn]:
    """Who is signed on."""
    rows = await session.scalars(select(SignOnRow).order_by(SignOnRow.agent))
    return [SignOn(row.agent, row.seat, row.ready, row.reason) for row in rows]


async def all_callbacks(session: Session) -> Sequence[CallbackKept]:
    """Who waits to be called back, the oldest first."""
    rows = await session.scalars(select(CallbackRow).order_by(CallbackRow.stay))
    return [msgspec.json.decode(row.body, type=CallbackKept) for row in rows]


def callback_row(kept: CallbackKept) -> tuple[object, ...]:
    """For `CALLBACKS`."""
    return kept.stay, msgspec.json.encode(kept).decode()


async def facts_of_queues(session: Session, since: int) -> Sequence[Fact]:
    """What the event log says of queues and agents from some moment on, in the order in which it was written."""
    found: list[Fact] = []
    asked = select(EventRow.body).where(EventRow.at >= since).order_by(EventRow.seq)
    async for (body,) in await session.stream(asked.execution_options(yield_per=1_000)):
        if '"queue"' in body or '"fact":"AgentStateChanged"' in body:
            found += [fact for fact in msgspec.json.decode(body, type=list[AnyFact]) if isinstance(fact, _OF_QUEUES)]
    return found


async def write_queue(session: Session, settings: QueueSettings) -> None:
    """Store a queue, a new one or as it is from now on."""
    await session.merge(QueueRow(name=settings.name, settings=msgspec.json.encode(settings).decode()))
    await session.flush()


async def write_agent(session: Session, settings: AgentSettings) -> None:
    """Store an agent, a new one or as it is from now on."""
    await session.merge(AgentRow(id=settings.id, settings=msgspec.json.encode(settings).decode()))
    await session.flush()


async def remove_queue(session: Session, name: str) -> None:
    """Forget one."""
    await session.execute(delete(QueueRow).where(QueueRow.name == name))


async def remove_agent(session: Session, agent: str) -> None:
    """Forget one, and that it is signed on."""
    await session.execute(delete(AgentRow).where(AgentRow.id == agent))
    await session.execute(delete(SignOnRow).where(SignOnRow.agent == agent))


async def write_sign_on(session: Session, said: SignOn) -> None:
    """An agent is signed on, or does otherwise since."""
    await session.merge(SignOnRow(agent=said.agent, seat=said.seat, ready=said.ready, reason=said.reason))
    await session.flush()


async def forget_sign_on(session: Session, agent: str) -> None:
    """An agent is signed on no more."""
    await session.execute(delete(SignOnRow).where(SignOnRow.agent == agent))
