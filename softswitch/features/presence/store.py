"""Every query about mailbox counts and rules of being seen."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import delete, select

from softswitch.features.presence.model import Privacy
from softswitch.features.presence.tables import MailboxRow, PrivacyRow
from softswitch.kernel.watching import Mailbox
from softswitch.platform.database import Session


async def mailboxes(session: Session) -> Mapping[str, Mailbox]:
    """By account."""
    return {
        row.account: Mailbox(row.new, row.old, row.urgent_new, row.urgent_old)
        for row in await session.scalars(select(MailboxRow))
    }


async def write_mailbox(session: Session, account: str, mailbox: Mailbox) -> None:
    """What waits from now on."""
    row = MailboxRow(
        account=account,
        new=mailbox.new,
        old=mailbox.old,
        urgent_new=mailbox.urgent_new,
        urgent_old=mailbox.urgent_old,
    )
    await session.merge(row)
    await session.flush()


async def privacies(session: Session) -> Mapping[str, Privacy]:
    """By account."""
    rows = await session.scalars(select(PrivacyRow))
    return {row.account: msgspec.json.decode(row.rules, type=Privacy) for row in rows}


async def write_privacy(session: Session, account: str, privacy: Privacy) -> None:
    """How an account may be seen from now on."""
    await session.merge(PrivacyRow(account=account, rules=msgspec.json.encode(privacy).decode()))
    await session.flush()


async def remove(session: Session, account: str) -> None:
    """Nothing is kept of an account that is gone."""
    for table in (MailboxRow, PrivacyRow):
        await session.execute(delete(table).where(table.account == account))
