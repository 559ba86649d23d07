"""Every query about messages."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, select, update

from softswitch.features.messaging.model import WAITING, StoredMessage
from softswitch.features.messaging.tables import MessageRow
from softswitch.kernel.address import Party
from softswitch.kernel.messages import TextMessage
from softswitch.platform.database import Database, Session


class MessageStore:
    """Messages in the database, each call a transaction of its own. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, message: TextMessage, created_at: int, expires_at: int) -> StoredMessage:
        """Store a message that waits."""
        row = MessageRow(
            from_number=message.from_.number[:64],
            from_name=message.from_.name[:200],
            to_account=message.to,
            content_type=message.content_type[:255],
            body=message.body,
            created_at=created_at,
            expires_at=expires_at,
            state=WAITING,
        )
        async with self._database.session() as session:
            session.add(row)
            await session.flush()
        return shown(row)

    async def waiting(self, account: str, limit: int) -> Sequence[StoredMessage]:
        """The oldest messages that wait for an account."""
        query = (
            select(MessageRow)
            .where(MessageRow.to_account == account, MessageRow.state == WAITING)
            .order_by(MessageRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [shown(row) for row in await session.scalars(query)]

    async def expired(self, now: int, limit: int) -> Sequence[StoredMessage]:
        """Messages that wait in vain."""
        query = (
            select(MessageRow)
            .where(MessageRow.state == WAITING, MessageRow.expires_at <= now)
            .order_by(MessageRow.expires_at)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [shown(row) for row in await session.scalars(query)]

    async def finish(self, message: int, state: str, at: int) -> None:
        """A message has entered its last state."""
        async with self._database.session() as session:
            await session.execute(update(MessageRow).where(MessageRow.id == message).values(state=state, done_at=at))

    async def counts(self) -> Mapping[str, int]:
        """How many wait, by account."""
        query = (
            select(MessageRow.to_account, func.count())
            .where(MessageRow.state == WAITING)
            .group_by(MessageRow.to_account)
        )
        async with self._database.reading() as session:
            return {row[0]: row[1] for row in await session.execute(query)}

    async def purge(self, before: int) -> None:
        """Delete what was done before a time."""
        async with self._database.session() as session:
            await session.execute(delete(MessageRow).where(MessageRow.state != WAITING, MessageRow.done_at < before))


async def remove(session: Session, account: str) -> None:
    """Delete what was sent to an account."""
    await session.execute(delete(MessageRow).where(MessageRow.to_account == account))


def shown(row: MessageRow) -> StoredMessage:
    """A row as a value."""
    return StoredMessage(
        id=row.id,
        message=TextMessage(Party(row.from_number, row.from_name), row.to_account, row.content_type, row.body),
        created_at=row.created_at,
        expires_at=row.expires_at,
        state=row.state,
        done_at=row.done_at,
    )


async def page(
    session: Session, account: str | None, state: str | None, before: int | None, limit: int
) -> Sequence[StoredMessage]:
    """The newest first, from behind `before`."""
    query = select(MessageRow).order_by(MessageRow.id.desc()).limit(limit)
    if account is not None:
        query = query.where((MessageRow.to_account == account) | (MessageRow.from_number == account))
    if state is not None:
        query = query.where(MessageRow.state == state)
    if before is not None:
        query = query.where(MessageRow.id < before)
    return [shown(row) for row in await session.scalars(query)]


async def find(session: Session, message: int) -> StoredMessage | None:
    row = await session.get(MessageRow, message)
    return None if row is None else shown(row)
