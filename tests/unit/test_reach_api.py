from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from softswitch.calls.signals import Origin
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.reach.call_app import setting_app
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.feature import build
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.model import NO_RULES
from softswitch.features.reach.service import Reach
from softswitch.features.registrar.phones import Phones
from softswitch.features.registrar.service import Registrations
from softswitch.features.routing.model import Plan, RouteRequest, demo_plan
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Conflict, NotFound, Rejected
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
    router = build(reach, Lines(), callbacks, database).router
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


class FakeCaller:
    """Hears a tone until it has had enough."""

    def __init__(self, kind: str = "account") -> None:
        self.origin = self.routed_as = Origin(kind, "1001", "default")
        self.heard = 0

    async def tone(self, frequency: float, seconds: float | None = None) -> None:
        self.heard += 1


async def dial(reach: Reach, database: Database, number: str, kind: str = "account") -> FakeCaller:
    """What happens to a call to one of the demo plan's codes."""
    plan = Plan.compile(demo_plan(), 1)
    destination = plan.route(RouteRequest(number, "1001", "default", "account", "1001", 0)).destination
    assert destination is not None and destination.kind == "setting", destination
    caller: Any = FakeCaller(kind)
    assert await setting_app(reach, database)(caller, destination.name) is None
    heard: FakeCaller = caller
    return heard


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        ("*721003", "forward_always", "1003"),
        ("*73", "forward_always", ""),
        ("*901003", "forward_busy", "1003"),
        ("*91", "forward_busy", ""),
        ("*92*97", "forward_no_answer", "*97"),
        ("*93", "forward_no_answer", ""),
        ("*94801", "forward_offline", "801"),
        ("*95", "forward_offline", ""),
        ("*78", "do_not_disturb", True),
        ("*79", "do_not_disturb", False),
        ("*70", "call_waiting", True),
        ("*71", "call_waiting", False),
        ("*77", "reject_anonymous", True),
        ("*87", "reject_anonymous", False),
        ("*75071003", "speed_dials", {"05": "1", "07": "1003"}),
        ("*7505", "speed_dials", {}),
    ],
)
async def test_a_code_of_the_demo_plan_sets_what_it_says_and_is_confirmed(
    client: httpx.AsyncClient, reach: Reach, database: Database, number: str, field: str, value: object
) -> None:
    before = {f"forward_{when}": "1009" for when in ("always", "busy", "no_answer", "offline")}
    await patch(
        client,
        **before,
        speed_dials={"05": "1"},
        do_not_disturb=value is False,
        call_waiting=value is False,
        reject_anonymous=value is False,
    )
    caller = await dial(reach, database, number)
    assert caller.heard == 1
    assert getattr(reach.rules("1001"), field) == value
    assert (await client.get(PATH)).json()[field] == value


@pytest.mark.parametrize(
    ("name", "kind", "cause"),
    [
        ("forward_always:1001", "account", Cause.INVALID_NUMBER_FORMAT),
        ("do_not_disturb:perhaps", "account", Cause.INVALID_NUMBER_FORMAT),
        ("speed_dial:x1003", "account", Cause.INVALID_NUMBER_FORMAT),
        ("password:x", "account", Cause.INVALID_NUMBER_FORMAT),
        ("forward_always:1003", "guest", Cause.FACILITY_REJECTED),
    ],
)
async def test_a_setting_that_cannot_be_changes_nothing_and_is_not_confirmed(
    reach: Reach, database: Database, name: str, kind: str, cause: Cause
) -> None:
    caller: Any = FakeCaller(kind)
    with pytest.raises(Rejected) as rejected:
        await setting_app(reach, database)(caller, name)
    assert rejected.value.cause is cause
    assert caller.heard == 0 and reach.rules("1001") == NO_RULES


async def test_nobody_who_is_called_sets_something_of_who_calls(reach: Reach, database: Database) -> None:
    """A forward to `*72` and a number, of somebody whom 1001 calls."""
    caller: Any = FakeCaller()
    caller.routed_as = Origin("account", "1002", "default")
    with pytest.raises(Rejected, match="1002 forwards to a code of 1001") as rejected:
        await setting_app(reach, database)(caller, "forward_always:1009")
    assert rejected.value.cause is Cause.FACILITY_REJECTED
    assert caller.heard == 0 and reach.rules("1001") == NO_RULES
