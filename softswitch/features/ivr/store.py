"""Every query about flows and the paths through them."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import and_, delete, func, select

from softswitch.events import FlowEnded, FlowStep
from softswitch.features.ivr.tables import DraftRow, PathRow, VersionRow
from softswitch.platform.database import Session
from softswitch.platform.event_log import Rows

PATHS = Rows(
    PathRow.__tablename__,
    {
        "id": "TEXT",
        "call": "TEXT",
        "flow": "TEXT",
        "version": "BIGINT",
        "began_at": "BIGINT",
        "ended_at": "BIGINT",
        "outcome": "TEXT",
        "destination": "TEXT",
        "language": "TEXT",
        "steps": "TEXT",
    },
)
_steps = msgspec.json.Decoder(tuple[FlowStep, ...])


def path_row(path: FlowEnded, number: int) -> tuple[object, ...]:
    """The row that holds a path. `number` tells it from others of the same call."""
    return (
        f"{path.call}/{number}",
        path.call,
        path.flow,
        path.version,
        path.began_at,
        path.at,
        path.outcome,
        path.destination.replace("\x00", ""),
        path.language,
        msgspec.json.encode(path.steps).decode(),
    )


def steps_of(row: PathRow) -> tuple[FlowStep, ...]:
    """The nodes of a path."""
    return _steps.decode(row.steps)


async def newest(session: Session, flow: str) -> VersionRow | None:
    """The version of a flow in force; None when none was ever published."""
    query = select(VersionRow).where(VersionRow.flow == flow).order_by(VersionRow.version.desc()).limit(1)
    return await session.scalar(query)


async def all_newest(session: Session) -> Sequence[VersionRow]:
    """Of each flow the version in force."""
    last = select(VersionRow.flow, func.max(VersionRow.version).label("version")).group_by(VersionRow.flow).subquery()
    query = select(VersionRow).join(last, and_(VersionRow.flow == last.c.flow, VersionRow.version == last.c.version))
    return (await session.scalars(query)).all()


async def version(session: Session, flow: str, number: int) -> VersionRow | None:
    """One version."""
    return await session.get(VersionRow, (flow, number))


async def versions(session: Session, flow: str, before: int | None, limit: int) -> Sequence[VersionRow]:
    """Versions of a flow from the newest on, from behind `before`."""
    query = select(VersionRow).where(VersionRow.flow == flow).order_by(VersionRow.version.desc()).limit(limit)
    if before is not None:
        query = query.where(VersionRow.version < before)
    return (await session.scalars(query)).all()


async def drafts(session: Session) -> Sequence[DraftRow]:
    return (await session.scalars(select(DraftRow).order_by(DraftRow.flow))).all()


async def draft(session: Session, flow: str) -> DraftRow | None:
    return await session.get(DraftRow, flow)


async def write_draft(session: Session, row: DraftRow) -> None:
    await session.merge(row)


async def remove_draft(session: Session, flow: str) -> None:
    await session.execute(delete(DraftRow).where(DraftRow.flow == flow))


async def paths(
    session: Session,
    flow: str,
    *,
    since: int | None,
    until: int | None,
    call: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int,
) -> Sequence[PathRow]:
    """Paths through a flow from the newest on, from behind the (began_at, id) `before`."""
    query = select(PathRow).where(PathRow.flow == flow)
    if since is not None:
        query = query.where(PathRow.began_at >= since)
    if until is not None:
        query = query.where(PathRow.began_at < until)
    if call is not None:
        query = query.where(PathRow.call == call)
    if before is not None:
        at, name = before
        query = query.where((PathRow.began_at < at) | ((PathRow.began_at == at) & (PathRow.id < name)))
    query = query.order_by(PathRow.began_at.desc(), PathRow.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def remove_paths(session: Session, before: int, most: int) -> int:
    """Delete paths that began before a time, some at once; gives how many."""
    old = (await session.scalars(select(PathRow.id).where(PathRow.began_at < before).limit(most))).all()
    await session.execute(delete(PathRow).where(PathRow.id.in_(old)))
    return len(old)
