from typing import Any

import httpx
import pytest

from softswitch.calls.signals import Origin, Target
from softswitch.engine.caller import Candidate, DialOutcome
from softswitch.features.trunks.call_app import build_call_app
from softswitch.features.trunks.feature import build
from softswitch.features.trunks.model import escape_user
from softswitch.features.trunks.service import Trunks
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.platform.database import Database
from tests.support.admin_plane import admin_client


class FakeAccounts:
    def shown_outside(self, number: str) -> Party | None:
        return Party("+85212345678", "Alice") if number == "1001" else None


class FakeCaller:
    def __init__(self, number: str, origin: Origin) -> None:
        self.to, self.from_, self.origin = Party(number), Party("1001", "Al"), origin
        self.dialled: list[Candidate] = []
        self.ring_seconds = 0.0

    async def dial(self, candidates: list[Candidate], ring_seconds: float) -> DialOutcome:
        self.dialled += candidates
        self.ring_seconds = ring_seconds
        return DialOutcome(True, Cause.NORMAL_CLEARING)


@pytest.fixture
def trunks() -> Trunks:
    return Trunks()


@pytest.fixture
def client(database: Database, trunks: Trunks) -> httpx.AsyncClient:
    router = build(trunks, FakeAccounts()).router
    assert router is not None
    return admin_client(database, [router])


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "192.0.2.9"} | fields)
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def call(trunks: Trunks, name: str, number: str, origin: Origin | None = None) -> FakeCaller:
    caller: Any = FakeCaller(number, origin or Origin("account", "1001", "default"))
    await build_call_app(trunks, FakeAccounts())(caller, name)
    answer: FakeCaller = caller
    return answer


async def test_a_call_goes_out_as_the_trunk_wants_it(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, port=5080, strip=1, prefix="00", ring_seconds=30, media="bypass", transport="tcp")
    caller = await call(trunks, "uas", "0755#1")
    assert caller.dialled == [
        Candidate(
            Target("sip:00755%231@192.0.2.9:5080;transport=tcp", "tcp", HostPort("192.0.2.9", 5080)),
            Destination("trunk", "uas"),
            "00755#1",
            anchored=False,
        )
    ]
    assert (caller.ring_seconds, caller.from_) == (30, Party("+85212345678", "Alice"))


async def test_a_trunk_that_has_a_name_is_left_for_the_gateway_to_look_up(
    client: httpx.AsyncClient, trunks: Trunks
) -> None:
    await create(client, host="sip.example.org")
    target = (await call(trunks, "uas", "5")).dialled[0].target
    assert (target.uri, target.address) == ("sip:5@sip.example.org:5060", None)


async def test_an_ipv6_trunk_is_written_in_brackets(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, host="2001:db8::1")
    target = (await call(trunks, "uas", "5")).dialled[0].target
    assert (target.uri, target.address) == ("sip:5@[2001:db8::1]:5060", HostPort("2001:db8::1", 5060))


async def test_a_guests_number_is_shown_as_it_came(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client)
    assert (await call(trunks, "uas", "5", Origin("guest", "", "default"))).from_ == Party("1001", "Al")


@pytest.mark.parametrize(
    ("name", "number", "cause"),
    [
        ("none", "5", Cause.NO_ROUTE_TO_DESTINATION),
        ("off", "5", Cause.NO_ROUTE_TO_DESTINATION),
        ("strips", "12", Cause.INVALID_NUMBER_FORMAT),
    ],
)
async def test_a_call_that_cannot_leave_is_told_why(
    client: httpx.AsyncClient, trunks: Trunks, name: str, number: str, cause: Cause
) -> None:
    await create(client, name="off", enabled=False)
    await create(client, name="strips", strip=2)
    with pytest.raises(Rejected) as rejected:
        await call(trunks, name, number)
    assert rejected.value.cause is cause


def test_a_number_is_escaped_as_a_sip_uri_needs_it() -> None:
    assert escape_user("*97") == "*97"
    assert escape_user("a b@c:客") == "a%20b%40c%3A%E5%AE%A2"


async def test_the_longest_network_that_holds_a_source_wins(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, name="carrier", sources=["192.0.2.0/24", "2001:db8::/32"], context="carrier")
    await create(client, name="branch", sources=["192.0.2.7"])
    await create(client, name="off", sources=["192.0.2.8"], enabled=False)
    assert trunks.recognise("192.0.2.7") == Origin("trunk", "branch", "default")
    assert trunks.recognise("192.0.2.8") == Origin("trunk", "carrier", "carrier")
    assert trunks.recognise("::ffff:192.0.2.7") == Origin("trunk", "branch", "default")
    assert trunks.recognise("2001:db8::5") == Origin("trunk", "carrier", "carrier")
    assert trunks.recognise("198.51.100.1") is None
    assert trunks.recognise("somewhere") is None


async def test_a_change_and_a_deletion_hold_at_once(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, sources=["192.0.2.9"])
    changed = (await client.patch("/api/v1/trunks/uas", json={"sources": ["192.0.2.10", "192.0.2.10"]})).json()
    assert (changed["sources"], changed["host"]) == (["192.0.2.10"], "192.0.2.9")
    assert trunks.recognise("192.0.2.9") is None
    assert trunks.recognise("192.0.2.10") is not None
    assert (await client.delete("/api/v1/trunks/uas")).status_code == 204
    assert trunks.recognise("192.0.2.10") is None
    assert (await client.get("/api/v1/trunks/uas")).status_code == 404


async def test_trunks_survive_a_restart(client: httpx.AsyncClient, trunks: Trunks, database: Database) -> None:
    await create(client, sources=["192.0.2.0/24"], prefix="+", strip=2)
    again = Trunks()
    await again.load(database)
    assert again.trunk("uas") == trunks.trunk("uas")
    assert again.recognise("192.0.2.1") == Origin("trunk", "uas", "default")


async def test_a_name_that_is_taken_is_a_conflict(client: httpx.AsyncClient) -> None:
    await create(client)
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "x"})
    assert (response.status_code, response.json()["error_id"]) == (409, "trunk-exists")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a/b"),
        ("host", "no host"),
        ("host", "[::1]"),
        ("port", 0),
        ("transport", "pigeon"),
        ("sources", ["192.0.2.1/24"]),
        ("sources", ["nowhere"]),
        ("strip", -1),
        ("prefix", "+ "),
        ("media", "none"),
        ("password", "x"),
    ],
)
async def test_a_bad_trunk_is_refused_naming_the_field(client: httpx.AsyncClient, field: str, value: Any) -> None:
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "x", field: value})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(field)


async def test_viewers_see_trunks_and_change_none(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = "Bearer viewer"
    assert (await client.get("/api/v1/trunks")).json() == {"items": [], "next": None}
    assert (await client.post("/api/v1/trunks", json={"name": "uas", "host": "x"})).status_code == 403


async def test_the_addresses_that_trunks_send_from_are_known_and_names_are_not(
    client: httpx.AsyncClient, trunks: Trunks
) -> None:
    await create(client)
    named = {"name": "named", "host": "sip.example.com", "sources": ["198.51.100.0/24"]}
    assert (await client.post("/api/v1/trunks", json=named)).status_code == 201
    assert "198.51.100.0/24" in trunks.addresses()
    assert not any("example" in address for address in trunks.addresses())
    await client.delete("/api/v1/trunks/named")
    assert "198.51.100.0/24" not in trunks.addresses()
