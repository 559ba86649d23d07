"""Every query about recordings and policies."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import delete, or_, select, tuple_

from softswitch.features.recording.model import Policy, Recording, State
from softswitch.features.recording.model.rules import Rule
from softswitch.features.recording.tables import PolicyRow, RecordingRow, RuleRow
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Session
from softswitch.platform.event_log import Rows

_NUMBERS = frozenset({"started_at", "ended_at", "milliseconds", "size", "lost_ms", "expires_at", "stay"})
_FIELDS = tuple(field.name for field in structs.fields(Recording))
_POLICY = tuple(field.name for field in structs.fields(Policy))

RECORDINGS = Rows(
    RecordingRow.__tablename__,
    {name: "BIGINT" if name in _NUMBERS else "TEXT" for name in _FIELDS},
    replacing=True,
)


class RecordingQuery(Struct, frozen=True):
    """Which recordings are asked for; None asks nothing. Times are wall milliseconds of their beginning."""

    since: int | None = None
    """Included."""
    until: int | None = None
    """Excluded."""
    number: str | None = None
    """Who called or was called."""
    account: str | None = None
    call: CallId | None = None
    state: State | None = None
    queue: str | None = None
    agent: str | None = None
    stay: int | None = None
    rule: str | None = None


def row_of(recording: Recording) -> tuple[object, ...]:
    """The row that holds a recording."""
    # PostgreSQL cannot hold a NUL, which a number may contain (%00 in a SIP URI).
    return tuple(value.replace("\x00", "") if isinstance(value, str) else value for value in structs.astuple(recording))


async def find(session: Session, recording: str) -> Recording | None:
    """One; None when there is none."""
    row = await session.get(RecordingRow, recording)
    return None if row is None else _read(row)


async def page(
    session: Session, query: RecordingQuery, before: tuple[int, str] | None, limit: int
) -> Sequence[Recording]:
    """From the newest on, from behind the (started_at, id) `before`."""
    asked = select(RecordingRow)
    if query.since is not None:
        asked = asked.where(RecordingRow.started_at >= query.since)
    if query.until is not None:
        asked = asked.where(RecordingRow.started_at < query.until)
    if query.number is not None:
        asked = asked.where(or_(RecordingRow.from_number == query.number, RecordingRow.to_number == query.number))
    if query.account is not None:
        asked = asked.where(RecordingRow.account == query.account)
    if query.call is not None:
        asked = asked.where(RecordingRow.call == query.call)
    if query.state is not None:
        asked = asked.where(RecordingRow.state == query.state)
    if query.queue is not None:
        asked = asked.where(RecordingRow.queue == query.queue)
    if query.agent is not None:
        asked = asked.where(RecordingRow.agent == query.agent)
    if query.stay is not None:
        asked = asked.where(RecordingRow.stay == query.stay)
    if query.rule is not None:
        asked = asked.where(RecordingRow.rule == query.rule)
    if before is not None:
        asked = asked.where(tuple_(RecordingRow.started_at, RecordingRow.id) < tuple_(*before))
    asked = asked.order_by(RecordingRow.started_at.desc(), RecordingRow.id.desc()).limit(limit)
    return [_read(row) for row in await session.scalars(asked)]


async def unfinished(session: Session) -> Sequence[Recording]:
    """Those that have no end."""
    rows = await session.scalars(select(RecordingRow).where(RecordingRow.state.in_(("recording", "paused"))))
    return [_read(row) for row in rows]


async def expired(session: Session, now: int, limit: int) -> Sequence[Recording]:
    """Some that are to be deleted by now."""
    asked = select(RecordingRow).where(RecordingRow.expires_at <= now).order_by(RecordingRow.expires_at)
    return [_read(row) for row in await session.scalars(asked.limit(limit))]


async def keep(session: Session, recording: str, expires_at: int | None) -> None:
    """Set when one is deleted."""
    row = await session.get(RecordingRow, recording)
    if row is not None:
        row.expires_at = expires_at
        await session.flush()


async def remove(session: Session, recording: str) -> None:
    """Forget one."""
    await session.execute(delete(RecordingRow).where(RecordingRow.id == recording))


async def all_policies(session: Session) -> Mapping[str, Policy]:
    """By account."""
    rows = await session.scalars(select(PolicyRow))
    return {row.account: Policy(**{name: getattr(row, name) for name in _POLICY}) for row in rows}


async def write_policy(session: Session, policy: Policy) -> None:
    await session.merge(PolicyRow(**structs.asdict(policy)))
    await session.flush()


async def remove_policy(session: Session, account: str) -> None:
    await session.execute(delete(PolicyRow).where(PolicyRow.account == account))


async def all_rules(session: Session) -> Sequence[Rule]:
    """In the order in which they are tried."""
    rows = await session.scalars(select(RuleRow).order_by(RuleRow.position, RuleRow.name))
    return [msgspec.json.decode(row.rule, type=Rule) for row in rows]


async def write_rule(session: Session, rule: Rule) -> None:
    await session.merge(RuleRow(name=rule.name, position=rule.position, rule=msgspec.json.encode(rule).decode()))
    await session.flush()


async def remove_rule(session: Session, name: str) -> None:
    await session.execute(delete(RuleRow).where(RuleRow.name == name))


def _read(row: RecordingRow) -> Recording:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return Recording(**values)
