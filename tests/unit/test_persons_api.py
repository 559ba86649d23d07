"""People with one number over HTTP and by feature codes; what cannot be is refused by its place."""

from typing import Any

import httpx
import pytest

from softswitch.calls.signals import Origin
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.persons.call_app import person_setting_app
from softswitch.features.persons.feature import build
from softswitch.features.persons.model import AccountState, Person
from softswitch.features.persons.service import Persons
from softswitch.features.routing.model import Plan, RouteRequest, demo_plan
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.opening import Opening
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client

PATH = "/api/v1/persons"
ANN = {
    "number": "7001",
    "name": "Ann",
    "owner": "1001",
    "devices": [
        {"name": "desk", "account": "1001"},
        {"name": "cell", "trunk": "uas", "number": "80009", "while_open": "office", "callers": ["+49*"]},
    ],
    "final": "voicemail/1001",
}


class Surroundings:
    """One calendar, two accounts, and a trunk; all is well with them."""

    def why_missing(self, destination: Destination) -> str | None:
        kind, name = destination
        known = {"account": ("1001", "1002"), "trunk": ("uas",), "voicemail": ("1001",), "person": ("7002", "7003")}
        return None if name in known.get(kind, ()) else f"there is no {kind} {name!r}"

    def account_state(self, account: str) -> AccountState | None:
        return AccountState()

    def trunk_refusal(self, trunk: str, number: str) -> str | None:
        return None

    def exists(self, name: str) -> bool:
        return name == "office"

    def opening(self, calendar: str, at_ms: int) -> Opening:
        if not self.exists(calendar):
            raise NotFound("calendar", calendar)
        return Opening(True, "always")


@pytest.fixture
async def directory(database: Database, clock: StandingClock) -> Directory:
    directory = Directory("softswitch", clock)
    async with database.session() as session:
        await directory.create(session, [NewAccount(number=number, password="x") for number in ("1001", "1002")])
    return directory


@pytest.fixture
def persons(directory: Directory) -> Persons:
    persons = Persons(directory, Surroundings(), Surroundings())
    directory.goes_with(persons.forget)
    return persons


@pytest.fixture
def client(database: Database, persons: Persons) -> httpx.AsyncClient:
    nobody: Any = None
    router = build(persons, nobody, nobody, database).router
    assert router is not None
    return admin_client(database, [router])


async def test_a_person_is_made_changed_shown_and_deleted(
    client: httpx.AsyncClient, persons: Persons, database: Database
) -> None:
    made = await client.post(PATH, json=ANN)
    assert made.status_code == 201, made.text
    desk, cell = made.json()["devices"]
    assert (desk["order"], desk["confirm"], cell["order"], cell["confirm"]) == (1, False, 2, True)
    assert (await client.post(PATH, json=ANN)).status_code == 409
    changed = await client.patch(f"{PATH}/7001", json={"strategy": "cyclic", "rounds": 2})
    assert changed.json() == made.json() | {"strategy": "cyclic", "rounds": 2}
    assert (await client.get(f"{PATH}/7001")).json() == changed.json()
    assert [item["number"] for item in (await client.get(PATH)).json()["items"]] == ["7001"]
    await persons.load(database)
    known = persons.person("7001")
    assert known is not None and (known.strategy, known.devices[1].callers) == ("cyclic", ("+49*",))
    assert persons.users_of("office") == ["device cell of person 7001"]
    assert (await client.delete(f"{PATH}/7001")).status_code == 204
    assert (await client.get(f"{PATH}/7001")).status_code == 404
    await persons.load(database)
    assert persons.person("7001") is None


async def test_devices_are_put_and_taken_away_one_by_one(client: httpx.AsyncClient, persons: Persons) -> None:
    await client.post(PATH, json=ANN)
    put = await client.put(f"{PATH}/7001/devices/soft", json={"account": "1002", "delay_seconds": 5})
    assert put.status_code == 200, put.text
    assert [(device["name"], device["order"]) for device in put.json()["devices"]] == [
        ("desk", 1),
        ("cell", 2),
        ("soft", 3),
    ]
    put = await client.put(f"{PATH}/7001/devices/desk", json={"account": "1002", "order": 1, "confirm": True})
    assert put.json()["devices"][0]["confirm"] is True
    assert (await client.delete(f"{PATH}/7001/devices/cell")).status_code == 204
    assert (await client.delete(f"{PATH}/7001/devices/cell")).status_code == 404
    known = persons.person("7001")
    assert known is not None and [device.name for device in known.devices] == ["desk", "soft"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"strategy": "loudest"}, "strategy"),
        ({"rounds": 0}, "rounds"),
        ({"seconds": 1000}, "seconds"),
        ({"owner": "1099"}, "owner"),
        ({"final": "nowhere"}, "final"),
        ({"final": "dialplan/default"}, "final"),
        ({"final": "person/7001"}, "final"),
        ({"final": "queue/lost"}, "final"),
        ({"devices": [{"name": "desk", "account": "1099"}]}, "devices.desk.account"),
        ({"devices": [{"name": "cell", "trunk": "none", "number": "1"}]}, "devices.cell.trunk"),
        ({"final_number": "1002"}, "final_number"),
        ({"devices": [{"name": "desk"}]}, "devices.desk"),
        ({"devices": [{"name": "desk", "account": "1001", "trunk": "uas"}]}, "devices.desk"),
        ({"devices": [{"name": "cell", "trunk": "uas"}]}, "devices.cell.number"),
        ({"devices": [{"name": "desk", "account": "1001"}] * 2}, "devices.desk"),
        ({"devices": [{"name": "desk", "account": "1001", "while_open": "shop"}]}, "devices.desk.while_open"),
        ({"devices": [{"name": "desk", "account": "1001", "callers": ["a b"]}]}, "devices.desk.callers"),
        ({"devices": [{"name": "desk", "account": "1001", "skip_when": ["bored"]}]}, "skip_when"),
        ({"devices": [{"name": "desk", "account": "1001", "ring_seconds": 1}]}, "ring_seconds"),
        ({"ring": 3}, "ring"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_place_and_nothing_changes(
    client: httpx.AsyncClient, change: dict[str, Any], where: str
) -> None:
    before = (await client.post(PATH, json=ANN)).json()
    refused = await client.patch(f"{PATH}/7001", json=change)
    assert refused.status_code == 422 and where in refused.text, refused.text
    assert (await client.get(f"{PATH}/7001")).json() == before


async def test_calls_cannot_go_round_from_person_to_person(client: httpx.AsyncClient) -> None:
    for number, final in (("7001", "person/7002"), ("7002", "person/7003")):
        assert (await client.post(PATH, json={"number": number, "final": final})).status_code == 201
    refused = await client.post(PATH, json={"number": "7003", "final": "person/7001"})
    assert refused.status_code == 422 and "leads back to person 7003" in refused.text
    assert (await client.post(PATH, json={"number": "7003"})).status_code == 201
    in_use = await client.delete(f"{PATH}/7003")
    assert in_use.status_code == 409 and "7002" in in_use.text


async def test_an_account_owns_one_person(client: httpx.AsyncClient) -> None:
    await client.post(PATH, json=ANN)
    assert (await client.post(PATH, json=ANN | {"number": "7002"})).status_code == 409
    assert (await client.post(PATH, json=ANN | {"number": "7002", "owner": "1002"})).status_code == 201
    assert (await client.patch(f"{PATH}/7002", json={"owner": "1001"})).status_code == 409


async def test_what_is_an_accounts_goes_with_it(
    client: httpx.AsyncClient, directory: Directory, persons: Persons, database: Database
) -> None:
    await client.post(PATH, json=ANN | {"final": "", "final_number": "1002"})
    async with database.session() as session:
        await directory.remove(session, "1001")
    known = persons.person("7001")
    assert known is not None
    assert (known.owner, known.final_number, [device.name for device in known.devices]) == ("", "", ["cell"])


async def test_another_process_changes_a_person(
    client: httpx.AsyncClient, directory: Directory, database: Database
) -> None:
    here = Persons(directory, Surroundings(), Surroundings())
    changes = Changes(database)
    await changes.start({"persons": here.load})
    await client.post(PATH, json=ANN)
    database.own_changes.clear()  # as if it had been another's
    await changes.look()
    await changes.stop()
    assert here.person("7001") is not None


class FakeCaller:
    def __init__(self, kind: str = "account", name: str = "1001") -> None:
        self.origin = self.routed_as = Origin(kind, name, "default")
        self.heard = 0

    async def tone(self, frequency: float, seconds: float | None = None) -> None:
        self.heard += 1


async def dial(persons: Persons, database: Database, number: str, caller: Any) -> Person:
    """What happens to a call to one of the demo plan's codes."""
    plan = Plan.compile(demo_plan(), 1)
    destination = plan.route(RouteRequest(number, "1001", "default", "account", "1001", 0)).destination
    assert destination is not None and destination.kind == "person-setting"
    assert await person_setting_app(persons, database)(caller, destination.name) is None
    known = persons.person("7001")
    assert known is not None
    return known


async def test_codes_set_how_ones_number_rings(client: httpx.AsyncClient, persons: Persons, database: Database) -> None:
    await client.post(PATH, json=ANN)
    caller = FakeCaller()
    for code, strategy in (("*262", "sequential"), ("*263", "cyclic"), ("*261", "simultaneous")):
        assert (await dial(persons, database, code, caller)).strategy == strategy
    assert [device.enabled for device in (await dial(persons, database, "*2652", caller)).devices] == [True, False]
    assert [device.enabled for device in (await dial(persons, database, "*2642", caller)).devices] == [True, True]
    after = await dial(persons, database, "*266*97", caller)
    assert (after.final, after.final_number) == ("", "*97")
    assert (await dial(persons, database, "*266", caller)).final_number == ""
    assert caller.heard == 7
    before = persons.person("7001")
    await persons.load(database)
    assert persons.person("7001") == before


@pytest.mark.parametrize(
    ("name", "caller", "cause"),
    [
        ("strategy:none", FakeCaller(), Cause.INVALID_NUMBER_FORMAT),
        ("device-on:3", FakeCaller(), Cause.INVALID_NUMBER_FORMAT),
        ("device-off:0", FakeCaller(), Cause.INVALID_NUMBER_FORMAT),
        ("owner:1002", FakeCaller(), Cause.INVALID_NUMBER_FORMAT),
        ("strategy:cyclic", FakeCaller("guest"), Cause.FACILITY_REJECTED),
        ("strategy:cyclic", FakeCaller(name="1002"), Cause.FACILITY_REJECTED),
    ],
)
async def test_a_code_that_cannot_be_changes_nothing_and_is_not_confirmed(
    client: httpx.AsyncClient, persons: Persons, database: Database, name: str, caller: Any, cause: Cause
) -> None:
    await client.post(PATH, json=ANN)
    before = persons.person("7001")
    with pytest.raises(Rejected) as rejected:
        await person_setting_app(persons, database)(caller, name)
    assert rejected.value.cause is cause and caller.heard == 0 and persons.person("7001") == before


async def test_nobody_who_is_called_sets_something_of_who_calls(
    client: httpx.AsyncClient, persons: Persons, database: Database
) -> None:
    await client.post(PATH, json=ANN)
    caller: Any = FakeCaller()
    caller.routed_as = Origin("account", "1002", "default")
    with pytest.raises(Rejected, match="1002 forwards to a code of 1001"):
        await person_setting_app(persons, database)(caller, "strategy:cyclic")
