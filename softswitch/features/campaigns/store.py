"""Every query about lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, Select, delete, func, insert, select

from softswitch.events import CampaignState
from softswitch.features.campaigns.model.effects import Entry, EntryState
from softswitch.features.campaigns.model.rules import CampaignRules, canonical
from softswitch.features.campaigns.model.upload import NewRecord
from softswitch.features.campaigns.tables import BarredRow, ListRow, ProgressRow, RecordRow
from softswitch.platform.database import Session
from softswitch.platform.event_log import Rows

_AT_ONCE = 200
"""Rows of one statement."""
_READ_AT_ONCE = 2000
PROGRESS = Rows(
    ProgressRow.__tablename__,
    {
        "record": "BIGINT",
        "campaign": "TEXT",
        "state": "TEXT",
        "due": "BIGINT",
        "attempts": "BIGINT",
        "tries": "TEXT",
        "outcome": "TEXT",
        "code": "TEXT",
        "agent": "TEXT",
    },
    replacing=True,
)
BARRED = Rows(
    BarredRow.__tablename__,
    {"same": "TEXT", "number": "TEXT", "reason": "TEXT", "said_by": "TEXT", "at": "BIGINT"},
    replacing=True,
)


class Stored(NamedTuple):
    """A record and how far it has come."""

    entry: Entry
    written: str
    """What is known of whom it is, as JSON: there are many of them."""

    @property
    def attributes(self) -> dict[str, str]:
        return read_attributes(self.written)


class Barred(NamedTuple):
    """A number that nobody calls."""

    number: str
    reason: str
    by: str
    at: int
    """Since when: wall milliseconds."""


def read_attributes(written: str) -> dict[str, str]:
    """What is known of whom a record is."""
    return msgspec.json.decode(written, type=dict[str, str])


def progress_row(campaign: str, entry: Entry) -> tuple[object, ...]:
    """How far a record has come."""
    tries = msgspec.json.encode(entry.tries).decode()
    return (
        entry.id,
        campaign,
        entry.state,
        entry.due,
        entry.attempts,
        tries,
        entry.outcome,
        entry.code.replace("\x00", ""),
        entry.agent,
    )


def barred_row(barred: Barred) -> tuple[object, ...]:
    return (canonical(barred.number), barred.number, barred.reason, barred.by, barred.at)


async def all_lists(session: Session) -> Mapping[str, tuple[CampaignRules, CampaignState]]:
    """By name, in their order, each with its state."""
    rows = await session.scalars(select(ListRow).order_by(ListRow.name))
    return {row.name: (msgspec.json.decode(row.rules, type=CampaignRules), _state(row.state)) for row in rows}


def _state(state: str) -> CampaignState:
    known: CampaignState = msgspec.convert(state, CampaignState)
    return known


async def write_list(session: Session, rules: CampaignRules, state: CampaignState) -> None:
    """Store one, new or as it is from now on."""
    await session.merge(ListRow(name=rules.name, rules=msgspec.json.encode(rules).decode(), state=state))
    await session.flush()


async def remove_list(session: Session, name: str) -> None:
    """Forget one with its records."""
    await session.execute(delete(ListRow).where(ListRow.name == name))
    await session.execute(delete(RecordRow).where(RecordRow.campaign == name))
    await session.execute(delete(ProgressRow).where(ProgressRow.campaign == name))


async def known(session: Session, campaign: str, numbers: Sequence[str]) -> tuple[int, set[str]]:
    """How many records a list has, and which of some numbers, as they are compared, are among them."""
    total = await session.scalar(select(func.count()).where(RecordRow.campaign == campaign).select_from(RecordRow))
    found: set[str] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        found.update(
            await session.scalars(
                select(RecordRow.same).where(RecordRow.campaign == campaign, RecordRow.same.in_(some))
            )
        )
    return total or 0, found


async def add_records(session: Session, campaign: str, records: Sequence[NewRecord]) -> list[Stored]:
    """Store new ones; what was stored, with their ids."""
    stored: list[Stored] = []
    for start in range(0, len(records), _AT_ONCE):
        some = records[start : start + _AT_ONCE]
        rows: list[dict[str, Any]] = [
            {
                "campaign": campaign,
                "number": each.number,
                "same": canonical(each.number),
                "attributes": msgspec.json.encode(each.attributes).decode(),
                "priority": each.priority,
                "not_before": each.not_before,
            }
            for each in some
        ]
        ids = await session.scalars(insert(RecordRow).returning(RecordRow.id, sort_by_parameter_order=True), rows)
        stored += [
            Stored(Entry(id=number, number=each.number, priority=each.priority, due=each.not_before), row["attributes"])
            for number, each, row in zip(ids, some, rows, strict=True)
        ]
    return stored


async def open_records(session: Session, campaign: str, after: int) -> list[Stored]:
    """Those that are not closed, with ids from behind one on. Calls have their turn while many are read."""
    found: list[Stored] = []
    while True:
        query = _records(campaign).where(RecordRow.id > after).limit(_READ_AT_ONCE)
        query = query.where((ProgressRow.state.is_(None)) | (ProgressRow.state != "closed"))
        some = [_stored(row) for row in await session.execute(query)]
        found += some
        if len(some) < _READ_AT_ONCE:
            return found
        after = some[-1].entry.id


async def records(session: Session, campaign: str, state: EntryState | None, after: int, most: int) -> list[Stored]:
    """Some by id, from behind one on: all, or those in a state."""
    query = _records(campaign).where(RecordRow.id > after).limit(most)
    if state == "waiting":
        query = query.where((ProgressRow.state.is_(None)) | (ProgressRow.state == state))
    elif state is not None:
        query = query.where(ProgressRow.state == state)
    return [_stored(row) for row in await session.execute(query)]


async def record(session: Session, campaign: str, number: int) -> Stored | None:
    """One by its id."""
    found = (await session.execute(_records(campaign).where(RecordRow.id == number))).first()
    return None if found is None else _stored(found)


def _records(campaign: str) -> Select[*tuple[Any, ...]]:
    joined = select(*_COLUMNS).outerjoin(ProgressRow, ProgressRow.record == RecordRow.id)
    return joined.where(RecordRow.campaign == campaign).order_by(RecordRow.id)


_COLUMNS = (
    RecordRow.id,
    RecordRow.number,
    RecordRow.priority,
    RecordRow.not_before,
    RecordRow.attributes,
    ProgressRow.state,
    ProgressRow.due,
    ProgressRow.attempts,
    ProgressRow.tries,
    ProgressRow.outcome,
    ProgressRow.code,
    ProgressRow.agent,
)


def _stored(row: Row[*tuple[Any, ...]]) -> Stored:
    number, called, priority, due, attributes, state, *progress = row
    entry = Entry(id=number, number=called, priority=priority, due=due)
    if state is not None:
        entry.state = msgspec.convert(state, EntryState)
        entry.due, entry.attempts, tries, entry.outcome, entry.code, entry.agent = progress
        entry.tries = msgspec.json.decode(tries, type=dict[str, int])
    return Stored(entry, attributes)


async def outcomes(session: Session, campaign: str) -> tuple[int, Mapping[str, int]]:
    """How many records there are, and of those that are closed, how many by each outcome."""
    total = await session.scalar(select(func.count()).where(RecordRow.campaign == campaign).select_from(RecordRow))
    closed = await session.execute(
        select(ProgressRow.outcome, func.count())
        .join(RecordRow, RecordRow.id == ProgressRow.record)
        .where(ProgressRow.campaign == campaign, ProgressRow.state == "closed")
        .group_by(ProgressRow.outcome)
        .order_by(ProgressRow.outcome)
    )
    return total or 0, {row[0]: row[1] for row in closed}


async def all_barred(session: Session) -> set[str]:
    """Numbers that nobody calls, as they are compared."""
    return set(await session.scalars(select(BarredRow.same)))


async def barred(session: Session, after: str, most: int) -> list[Barred]:
    """Some of them, by number as it is compared, from behind one on."""
    rows = await session.scalars(select(BarredRow).where(BarredRow.same > after).order_by(BarredRow.same).limit(most))
    return [Barred(row.number, row.reason, row.said_by, row.at) for row in rows]


async def bar(session: Session, them: Iterable[Barred]) -> None:
    """Nobody calls these from now on."""
    for each in them:
        await session.merge(
            BarredRow(same=canonical(each.number), number=each.number, reason=each.reason, said_by=each.by, at=each.at)
        )
    await session.flush()


async def unbar(session: Session, number: str) -> bool:
    """It may be called again; False: it might before."""
    gone = await session.execute(delete(BarredRow).where(BarredRow.same == canonical(number)).returning(BarredRow.same))
    return gone.first() is not None
