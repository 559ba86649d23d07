import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import select

from softswitch.platform import users
from softswitch.platform.audit import Audit
from softswitch.platform.database import Database
from softswitch.platform.tables import UserRow
from tests.support.admin_plane import StandingClock, admin_client

ANN = {"name": "ann", "password": "correct horse battery", "role": "operator"}


@pytest.fixture
async def client(database: Database, clock: StandingClock) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(database, [], clock=clock, audit=Audit(database, clock)) as client:
        yield client


async def log_in(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    body = {"name": "ann", "password": ANN["password"]} | changes
    return await client.post("/api/v1/login", json=body, headers={"Authorization": ""})


def as_user(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_login_gives_a_token_of_the_users_role_that_expires(
    client: httpx.AsyncClient, clock: StandingClock
) -> None:
    made = await client.post("/api/v1/users", json=ANN)
    assert made.status_code == 201
    assert "password" not in made.text
    login = (await log_in(client)).json()
    assert login["role"] == "operator"
    assert (await client.get("/api/v1/audit", headers=as_user(login["token"]))).status_code == 403
    assert (await client.get("/api/v1/tokens", headers=as_user(login["token"]))).status_code == 403
    clock.now += 12 * 3600 + 1
    assert (await client.get("/api/v1/tokens", headers=as_user(login["token"]))).status_code == 401


async def test_only_an_argon2id_hash_is_stored(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/api/v1/users", json=ANN)
    async with database.reading() as session:
        (row,) = await session.scalars(select(UserRow))
    assert row.digest.startswith("$argon2id$")
    assert ANN["password"] not in row.digest
    assert hashlib.sha256(ANN["password"].encode()).hexdigest() not in row.digest


async def test_an_unknown_name_and_a_wrong_password_get_the_same_answer_for_the_same_work(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("/api/v1/users", json=ANN)
    verified: list[str] = []
    real = users._verify

    def counting(digest: str, password: str) -> bool:
        verified.append(digest)
        return real(digest, password)

    monkeypatch.setattr(users, "_verify", counting)
    answers = [await log_in(client, name="nobody"), await log_in(client, password="wrong")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert len(verified) == 2
    assert verified[0].split("$")[:4] == verified[1].split("$")[:4]  # argon2id, its version and its cost


async def test_who_guesses_at_logins_is_slowed_down(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_verify", lambda digest, password: False)
    statuses = [(await log_in(client, password="wrong")).status_code for _ in range(25)]
    assert statuses[:20] == [401] * 20
    assert statuses[-1] == 429


async def test_a_change_ends_the_users_logins_and_so_does_a_logout(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/users", json=ANN | {"role": "admin"})
    for end in ("patch", "logout", "delete"):
        token = (await log_in(client)).json()["token"]
        assert (await client.get("/api/v1/users", headers=as_user(token))).status_code == 200
        match end:
            case "patch":
                changes = {"role": "admin"}
                assert (await client.patch("/api/v1/users/ann", json=changes)).status_code == 200
            case "logout":
                assert (await client.delete("/api/v1/login", headers=as_user(token))).status_code == 204
            case _:
                assert (await client.delete("/api/v1/users/ann")).status_code == 204
        assert (await client.get("/api/v1/users", headers=as_user(token))).status_code == 401


async def test_a_disabled_user_cannot_log_in(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/users", json=ANN)
    await client.patch("/api/v1/users/ann", json={"enabled": False})
    assert (await log_in(client)).status_code == 401


@pytest.mark.parametrize(
    "change", [{"password": "short"}, {"name": "a/b"}, {"role": "king"}, {"digest": "x"}, {"name": ""}]
)
async def test_a_bad_user_is_refused(client: httpx.AsyncClient, change: dict[str, str]) -> None:
    assert (await client.post("/api/v1/users", json=ANN | change)).status_code == 422


async def test_the_audit_log_tells_who_did_what_and_masks_secrets(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/users", json=ANN)
    await log_in(client, password="wrong password of ann")
    await client.get("/api/v1/tokens", headers=as_user("no token"))
    await client.get("/api/v1/tokens")
    page = await client.get("/api/v1/audit")
    entries = [(entry["action"], entry["who"], entry["status"]) for entry in page.json()["items"]]
    assert entries == [
        ("GET /api/v1/tokens", "", 401),
        ("POST /api/v1/login", "", 401),
        ("POST /api/v1/users", "the admin", 201),
    ]
    assert "horse" not in page.text
    assert "wrong password" not in page.text
    assert '\\"password\\":\\"***\\"' in page.text
    assert (await client.get("/api/v1/audit?who=the admin")).json()["items"][0]["who"] == "the admin"


def test_who_there_is_not_takes_as_long_to_refuse_as_anybody() -> None:
    # A hash of other parameters would tell by its time that there is no such name.
    assert not users._hasher.check_needs_rehash(users.NOBODY)
    assert not users._verify(users.NOBODY, "")
