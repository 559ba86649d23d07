from typing import Any

import httpx
import pytest

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Origin
from softswitch.features.directory.feature import build
from softswitch.features.directory.model import NewAccount, ha1
from softswitch.features.directory.service import Directory
from softswitch.kernel.address import Party
from softswitch.kernel.errors import NotFound
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client


@pytest.fixture
def removed() -> list[str]:
    return []


@pytest.fixture
def directory(clock: StandingClock, removed: list[str]) -> Directory:
    return Directory("softswitch", clock, on_removed=removed.append)


@pytest.fixture
def client(database: Database, directory: Directory) -> httpx.AsyncClient:
    router = build(directory).router
    assert router is not None
    return admin_client(database, [router])


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/accounts", json=fields)
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def test_a_created_account_may_register_at_once(client: httpx.AsyncClient, directory: Directory) -> None:
    created = await create(client, number="1001", password="secret", name="客服")
    assert created.items() >= {"number": "1001", "name": "客服", "enabled": True, "ring_seconds": 60}.items()
    assert "password" not in created
    assert directory.ha1("1001", "MD5") == ha1("1001", "softswitch", "secret")[0]
    assert directory.ha1("1001", "SHA-256") == ha1("1001", "softswitch", "secret")[1]
    assert directory.origin("1001") == Origin("account", "1001", "default", shown_name="客服")


async def test_a_password_that_the_switch_makes_is_shown_once(client: httpx.AsyncClient, directory: Directory) -> None:
    created = await create(client, number="1001")
    assert directory.ha1("1001", "MD5") == ha1("1001", "softswitch", created["password"])[0]
    assert "password" not in (await client.get("/api/v1/accounts/1001")).json()


async def test_the_password_is_nowhere_in_the_database(client: httpx.AsyncClient, database: Database) -> None:
    await create(client, number="1001", password="a-very-special-secret")
    assert database.url.database is not None
    with open(database.url.database, "rb") as file, open(database.url.database + "-wal", "rb") as wal:  # noqa: ASYNC230
        stored = file.read() + wal.read()
    assert b"a-very-special-secret" not in stored
    assert ha1("1001", "softswitch", "a-very-special-secret")[1].encode() in stored


async def test_accounts_survive_a_restart(
    client: httpx.AsyncClient, directory: Directory, database: Database, clock: StandingClock
) -> None:
    await create(client, number="1001", password="secret", name="Alice", caller_id="+85212345678", context="inside")
    again = Directory("softswitch", clock)
    await again.load(database)
    assert again.account("1001") == directory.account("1001")


async def test_in_another_realm_the_stored_digests_are_worthless(
    client: httpx.AsyncClient, database: Database, clock: StandingClock
) -> None:
    await create(client, number="1001", password="secret")
    moved = Directory("example.org", clock)
    await moved.load(database)
    assert moved.ha1("1001", "MD5") is None
    assert moved.origin("1001") == Origin("account", "1001", "default")


async def test_an_account_has_video_unless_it_is_told_otherwise(
    client: httpx.AsyncClient, directory: Directory, database: Database, clock: StandingClock
) -> None:
    assert (await create(client, number="1001"))["video"] is True
    assert directory.origin("1001").video
    patched = await client.patch("/api/v1/accounts/1001", json={"video": False})
    assert patched.json()["video"] is False and not directory.origin("1001").video
    again = Directory("softswitch", clock)
    await again.load(database)
    assert not again.origin("1001").video


async def test_patch_changes_only_what_it_names(client: httpx.AsyncClient, directory: Directory) -> None:
    await create(client, number="1001", password="secret", name="Alice")
    changed = (await client.patch("/api/v1/accounts/1001", json={"ring_seconds": 20})).json()
    assert (changed["name"], changed["ring_seconds"]) == ("Alice", 20)
    account = directory.account("1001")
    assert account is not None
    assert account.ring_seconds == 20
    assert directory.ha1("1001", "MD5") == ha1("1001", "softswitch", "secret")[0]


async def test_signalling_of_one_account_is_its_calls_and_can_be_read_back(
    client: httpx.AsyncClient, directory: Directory, database: Database, clock: StandingClock
) -> None:
    created = await create(client, number="1001", password="secret", signalling={"session_expires": 600})
    assert created["signalling"] == {"early_media": "pass", "session_expires": 600, "reliable": "as-set"}
    assert directory.origin("1001").rules == LegRules(session_expires=600)
    patched = await client.patch("/api/v1/accounts/1001", json={"signalling": {"early_media": "ring"}})
    assert patched.json()["signalling"] == {"early_media": "ring", "session_expires": None, "reliable": "as-set"}
    again = Directory("softswitch", clock)
    await again.load(database)
    assert again.origin("1001").rules == LegRules(early_media="ring")
    await client.patch("/api/v1/accounts/1001", json={"signalling": {}})
    assert directory.origin("1001").rules is None
    for bad in ({"session_expires": 60}, {"early_media": "loud"}, {"reliable": None}, {"unknown": 1}):
        answer = await client.patch("/api/v1/accounts/1001", json={"signalling": bad})
        assert answer.status_code == 422 and next(iter(bad)) in answer.text, bad


async def test_a_changed_password_holds_at_once(client: httpx.AsyncClient, directory: Directory) -> None:
    await create(client, number="1001", password="secret")
    await client.patch("/api/v1/accounts/1001", json={"password": "other"})
    assert directory.ha1("1001", "MD5") == ha1("1001", "softswitch", "other")[0]
    made = (await client.post("/api/v1/accounts/1001/password")).json()["password"]
    assert directory.ha1("1001", "MD5") == ha1("1001", "softswitch", made)[0]


async def test_a_disabled_account_proves_nothing_and_its_phones_are_forgotten(
    client: httpx.AsyncClient, directory: Directory, removed: list[str]
) -> None:
    await create(client, number="1001", password="secret")
    await client.patch("/api/v1/accounts/1001", json={"enabled": False})
    assert (directory.ha1("1001", "MD5"), removed) == (None, ["1001"])


async def test_a_deleted_account_is_gone(client: httpx.AsyncClient, directory: Directory, removed: list[str]) -> None:
    await create(client, number="1001", password="secret")
    assert (await client.delete("/api/v1/accounts/1001")).status_code == 204
    assert (await client.get("/api/v1/accounts/1001")).status_code == 404
    assert (directory.account("1001"), removed) == (None, ["1001"])
    with pytest.raises(NotFound):
        directory.origin("1001")


async def test_a_number_that_is_taken_is_a_conflict(client: httpx.AsyncClient) -> None:
    await create(client, number="1001")
    response = await client.post("/api/v1/accounts", json={"number": "1001"})
    assert (response.status_code, response.json()["error_id"]) == (409, "account-exists")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "number"),
        ({"number": "10 01"}, "number"),
        ({"number": "1001\n"}, "number"),
        ({"number": "x" * 65}, "number"),
        ({"number": "1001", "password": ""}, "password"),
        ({"number": "1001", "name": "a\u0000b"}, "name"),
        ({"number": "1001", "ring_seconds": 0}, "ring_seconds"),
        ({"number": "1001", "context": "../x"}, "context"),
        ({"number": "1001", "secret": "x"}, "secret"),
    ],
)
async def test_a_bad_account_is_refused_naming_the_field(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await client.post("/api/v1/accounts", json=body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


async def test_viewers_see_accounts_and_change_none(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = "Bearer viewer"
    assert (await client.get("/api/v1/accounts")).status_code == 200
    assert (await client.post("/api/v1/accounts", json={"number": "1001"})).status_code == 403
    assert (await client.delete("/api/v1/accounts/1001")).status_code == 403


async def test_an_import_makes_all_accounts_or_none(client: httpx.AsyncClient, directory: Directory) -> None:
    async def send(text: str) -> httpx.Response:
        headers = {"Content-Type": "text/csv"}
        return await client.post("/api/v1/accounts/import", content=text.encode(), headers=headers)

    lines = "\n".join(f"{number},secret-{number},Name {number}" for number in range(2000, 4000))
    assert (await send(lines)).json() == {"created": 2000}
    assert len(directory) == 2000
    bad = await send("5000,a,A\n5001,,B")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "body:2: password")
    assert (await send("5000,a,A\n2000,b,B")).status_code == 409
    assert len(directory) == 2000
    pages = (await client.get("/api/v1/accounts", params={"limit": 1000})).json()
    assert (len(pages["items"]), pages["items"][0]["number"]) == (1000, "2000")


async def test_a_trunk_is_shown_the_number_set_for_it(client: httpx.AsyncClient, directory: Directory) -> None:
    await create(client, number="1001", name="Alice", caller_id="+85212345678")
    await create(client, number="1002")
    assert directory.shown_outside("1001") == Party("+85212345678", "Alice")
    assert directory.shown_outside("1002") == Party("1002", "")
    assert directory.shown_outside("1003") is None


async def test_memory_keeps_what_is_stored_when_a_change_fails(directory: Directory, database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            await directory.create(session, [NewAccount(number="1001", password="x")])
            raise ZeroDivisionError
    assert directory.account("1001") is None


async def test_an_account_may_be_bound_to_encrypted_transports_and_to_networks(
    client: httpx.AsyncClient, directory: Directory, database: Database, clock: StandingClock
) -> None:
    created = await create(
        client, number="1001", password="secret", networks=["192.0.2.0/24", "2001:db8::/32"], transports=["tls", "wss"]
    )
    assert (created["networks"], created["transports"]) == (["192.0.2.0/24", "2001:db8::/32"], ["tls", "wss"])
    again = Directory("softswitch", clock)
    await again.load(database)
    for known in (directory, again):
        assert known.admits("1001", "192.0.2.7", "tls")
        assert known.admits("1001", "2001:db8::7", "wss")
        assert not known.admits("1001", "192.0.2.7", "udp")
        assert not known.admits("1001", "198.51.100.7", "tls")
    await client.patch("/api/v1/accounts/1001", json={"networks": [], "transports": []})
    assert directory.admits("1001", "198.51.100.7", "udp")


@pytest.mark.parametrize("change", [{"networks": ["192.0.2.1/24"]}, {"networks": ["x"]}, {"transports": ["pigeon"]}])
async def test_a_rule_of_access_that_is_none_is_refused(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    response = await client.post("/api/v1/accounts", json={"number": "1001", "password": "x"} | change)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(next(iter(change)))


async def test_an_account_says_which_codecs_its_phones_are_told_of(
    client: httpx.AsyncClient, directory: Directory, database: Database, clock: StandingClock
) -> None:
    created = await create(client, number="1001", password="secret", codecs=["opus", "G722", "L16/16000"])
    assert created["codecs"] == ["OPUS", "G722", "L16/16000"]
    again = Directory("softswitch", clock)
    await again.load(database)
    assert directory.origin("1001").codecs == again.origin("1001").codecs == ("OPUS", "G722", "L16/16000")
    refused = await client.patch("/api/v1/accounts/1001", json={"codecs": ["L16"]})
    assert refused.status_code == 422 and "'L16' is no codec of speech" in refused.text
    await client.patch("/api/v1/accounts/1001", json={"codecs": []})
    assert directory.origin("1001").codecs == ()
