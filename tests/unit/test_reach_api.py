from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.feature import build
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.model import NO_RULES
from softswitch.features.reach.service import Reach
from softswitch.features.registrar.phones import Phones
from softswitch.features.registrar.service import Registrations
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client

PATH = "/api/v1/accounts/1001/reach"


class Nobody:
    def originate(self, account: str, number: str) -> CallId:
        raise NotFound("phone of", account)


@pytest.fixture
async def directory(database: Database, clock: StandingClock) -> Directory:
    directory = Directory("softswitch", clock)
    async with database.session() as session:
        await directory.create(session, [NewAccount(number="1001", password="x")])
    return directory


@pytest.fixture
def reach(directory: Directory, clock: StandingClock) -> Reach:
    reach = Reach(directory, Phones(Registrations(clock, lambda fact: None)), Lines())
    directory.goes_with(reach.forget)
    return reach


@pytest.fixture
def callbacks(clock: StandingClock) -> Callbacks:
    return Callbacks(Lines(), Nobody(), clock, lambda seconds, work: None)


@pytest.fixture
def client(database: Database, reach: Reach, callbacks: Callbacks) -> httpx.AsyncClient:
    router = build(reach, Lines(), callbacks).router
    assert router is not None
    return admin_client(database, [router])


async def patch(client: httpx.AsyncClient, **changes: Any) -> Mapping[str, Any]:
    answer = await client.patch(PATH, json=changes)
    assert answer.status_code == 200, answer.text
    body: Mapping[str, Any] = answer.json()
    return body


async def test_a_patch_changes_what_it_names_and_calls_go_by_it_at_once(
    client: httpx.AsyncClient, reach: Reach, database: Database
) -> None:
    await patch(client, forward_busy="1002")
    shown = await patch(client, do_not_disturb=True, speed_dials={"07": "84321"})
    assert shown == (await client.get(PATH)).json()
    assert (shown["forward_busy"], shown["do_not_disturb"], shown["forward_always"]) == ("1002", True, "")
    assert reach.rules("1001").speed_dials == {"07": "84321"}
    await reach.load(database)
    assert reach.rules("1001").forward_busy == "1002"


async def test_what_cannot_be_set_is_refused_by_name_and_nothing_changes(client: httpx.AsyncClient) -> None:
    await patch(client, forward_busy="1002")
    for field, value in [
        ("forward_busy", "1001"),
        ("forward_always", "no number"),
        ("no_answer_seconds", 0),
        ("speed_dials", {"7": "1002"}),
        ("forward", "1002"),
    ]:
        answer = await client.patch(PATH, json={field: value})
        assert answer.status_code == 422 and field in answer.text
    assert (await client.get(PATH)).json()["forward_busy"] == "1002"


async def test_an_unknown_account_has_no_rules(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/accounts/1099/reach")).status_code == 404
    assert (await client.patch("/api/v1/accounts/1099/reach", json={"do_not_disturb": True})).status_code == 404


async def test_rules_go_with_their_account(
    client: httpx.AsyncClient, reach: Reach, directory: Directory, database: Database
) -> None:
    await patch(client, do_not_disturb=True)
    async with database.session() as session:
        await directory.remove(session, "1001")
    assert reach.rules("1001") == NO_RULES
    async with database.session() as session:
        await directory.create(session, [NewAccount(number="1001", password="x")])
    assert not (await client.get(PATH)).json()["do_not_disturb"]


async def test_callbacks_are_listed_by_age_withdrawn_and_limited(
    client: httpx.AsyncClient, callbacks: Callbacks
) -> None:
    for number in ("1002", "1003", "1004", "1005", "1006"):
        callbacks.ask("1001", number)
    with pytest.raises(Conflict):
        callbacks.ask("1001", "1007")
    first = (await client.get("/api/v1/callbacks", params={"limit": 3})).json()
    rest = (await client.get("/api/v1/callbacks", params={"cursor": first["next"]})).json()
    assert [item["number"] for item in first["items"] + rest["items"]] == ["1002", "1003", "1004", "1005", "1006"]
    assert (await client.delete("/api/v1/callbacks/1001/1003")).status_code == 204
    assert (await client.delete("/api/v1/callbacks/1001/1003")).status_code == 404
    assert callbacks.withdraw("1001") == 4
