from typing import Any

import httpx
import pytest

from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client


@pytest.fixture
def client(database: Database, clock: StandingClock) -> httpx.AsyncClient:
    return admin_client(database, [], clock=clock)


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/tokens", json={"name": "wallboard"} | fields)
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def test_a_token_is_shown_once_and_works_at_once(client: httpx.AsyncClient) -> None:
    made = await create(client, role="operator")
    assert "token" not in (await client.get(f"/api/v1/tokens/{made['id']}")).json()
    refused = await client.get("/api/v1/tokens", headers={"Authorization": f"Bearer {made['token']}"})
    assert "has the role operator" in refused.json()["detail"]


async def test_times_are_told_in_utc(client: httpx.AsyncClient) -> None:
    made = await create(client, expires_at="2030-01-01T08:00:00+08:00")
    assert made["created_at"] == "2023-11-14T22:30:00Z"
    assert made["expires_at"] == "2030-01-01T00:00:00Z"


async def test_a_token_ends_when_it_was_to(client: httpx.AsyncClient, clock: StandingClock) -> None:
    made = await create(client, expires_at="2023-11-14T22:30:10Z", role="admin")
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get("/api/v1/tokens", headers=bearer)).status_code == 200
    clock.now += 10
    assert (await client.get("/api/v1/tokens", headers=bearer)).status_code == 401


async def test_a_revoked_token_ends_at_once_and_stays_in_the_list(client: httpx.AsyncClient) -> None:
    made = await create(client, role="admin")
    assert (await client.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get("/api/v1/tokens", headers=bearer)).status_code == 401
    assert (await client.get("/api/v1/tokens")).json()["items"][0]["revoked_at"] is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x", "role": "king"}, "role"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "token": "mine"}, "token"),
    ],
)
async def test_a_bad_token_is_refused_naming_the_field(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await client.post("/api/v1/tokens", json=body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


async def test_only_administrators_see_tokens(client: httpx.AsyncClient) -> None:
    for role in ("viewer", "operator"):
        assert (await client.get("/api/v1/tokens", headers={"Authorization": f"Bearer {role}"})).status_code == 403
