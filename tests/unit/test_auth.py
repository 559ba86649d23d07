from pathlib import Path

import pytest
from sqlalchemy import select

from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform import tokens
from softswitch.platform.auth import REFRESH_SECONDS, Authenticator, Identity, NotAuthenticated, Role, digest_of
from softswitch.platform.database import Database
from softswitch.platform.tables import TokenRow
from softswitch.platform.tokens import create_token, list_tokens, revoke_token
from tests.support.admin_plane import StandingClock


@pytest.fixture
def authenticator(database: Database, clock: StandingClock) -> Authenticator:
    return Authenticator(database, clock)


async def make(database: Database, clock: StandingClock, expires_at: int | None = None) -> tuple[int, str]:
    async with database.session() as session:
        row, token = await create_token(session, "wallboard", Role.VIEWER, clock.wall_ms(), expires_at)
    return row.id, token


def all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (folder / "new folder").iterdir())


def break_files(folder: Path) -> None:
    for file in (folder / "new folder").iterdir():
        file.unlink()
    (folder / "new folder" / "switch.db").mkdir()


async def test_a_tokens_text_is_nowhere_in_the_database(
    database: Database, clock: StandingClock, tmp_path: Path
) -> None:
    _, token = await make(database, clock)
    async with database.reading() as session:
        row = (await session.scalars(select(TokenRow))).one()
    assert row.digest == digest_of(token)
    stored = all_bytes(tmp_path)
    assert token.encode() not in stored
    assert row.digest.encode() in stored


async def test_a_token_made_by_another_process_works_at_once(
    database: Database, clock: StandingClock, authenticator: Authenticator
) -> None:
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate("x", "192.0.2.1")
    _, token = await make(database, clock)
    assert await authenticator.authenticate(token, "192.0.2.1") == Identity("wallboard", Role.VIEWER)


async def test_a_token_revoked_by_another_process_ends_within_seconds(
    database: Database, clock: StandingClock, authenticator: Authenticator
) -> None:
    token_id, token = await make(database, clock)
    await authenticator.authenticate(token, "192.0.2.1")
    async with database.session() as session:
        await revoke_token(session, token_id, clock.wall_ms())
    clock.now += REFRESH_SECONDS + 0.1
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(token, "192.0.2.1")


async def test_a_token_ends_at_its_expiry(
    database: Database, clock: StandingClock, authenticator: Authenticator
) -> None:
    _, token = await make(database, clock, expires_at=clock.wall_ms() + 1000)
    await authenticator.authenticate(token, "192.0.2.1")
    clock.now += 1
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(token, "192.0.2.1")


async def test_when_a_token_was_used_is_kept(
    database: Database, clock: StandingClock, authenticator: Authenticator
) -> None:
    _, token = await make(database, clock)
    await authenticator.authenticate(token, "192.0.2.1")
    await authenticator.save()
    async with database.reading() as session:
        assert (await list_tokens(session, None, 10))[0].last_used_at == clock.wall_ms()


async def test_known_tokens_work_while_the_database_is_away(
    database: Database, clock: StandingClock, authenticator: Authenticator, tmp_path: Path
) -> None:
    _, token = await make(database, clock)
    await authenticator.authenticate(token, "192.0.2.1")
    await database.close()
    break_files(tmp_path)
    clock.now += REFRESH_SECONDS + 0.1
    assert (await authenticator.authenticate(token, "192.0.2.1")).name == "wallboard"


async def test_an_expiry_in_the_past_is_refused(database: Database, clock: StandingClock) -> None:
    with pytest.raises(Invalid, match="expires_at"):
        await make(database, clock, expires_at=1)


async def test_tokens_are_bounded_in_number(
    database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    await make(database, clock)
    await make(database, clock)
    with pytest.raises(Conflict, match="revoke some"):
        await make(database, clock)


async def test_revoking_what_is_not_there_says_so(database: Database) -> None:
    with pytest.raises(NotFound, match="token"):
        async with database.session() as session:
            await revoke_token(session, 7, 1)
