import asyncio

import pytest

from softswitch.events import BanLifted, SourceBanned
from softswitch.platform.audit import MOST_WAITING, Audit, masked, page
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"number":"1001","password":"x"}', '{"number":"1001","password":"***"}'),
        (b'{"a":[{"api_key":"x","b":1}]}', '{"a":[{"api_key":"***","b":1}]}'),
        (b'{"credentials":{"user":"x"}}', '{"credentials":"***"}'),
        (b"1001,secret,Ann", "15 bytes"),
        (b"", ""),
    ],
)
def test_secrets_are_masked_by_the_names_they_stand_under(body: bytes, kept: str) -> None:
    assert masked(body) == kept


def test_a_body_nested_without_end_is_no_bug() -> None:
    assert masked(b"[" * 4000) == "4000 bytes"


async def test_bans_are_in_the_log_and_entries_outlive_the_switch(database: Database, clock: StandingClock) -> None:
    audit = Audit(database, clock)
    audit.start()
    audit.hear(SourceBanned(at=1, network="192.0.2.7", reason="agent", detail="x\x00y", until=None, by="switch"))
    audit.hear(BanLifted(at=2, network="192.0.2.7", by="ann"))
    await audit.stop()
    async with database.reading() as session:
        rows = await page(session, None, 10, None)
    assert [(row.who, row.action, row.source, row.detail) for row in rows] == [
        ("ann", "lift", "192.0.2.7", ""),
        ("switch", "ban", "192.0.2.7", "agent: xy"),
    ]


async def test_what_waits_for_the_disk_is_bounded(database: Database, clock: StandingClock) -> None:
    audit = Audit(database, clock)
    for _ in range(MOST_WAITING + 5):
        audit.note(who="x", source="y", action="z")
    assert audit.lost == 5


async def test_two_who_write_at_once_write_each_entry_once(database: Database, clock: StandingClock) -> None:
    audit = Audit(database, clock)
    audit.note(who="x", source="y", action="z")
    await asyncio.gather(audit.write(), audit.write())
    async with database.reading() as session:
        assert [row.who for row in await page(session, None, 10, None)] == ["x"]
