"""Every query about boxes, lists, messages and mail."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import delete, func, select, update

from softswitch.features.voicemail.model.box import Box, List, Tally
from softswitch.features.voicemail.model.message import Message
from softswitch.features.voicemail.tables import BoxRow, ListRow, MailRow, MessageRow
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "voicemail"
"""What boxes and lists are called among the `Changes`."""
_FIELDS = tuple(field.name for field in structs.fields(Message))


class VoicemailStore:
    """See `needs.Store`. Each call is a transaction of its own. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Boxes and lists ----------------------------------------------------------------------------------------

    async def boxes(self) -> Sequence[Box]:
        async with self._database.reading() as session:
            rows = await session.scalars(select(BoxRow))
            return [msgspec.json.decode(row.settings, type=Box) for row in rows]

    async def lists(self) -> Sequence[List]:
        async with self._database.reading() as session:
            rows = await session.scalars(select(ListRow))
            return [List(number=row.number, name=row.name, boxes=tuple(row.boxes.split())) for row in rows]

    async def write_boxes(self, boxes: Sequence[Box]) -> None:
        async with self._database.session() as session:
            for box in boxes:
                await session.merge(BoxRow(number=box.number, settings=msgspec.json.encode(box).decode()))
            await count_change(session, CHANGED)

    async def write_list(self, list: List) -> None:
        async with self._database.session() as session:
            await session.merge(ListRow(number=list.number, name=list.name, boxes=" ".join(list.boxes)))
            await count_change(session, CHANGED)

    async def remove_list(self, number: str) -> None:
        async with self._database.session() as session:
            await session.execute(delete(ListRow).where(ListRow.number == number))
            await count_change(session, CHANGED)

    async def remove_box(self, number: str) -> Sequence[Message]:
        async with self._database.session() as session:
            return await remove_box(session, number)

    # Messages -----------------------------------------------------------------------------------------------

    async def deposit(
        self, messages: Sequence[Message], *, instead_of: str | None = None, mail: Mapping[str, int] | None = None
    ) -> None:
        async with self._database.session() as session:
            if instead_of is not None:
                await session.execute(delete(MessageRow).where(MessageRow.id == instead_of))
            for message in messages:
                await session.merge(_row(message))
            for message_id, due_at in (mail or {}).items():
                await session.merge(MailRow(message=message_id, attempts=0, due_at=due_at))

    async def remove(self, messages: Sequence[str]) -> None:
        async with self._database.session() as session:
            await _remove(session, messages)

    async def find(self, message: str) -> Message | None:
        async with self._database.reading() as session:
            row = await session.get(MessageRow, message)
            return None if row is None else _read(row)

    async def messages(self, box: str, folder: str | None = None) -> Sequence[Message]:
        query = select(MessageRow).where(MessageRow.box == box, MessageRow.state == "kept")
        if folder is not None:
            query = query.where(MessageRow.folder == folder)
        async with self._database.reading() as session:
            return [_read(row) for row in await session.scalars(query.order_by(MessageRow.left_at, MessageRow.id))]

    async def arriving(self) -> Sequence[Message]:
        async with self._database.reading() as session:
            return [_read(row) for row in await session.scalars(select(MessageRow).where(MessageRow.state != "kept"))]

    async def older(self, box: str, before: int, limit: int) -> Sequence[Message]:
        query = select(MessageRow).where(MessageRow.box == box, MessageRow.left_at < before, MessageRow.state == "kept")
        async with self._database.reading() as session:
            return [_read(row) for row in await session.scalars(query.order_by(MessageRow.left_at).limit(limit))]

    async def tally(self, box: str) -> Tally:
        return (await self._tallies(MessageRow.box == box)).get(box, Tally())

    async def tallies(self) -> Mapping[str, Tally]:
        return await self._tallies()

    async def _tallies(self, *where: Any) -> Mapping[str, Tally]:
        groups = (MessageRow.box, MessageRow.folder == "new", MessageRow.urgent, MessageRow.state == "kept")
        query = select(*groups, func.count(), func.sum(MessageRow.seconds)).where(*where).group_by(*groups)
        found: dict[str, Tally] = {}
        async with self._database.reading() as session:
            for box, new, urgent, kept, count, seconds in await session.execute(query):
                found[box] = _more(found.get(box, Tally()), bool(new), bool(urgent), bool(kept), count, seconds or 0.0)
        return found

    # Mail ---------------------------------------------------------------------------------------------------

    async def mail_due(self, now: int, limit: int) -> Sequence[tuple[str, int]]:
        query = select(MailRow.message, MailRow.attempts).where(MailRow.due_at <= now)
        async with self._database.reading() as session:
            rows = await session.execute(query.order_by(MailRow.due_at).limit(limit))
            return [(row.message, row.attempts) for row in rows]

    async def mail_waiting(self) -> int:
        async with self._database.reading() as session:
            return await session.scalar(select(func.count()).select_from(MailRow)) or 0

    async def mail_later(self, message: str, attempts: int, due_at: int) -> None:
        async with self._database.session() as session:
            query = update(MailRow).where(MailRow.message == message)
            await session.execute(query.values(attempts=attempts, due_at=due_at))

    async def mail_done(self, message: str) -> None:
        async with self._database.session() as session:
            await session.execute(delete(MailRow).where(MailRow.message == message))

    async def set_transcript(self, message: str, transcript: str) -> None:
        async with self._database.session() as session:
            await session.execute(update(MessageRow).where(MessageRow.id == message).values(transcript=transcript))


async def remove_box(session: Session, number: str) -> Sequence[Message]:
    """Delete a box and all that is in it; gives the messages, whose files are the caller's to delete."""
    rows = await session.scalars(select(MessageRow).where(MessageRow.box == number))
    messages = [_read(row) for row in rows]
    await _remove(session, [message.id for message in messages])
    await session.execute(delete(BoxRow).where(BoxRow.number == number))
    await count_change(session, CHANGED)
    return messages


async def _remove(session: Session, messages: Sequence[str]) -> None:
    for start in range(0, len(messages), 500):
        some = messages[start : start + 500]
        await session.execute(delete(MailRow).where(MailRow.message.in_(some)))
        await session.execute(delete(MessageRow).where(MessageRow.id.in_(some)))


def _more(tally: Tally, new: bool, urgent: bool, kept: bool, count: int, seconds: float) -> Tally:
    return Tally(
        new=tally.new + count * (kept and new),
        old=tally.old + count * (kept and not new),
        urgent_new=tally.urgent_new + count * (kept and new and urgent),
        urgent_old=tally.urgent_old + count * (kept and not new and urgent),
        arriving=tally.arriving + count * (not kept),
        seconds=tally.seconds + seconds,
    )


def _row(message: Message) -> MessageRow:
    # PostgreSQL cannot hold a NUL, which a number may contain (%00 in a SIP URI).
    values = structs.asdict(message).items()
    return MessageRow(
        **{name: value.replace("\x00", "") if isinstance(value, str) else value for name, value in values}
    )


def _read(row: MessageRow) -> Message:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return Message(**values)
