"""Every query about rooms."""

import secrets
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec.structs import replace
from sqlalchemy import delete, select, update

from softswitch.features.conference.model.rules import Camera, Rules
from softswitch.features.conference.model.schedule import Entry
from softswitch.features.conference.tables import EntryRow, GuessRow, MeetingRow, RoomRow
from softswitch.platform.database import Session
from softswitch.platform.event_log import Rows
from softswitch.platform.vault import Vault, VaultError

log = structlog.get_logger(__name__)

MEETINGS = Rows(MeetingRow.__tablename__, {"room": "TEXT", "body": "TEXT"}, replacing=True)
MEETINGS_OVER = Rows(MeetingRow.__tablename__, {"room": "TEXT"}, removing=True)
GUESSES = Rows(GuessRow.__tablename__, {"key": "TEXT", "wrong": "BIGINT", "last_at": "BIGINT"}, replacing=True)
GUESSES_OVER = Rows(GuessRow.__tablename__, {"key": "TEXT"}, removing=True)


async def rooms(session: Session, vault: Vault) -> Sequence[Rules]:
    """All, by number."""
    return [_read(row, vault) for row in await session.scalars(select(RoomRow).order_by(RoomRow.number))]


async def room(session: Session, number: str, vault: Vault) -> Rules | None:
    row = await session.get(RoomRow, number)
    return None if row is None else _read(row, vault)


async def write(session: Session, rules: Rules, vault: Vault) -> None:
    """Store a room, a new one or as it is from now on."""
    sealed = replace(
        rules,
        cameras=tuple(
            replace(each, url=vault.seal(each.url, _purpose(rules.number, "camera"))) for each in rules.cameras
        ),
        pin=vault.seal(rules.pin, _purpose(rules.number, "pin")) if rules.pin else "",
        host_pin=vault.seal(rules.host_pin, _purpose(rules.number, "host_pin")) if rules.host_pin else "",
    )
    await session.merge(RoomRow(number=rules.number, rules=msgspec.json.encode(sealed).decode()))
    await session.flush()


async def remove(session: Session, number: str) -> bool:
    """Forget one; False: there is none."""
    row = await session.get(RoomRow, number)
    if row is None:
        return False
    await session.delete(row)
    await session.flush()
    return True


# Schedules ----------------------------------------------------------------------------------------------------


async def entries(session: Session) -> Sequence[tuple[str, Entry, int]]:
    """All: the room, the entry, and until when what was due has been done."""
    rows = await session.scalars(select(EntryRow).order_by(EntryRow.room, EntryRow.name))
    return [(row.room, msgspec.json.decode(row.entry, type=Entry), row.done_until) for row in rows]


async def write_entry(session: Session, room: str, entry: Entry, done_until: int) -> None:
    """Store an entry, a new one or as it is from now on."""
    text = msgspec.json.encode(entry).decode()
    await session.merge(EntryRow(room=room, name=entry.name, entry=text, done_until=done_until))
    await session.flush()


async def remove_entry(session: Session, room: str, name: str) -> bool:
    """Forget one; False: there is none."""
    row = await session.get(EntryRow, (room, name))
    if row is None:
        return False
    await session.delete(row)
    await session.flush()
    return True


async def remove_entries(session: Session, room: str) -> None:
    """Forget all of a room."""
    await session.execute(delete(EntryRow).where(EntryRow.room == room))


async def entries_done(session: Session, done: Mapping[tuple[str, str], int]) -> None:
    """What was due until then has been done."""
    for (room, name), until in done.items():
        which = (EntryRow.room == room, EntryRow.name == name)
        await session.execute(update(EntryRow).where(*which).values(done_until=until))


# For the process after this one -------------------------------------------------------------------------------


async def meetings(session: Session) -> Sequence[tuple[str, str]]:
    """The rooms in which a meeting goes on, and what is written down of it."""
    return [(row.room, row.body) for row in await session.scalars(select(MeetingRow).order_by(MeetingRow.room))]


async def guesses(session: Session, most: int) -> Sequence[tuple[str, int, int]]:
    """The latest wrong PINs, the oldest of them first: by whom or at which room, how many, and when the last was."""
    rows = await session.scalars(select(GuessRow).order_by(GuessRow.last_at.desc(), GuessRow.key).limit(most))
    return [(row.key, row.wrong, row.last_at) for row in rows][::-1]


async def forget_guesses(session: Session, before: int) -> None:
    """Those whose last was before a moment count no more."""
    await session.execute(delete(GuessRow).where(GuessRow.last_at < before))


def _read(row: RoomRow, vault: Vault) -> Rules:
    sealed = msgspec.json.decode(row.rules, type=Rules)
    cameras = [_camera(each, row.number, vault) for each in sealed.cameras]
    return replace(
        sealed,
        cameras=tuple(each for each in cameras if each is not None),
        pin=_pin(sealed.pin, row.number, "pin", vault),
        host_pin=_pin(sealed.host_pin, row.number, "host_pin", vault),
    )


def _pin(sealed: str, number: str, which: str, vault: Vault) -> str:
    """Where the key is another, one that nobody knows: the room opens to nobody by it until it is set again."""
    try:
        return vault.open(sealed, _purpose(number, which)) if sealed else ""
    except VaultError as error:
        log.error("a PIN of a room is lost: set it again", room=number, field=which, reason=str(error))
        return f"{secrets.randbelow(10**12):012}"


def _camera(sealed: Camera, number: str, vault: Vault) -> Camera | None:
    try:
        return replace(sealed, url=vault.open(sealed.url, _purpose(number, "camera")))
    except VaultError as error:
        log.error("a camera of a room is lost: set it again", room=number, camera=sealed.name, reason=str(error))
        return None


def _purpose(number: str, which: str) -> str:
    return f"conference/{number}/{which}"
