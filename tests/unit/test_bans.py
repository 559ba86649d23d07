from collections.abc import AsyncIterator

import httpx
import pytest

from softswitch.events import BanLifted, Fact, SourceBanned
from softswitch.features.bans.feature import build
from softswitch.features.bans.service import Bans
from softswitch.kernel.offence import Offence
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client

SCANNER = "198.51.100.7"


class Door:
    """Barrier and Standing that write down."""

    def __init__(self) -> None:
        self.shut: dict[str, float | None] = {}
        self.good: set[str] = set()

    def ban(self, network: str, seconds: float | None) -> None:
        self.shut[network] = seconds

    def lift(self, network: str) -> None:
        self.shut.pop(network, None)

    def is_good(self, host: str) -> bool:
        return host in self.good


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def facts() -> list[Fact]:
    return []


def make(database: Database, clock: StandingClock, door: Door, facts: list[Fact], **more: object) -> Bans:
    settings: dict[str, object] = {"allowed": ("203.0.113.0/24",), "active": True} | more
    bans = Bans(database, clock, facts.append, **settings)  # type: ignore[arg-type]
    bans.connect(door, door)
    return bans


@pytest.fixture
async def bans(database: Database, clock: StandingClock, door: Door, facts: list[Fact]) -> AsyncIterator[Bans]:
    bans = make(database, clock, door, facts)
    await bans.start()
    yield bans
    await bans.stop()


@pytest.fixture
async def client(database: Database, bans: Bans, clock: StandingClock) -> AsyncIterator[httpx.AsyncClient]:
    router = build(bans).router
    assert router is not None
    async with admin_client(database, [router], clock=clock) as client:
        yield client


async def test_a_scanner_is_banned_kept_out_and_told_of(bans: Bans, door: Door, facts: list[Fact]) -> None:
    bans.offended(SCANNER, Offence.AGENT, "friendly-scanner\x00\r\n")
    assert door.shut == {SCANNER: 600.0}
    assert [type(fact) for fact in facts] == [SourceBanned]
    assert facts[0].detail == "friendly-scanner"  # type: ignore[attr-defined]
    bans.offended(SCANNER, Offence.AGENT, "again")
    assert len(facts) == 1


async def test_an_allowed_network_is_never_banned_and_neither_is_anybody_where_nobody_judges(
    bans: Bans, door: Door, database: Database, clock: StandingClock, facts: list[Fact]
) -> None:
    bans.offended("203.0.113.9", Offence.AGENT, "")
    idle = make(database, clock, door, facts, active=False)
    idle.offended(SCANNER, Offence.AGENT, "")
    for _ in range(1000):
        idle.challenged(SCANNER, "x")
    assert door.shut == {}


async def test_a_ban_survives_a_restart_with_the_time_it_has_left(
    bans: Bans, database: Database, clock: StandingClock, facts: list[Fact]
) -> None:
    bans.offended(SCANNER, Offence.AGENT, "friendly-scanner")
    await bans.stop()
    clock.now += 100.0
    door = Door()
    again = make(database, clock, door, facts)
    await again.start()
    assert door.shut == {SCANNER: 500.0}
    # The next one is longer.
    clock.now += 1000.0
    again.offended(SCANNER, Offence.AGENT, "friendly-scanner")
    assert door.shut == {SCANNER: 3600.0}
    await again.stop()


async def test_bans_are_seen_made_changed_and_lifted_by_http(
    client: httpx.AsyncClient, bans: Bans, door: Door, facts: list[Fact], clock: StandingClock
) -> None:
    bans.offended(SCANNER, Offence.AGENT, "friendly-scanner")
    (shown,) = (await client.get("/api/v1/bans")).json()["items"]
    assert (shown["network"], shown["reason"], shown["by"]) == (SCANNER, "agent", "switch")

    made = await client.post("/api/v1/bans", json={"network": "192.0.2.0/24", "detail": "toll fraud"})
    assert (made.status_code, made.json()["until"], made.json()["by"]) == (201, None, "the admin")
    assert door.shut["192.0.2.0/24"] is None
    assert (await client.get("/api/v1/bans/192.0.2.0/24")).json()["detail"] == "toll fraud"

    until = {"until": "2030-01-01T00:00:00Z"}
    assert (await client.patch("/api/v1/bans/192.0.2.0/24", json=until)).json()["until"] == "2030-01-01T00:00:00Z"
    assert (await client.delete(f"/api/v1/bans/{SCANNER}")).status_code == 204
    assert SCANNER not in door.shut
    assert isinstance(facts[-1], BanLifted)
    assert (await client.get(f"/api/v1/bans/{SCANNER}")).status_code == 404

    # A ban that has run out is no longer in the list.
    bans.offended(SCANNER, Offence.AGENT, "friendly-scanner")
    clock.now += 601.0
    assert [ban["network"] for ban in (await client.get("/api/v1/bans")).json()["items"]] == ["192.0.2.0/24"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"network": "nowhere"}, 422),
        ({"network": "192.0.2.1/33"}, 422),
        ({"network": "192.0.2.1", "until": "soon"}, 422),
        ({"network": "192.0.2.1", "why": "x"}, 422),
        ({"network": "203.0.113.7"}, 409),
        ({}, 422),
    ],
)
async def test_a_bad_ban_is_refused(client: httpx.AsyncClient, body: dict[str, str], status: int) -> None:
    assert (await client.post("/api/v1/bans", json=body)).status_code == status


async def test_viewers_see_bans_and_change_none(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = "Bearer viewer"
    assert (await client.get("/api/v1/bans")).status_code == 200
    assert (await client.post("/api/v1/bans", json={"network": "192.0.2.1"})).status_code == 403


async def test_the_list_is_bounded_and_the_ban_that_ends_first_gives_way(
    bans: Bans, door: Door, monkeypatch: pytest.MonkeyPatch, clock: StandingClock
) -> None:
    monkeypatch.setattr("softswitch.features.bans.service.MOST", 3)
    for host in range(5):
        clock.now += 1.0
        bans.offended(f"198.51.100.{host}", Offence.AGENT, "")
    assert sorted(door.shut) == ["198.51.100.2", "198.51.100.3", "198.51.100.4"]
