"""How records are stored, and every query of them."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, json
from sqlalchemy import select, tuple_

from softswitch.features.cdr.model import Cdr, Disposition
from softswitch.features.cdr.tables import CdrRow
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Session
from softswitch.platform.event_log import Rows

RECORDS = Rows(
    CdrRow.__tablename__,
    {
        "call": "TEXT",
        "started_at": "BIGINT",
        "from_number": "TEXT",
        "to_number": "TEXT",
        "disposition": "TEXT",
        "body": "TEXT",
    },
    replacing=True,
)
READ_AT_ONCE = 500
_encode = json.Encoder().encode
_decode = json.Decoder(Cdr).decode


class CdrQuery(Struct, frozen=True):
    """Which records are asked for; None asks nothing. Times are wall milliseconds of the call's start."""

    from_number: str | None = None
    to_number: str | None = None
    since: int | None = None
    """Included."""
    until: int | None = None
    """Excluded."""
    disposition: Disposition | None = None


def row_of(cdr: Cdr) -> tuple[object, ...]:
    """The row that holds a record."""
    # PostgreSQL cannot hold a NUL, which a number may contain (%00 in a SIP URI); in `body` JSON escapes it.
    return (
        cdr.call_id,
        cdr.started_at,
        cdr.from_.replace("\x00", ""),
        cdr.to.replace("\x00", ""),
        cdr.disposition,
        _encode(cdr).decode(),
    )


async def find(session: Session, call: CallId) -> Cdr | None:
    """One record; None when there is none."""
    body = await session.scalar(select(CdrRow.body).where(CdrRow.call == call))
    return None if body is None else _decode(body)


async def page(session: Session, query: CdrQuery, before: tuple[int, str] | None, limit: int) -> Sequence[Cdr]:
    """Records from the newest on, from behind the (started_at, call) `before`."""
    asked = select(CdrRow.body)
    if query.from_number is not None:
        asked = asked.where(CdrRow.from_number == query.from_number)
    if query.to_number is not None:
        asked = asked.where(CdrRow.to_number == query.to_number)
    if query.since is not None:
        asked = asked.where(CdrRow.started_at >= query.since)
    if query.until is not None:
        asked = asked.where(CdrRow.started_at < query.until)
    if query.disposition is not None:
        asked = asked.where(CdrRow.disposition == query.disposition)
    if before is not None:
        asked = asked.where(tuple_(CdrRow.started_at, CdrRow.call) < tuple_(*before))
    asked = asked.order_by(CdrRow.started_at.desc(), CdrRow.call.desc()).limit(limit)
    return [_decode(body) for body in await session.scalars(asked)]


async def between(session: Session, since: int, until: int) -> AsyncIterator[Cdr]:
    """The records of the calls that began from `since` on and before `until` (wall milliseconds), oldest first."""
    after = (since, "")
    while True:
        asked = (
            select(CdrRow.started_at, CdrRow.call, CdrRow.body)
            .where(tuple_(CdrRow.started_at, CdrRow.call) > tuple_(*after), CdrRow.started_at < until)
            .order_by(CdrRow.started_at, CdrRow.call)
            .limit(READ_AT_ONCE)
        )
        rows = (await session.execute(asked)).all()
        for _, _, body in rows:
            yield _decode(body)
        if len(rows) < READ_AT_ONCE:
            return
        after = (rows[-1].started_at, rows[-1].call)
