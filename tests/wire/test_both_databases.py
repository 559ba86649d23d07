"""Every store on both databases: what holds on SQLite holds on PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gateways.media.uploads import read_take, read_upload
from gateways.media.wav import write_wav
from softswitch.events import CallEnded, CallOffered, FlowEnded, FlowStep
from softswitch.features.cdr.service import CallRecords
from softswitch.features.directory.api import build_router as accounts_router
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.ivr import store as flow_store
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.service import IvrFlows
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.features.prompts.service import Library
from softswitch.features.registrar.service import Registrations
from softswitch.features.registrar.writer import BindingWriter
from softswitch.features.trunks.api import build_router as trunks_router
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.features.voicemail.model.box import Box, List, Tally
from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import Binding
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database, DatabaseUnavailable
from softswitch.platform.event_log import EventLog
from softswitch.platform.tables import TokenRow
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.postgres import PostgresServer
from tests.support.tables import difference_to_code
from tests.support.trunks import FakeContacts, make_trunks
from tests.unit.test_voicemail_api import House


async def test_the_migrations_make_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    assert await difference_to_code(database) == []


async def test_two_starts_at_once_migrate_once(database_url: str) -> None:
    both = [Database(database_url) for _ in range(2)]
    await asyncio.gather(*(database.migrate() for database in both))
    for database in both:
        assert await difference_to_code(database) == []
        await database.close()


async def test_a_database_of_a_newer_program_is_left_alone(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnavailable, match="newer softswitch"):
        await database.migrate()


async def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.session() as session:
            session.add(TokenRow(name=str(number), role="viewer", digest=str(number), created_at=1))

    await asyncio.gather(*(write(number) for number in range(50)))
    async with database.reading() as session:
        assert len((await session.scalars(select(TokenRow.id))).all()) == 50


async def test_a_reader_sees_the_past_while_a_writer_works(database: Database) -> None:
    async with database.session() as session:
        session.add(TokenRow(name="a", role="viewer", digest="a", created_at=1))
        await session.flush()
        async with database.reading() as reader:
            assert (await reader.scalars(select(TokenRow.id))).all() == []


async def test_a_unique_value_is_guarded_by_the_database_itself(database: Database) -> None:
    for expected in (None, IntegrityError):
        try:
            async with database.session() as session:
                session.add(TokenRow(name="a", role="viewer", digest="same", created_at=1))
        except IntegrityError as error:
            assert expected is IntegrityError
            assert "unique" in str(error.orig).lower()
        else:
            assert expected is None


@pytest.fixture
def directory(clock: StandingClock) -> Directory:
    return Directory("softswitch", clock)


@pytest.fixture
def trunks() -> Trunks:
    return make_trunks()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def client(database: Database, directory: Directory, trunks: Trunks, clock: StandingClock) -> httpx.AsyncClient:
    return admin_client(database, [accounts_router(directory), trunks_router(trunks, Traffic(clock), FakeContacts())])


async def test_accounts_live_through_their_whole_life(
    client: httpx.AsyncClient, directory: Directory, database: Database, clock: StandingClock
) -> None:
    made = await client.post("/api/v1/accounts", json={"number": "1001", "password": "x", "name": "客服"})
    assert made.status_code == 201
    assert (await client.post("/api/v1/accounts", json={"number": "1001"})).status_code == 409
    changed = await client.patch("/api/v1/accounts/1001", json={"enabled": False, "ring_seconds": 30})
    assert changed.json().items() >= {"name": "客服", "enabled": False, "ring_seconds": 30}.items()
    again = Directory("softswitch", clock)
    await again.load(database)
    assert again.account("1001") == directory.account("1001")
    assert (await client.delete("/api/v1/accounts/1001")).status_code == 204
    assert (await client.get("/api/v1/accounts/1001")).status_code == 404


async def test_five_thousand_accounts_are_made_at_once_and_read_page_by_page(
    client: httpx.AsyncClient, directory: Directory, database: Database
) -> None:
    numbers = [f"{number:06}" for number in range(5000)]
    async with database.session() as session:
        await directory.create(session, [NewAccount(number=number, password=number) for number in numbers])
    read: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query: dict[str, Any] = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/accounts", params=query)).json()
        read, cursor = read + [item["number"] for item in page["items"]], page["next"]
    assert read == numbers


@pytest.mark.parametrize("odd", ["%00", "%F0%9F%93%9E", "x" * 300, "a'b\"c", "%ED%A0%80"])
async def test_an_odd_name_in_a_path_is_at_worst_not_found(client: httpx.AsyncClient, odd: str) -> None:
    for resource in ("accounts", "trunks"):
        assert (await client.get(f"/api/v1/{resource}/{odd}")).status_code in (404, 422)


async def test_trunks_live_through_their_whole_life(
    client: httpx.AsyncClient, trunks: Trunks, database: Database
) -> None:
    made = await client.post("/api/v1/trunks", json={"name": "uas", "host": "192.0.2.1", "sources": ["192.0.2.0/24"]})
    assert made.status_code == 201
    changed = await client.patch("/api/v1/trunks/uas", json={"media": "bypass", "enabled": False})
    assert changed.json().items() >= {"media": "bypass", "sources": ["192.0.2.0/24"], "enabled": False}.items()
    again = make_trunks()
    await again.load(database)
    assert again.trunk("uas") == trunks.trunk("uas")
    assert (await client.delete("/api/v1/trunks/uas")).status_code == 204
    assert (await client.get("/api/v1/trunks")).json() == {"items": [], "next": None}


async def test_tokens_live_through_their_whole_life(client: httpx.AsyncClient) -> None:
    made = (await client.post("/api/v1/tokens", json={"name": "wallboard"})).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get("/api/v1/trunks", headers=bearer)).status_code == 200
    assert (await client.get("/api/v1/tokens", headers=bearer)).status_code == 403
    renamed = await client.patch(f"/api/v1/tokens/{made['id']}", json={"name": "墙板"})
    assert (renamed.json()["name"], "token" in renamed.json()) == ("墙板", False)
    assert (await client.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    assert (await client.get("/api/v1/trunks", headers=bearer)).status_code == 401
    assert (await client.get("/api/v1/tokens")).json()["items"][0]["revoked_at"] is not None
    assert (await client.get("/api/v1/tokens/99999999999")).status_code == 422


async def test_bindings_are_written_changed_removed_and_read_back(database: Database, clock: StandingClock) -> None:
    def binding(aor: str, host: str) -> Binding:
        return Binding(
            aor=aor,
            contact=f'sip:{aor}@{host};x="\x00客"',
            expires_at=clock.wall_ms() + 60_000,
            call_id="c",
            cseq=1,
            source=HostPort(host, 5060),
        )

    registrations = Registrations(clock, lambda fact: None)
    writer = BindingWriter(registrations, database, clock)
    await writer.start()
    for number in range(3000):
        registrations.replace(f"{number}", [binding(f"{number}", "a")])
    await writer.stop()
    registrations.replace("1", [binding("1", "a"), binding("1", "b")])
    registrations.replace("2", [])
    await writer.stop()
    again = Registrations(clock, lambda fact: None)
    writer = BindingWriter(again, database, clock)
    await writer.start()
    assert len(again) == 3000
    assert sorted(again.bindings("1"), key=lambda each: each.contact) == [binding("1", "a"), binding("1", "b")]
    assert list(again.bindings("2")) == []
    await writer.stop()


async def test_a_call_is_logged_and_recorded(database: Database) -> None:
    event_log = EventLog(database)
    event_log.start()
    records = CallRecords(event_log)
    call = CallId("c-1")
    for fact in (
        CallOffered(
            at=1000,
            call=call,
            leg=LegId("c-1.1"),
            from_number="1001",
            from_name="张三",
            to_number="1002",
            origin_kind="account",
            origin="1001",
            context="default",
            source="127.0.0.1:5070",
        ),
        CallEnded(at=2000, call=call, cause=Cause.NO_ANSWER),
    ):
        event_log.append(fact)
        records.hear(fact)
    await event_log.flush()
    assert [type(logged.fact).__name__ for logged in await event_log.read(call=call)] == ["CallOffered", "CallEnded"]
    assert await event_log.unfinished() == []
    await event_log.stop()


async def test_a_wrong_user_or_database_is_said_plainly(postgres: PostgresServer) -> None:
    for url, named in ((postgres.url("nowhere"), "nowhere"), (postgres.url(user="stranger"), "stranger")):
        database = Database(url)
        with pytest.raises(DatabaseUnavailable, match=named):
            await database.migrate()
        await database.close()


async def test_a_server_that_ends_our_connections_costs_one_request_at_most(postgres: PostgresServer) -> None:
    database = Database(await postgres.new_database())
    await database.migrate()
    async with database.reading() as session:
        await session.scalar(select(TokenRow.id))
    other = Database(postgres.url())
    async with other.engine.connect() as connection:
        await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
    async with database.reading() as session:
        assert await session.scalar(select(TokenRow.id)) is None
    await other.close()
    await database.close()


async def test_flows_are_published_rolled_back_and_their_paths_stored(database: Database, clock: StandingClock) -> None:
    source = "flow: menu\ntitle: {}\nnodes:\n  a: {{do: hang_up, hear: main/welcome}}\n"
    sounds, parts, event_log = ShippedPrompts(SHIPPED), Parts(), EventLog(database)
    flows = IvrFlows(clock, lambda fact: None, event_log, {}, parts, Catalogue(sounds, parts))
    for title in ("first", "second"):
        async with database.session() as session:
            await flows.publish_source(session, "menu", source.format(title), "admin", "")
    async with database.session() as session:
        await flows.write_draft(session, "menu", source.format("third"), "admin")
    async with database.session() as session:
        await flows.write_draft(session, "menu", source.format("fourth"), "admin")
        assert (await flows.roll_back(session, "menu", 1, "admin")).version == 3
    again = IvrFlows(clock, lambda fact: None, event_log, {}, parts, Catalogue(sounds, parts))
    await again.load(database)
    assert (again.live["menu"].version, again.live["menu"].title) == (3, "first")
    event_log.start()
    steps = (FlowStep("a", "hang_up", 0, "ended"),)
    for number in range(3):
        call = CallId(f"c{number}")
        flows.ended(
            FlowEnded(at=2000, call=call, flow="menu", version=3, began_at=number, outcome="ended", steps=steps)
        )
    await event_log.flush()
    async with database.reading() as session:
        rows = await flow_store.paths(session, "menu", since=1, until=None, limit=10)
        assert [(row.call, flow_store.steps_of(row)) for row in rows] == [("c2", steps), ("c1", steps)]
        assert (await flows.draft(session, "menu")).source == source.format("fourth")
    async with database.session() as session:
        assert await flow_store.remove_paths(session, 2, 10) == 2
    await event_log.stop()


async def test_own_prompts_are_kept_replaced_described_and_forgotten(database: Database, tmp_path: Path) -> None:
    def library() -> Library:
        return Library(SHIPPED, tmp_path, database, StandingClock(), read_upload, read_take)

    def sound(level: int) -> bytes:
        return write_wav(level.to_bytes(2, "little") * 4000, 8000)

    def files() -> list[str]:
        return sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.wav"))

    prompts = library()
    await prompts.load(database)
    await asyncio.gather(*(prompts.upload("zh", "shop/hours", sound(level), "", "九点", "安") for level in range(6)))
    await prompts.upload("none", "music/hold", sound(9), "", None, "ann")
    await prompts.set_text("zh", "shop/hours", "九点到五点 🕘")
    again = library()
    await again.load(database)
    assert again.own == prompts.own and set(again.own) == {"zh/shop/hours", "music/hold"}
    assert again.find("zh", "shop/hours") == prompts.find("zh", "shop/hours")
    assert again.find("zh", "shop/hours").text == "九点到五点 🕘"
    assert files() == sorted(again.own.values())
    for language, name in (("zh", "shop/hours"), ("none", "music/hold")):
        await prompts.remove(language, name)
    await again.load(database)
    assert again.own == {} and files() == []


async def test_voice_messages_are_kept_counted_moved_and_gone_with_their_box(
    database: Database, tmp_path: Path
) -> None:
    clock = StandingClock()
    house = House(database, tmp_path, clock)
    async with database.session() as session:
        await house.directory.create(session, [NewAccount(number="1001", password="x")])
    await house.boxes.create(Box(number="1001", account="1001", email="a@example.com"), "2580")
    await house.boxes.set_list(List(number="7100", name="all", boxes=("1001",)))
    plain, urgent = await house.left(), await house.left(urgent=True)
    assert await house.store.tally("1001") == house.service.tally("1001") == Tally(2, 0, 1, 0, 0, 4.0)
    assert len(await house.store.mail_due(clock.wall_ms(), 10)) == 2
    await house.store.mail_later(plain.id, 1, clock.wall_ms() + 1)
    await house.service.change(plain, folder="saved-1")
    assert await house.store.tallies() == {"1001": Tally(1, 1, 1, 0, 0, 4.0)}
    await house.service.write_down(urgent, "\u8bf7\u56de\u7535")
    clock.now += 1
    fresh = House(database, tmp_path, clock)
    await fresh.service.load(database)
    assert fresh.boxes.all == house.boxes.all and fresh.boxes.lists == house.boxes.lists
    assert (await fresh.service.message("1001", urgent.id)).transcript == "\u8bf7\u56de\u7535"
    assert [each.id for each in await fresh.store.older("1001", clock.wall_ms(), 10)] == [plain.id, urgent.id]
    async with database.session() as session:
        await house.directory.remove(session, "1001")
    await house.service.stop()
    assert await house.store.boxes() == [] and await house.store.tallies() == {}
    assert await house.store.mail_waiting() == 0
