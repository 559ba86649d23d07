"""Calendars over HTTP, by feature codes, and as conditions of the dial plan."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from softswitch.calls.signals import Origin
from softswitch.events import CalendarOverridden, Fact
from softswitch.features.calendars.call_app import calendar_app
from softswitch.features.calendars.feature import build
from softswitch.features.calendars.service import Calendars
from softswitch.features.routing.model import Plan, RouteRequest, demo_plan
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client

PATH = "/api/v1/calendars"
OFFICE = {
    "name": "office",
    "timezone": "Asia/Shanghai",
    "hours": {"mon": ["09:00-17:00"], "fri": ["09:00-17:00"]},
    "country": "CN",
}


class Users:
    def __init__(self) -> None:
        self.users: list[str] = []

    def users_of(self, calendar: str) -> Sequence[str]:
        return self.users


@pytest.fixture
def facts() -> list[Fact]:
    return []


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def calendars(clock: StandingClock, facts: list[Fact], users: Users) -> Calendars:
    return Calendars(clock, facts.append, users)


@pytest.fixture
def client(database: Database, calendars: Calendars) -> httpx.AsyncClient:
    router = build(calendars, database).router
    assert router is not None
    return admin_client(database, [router])


async def test_a_calendar_is_made_changed_shown_and_deleted(
    client: httpx.AsyncClient, calendars: Calendars, database: Database
) -> None:
    made = await client.post(PATH, json=OFFICE)
    assert made.status_code == 201, made.text
    assert (await client.post(PATH, json=OFFICE)).status_code == 409
    changed = await client.patch(f"{PATH}/office", json={"hours": {"tue": ["10:00-12:00"]}})
    assert changed.status_code == 200 and changed.json()["hours"] == {"tue": ["10:00-12:00"]}
    assert changed.json()["country"] == "CN"
    assert (await client.get(f"{PATH}/office")).json() == changed.json()
    assert [item["name"] for item in (await client.get(PATH)).json()["items"]] == ["office"]
    await calendars.load(database)
    assert calendars.timetable("office").calendar.hours == {"tue": ("10:00-12:00",)}
    assert (await client.delete(f"{PATH}/office")).status_code == 204
    assert (await client.get(f"{PATH}/office")).status_code == 404
    await calendars.load(database)
    assert not calendars.exists("office")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Nowhere/Town"}, "timezone"),
        ({"hours": {"mon": ["9"]}}, "hours"),
        ({"hours": {"mon": ["09:00-33:00"]}}, "hours.mon"),
        ({"country": "ZZ"}, "country"),
        ({"special": [{"name": "x", "dates": "never"}]}, "special.x.dates"),
        ({"opening": True}, "opening"),
    ],
)
async def test_what_cannot_be_is_refused_by_name_and_nothing_changes(
    client: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    before = (await client.post(PATH, json=OFFICE)).json()
    refused = await client.patch(f"{PATH}/office", json=change)
    assert refused.status_code == 422 and field in refused.text
    assert (await client.get(f"{PATH}/office")).json() == before


async def test_the_state_at_a_moment_says_why_and_when_it_changes(client: httpx.AsyncClient) -> None:
    await client.post(PATH, json=OFFICE)
    said = (await client.get(f"{PATH}/office/state", params={"at": "2026-11-27T10:00:00+08:00"})).json()
    assert said == {
        "open": True,
        "reason": "Fri 09:00-17:00",
        "at": "2026-11-27T02:00:00Z",
        "local": "2026-11-27T10:00:00+08:00",
        "next_change": "2026-11-27T09:00:00Z",
    }
    assert (await client.get(f"{PATH}/office/state")).json()["open"] in (True, False)
    assert (await client.get(f"{PATH}/office/state", params={"at": "0001-01-01T00:00:00"})).status_code == 422
    assert (await client.get(f"{PATH}/none/state")).status_code == 404


async def test_the_days_show_what_the_library_knows_and_special_times_mend_it(client: httpx.AsyncClient) -> None:
    await client.post(PATH, json=OFFICE)
    path = f"{PATH}/office/days"
    days = (await client.get(path, params={"from": "2026-02-13", "count": 5})).json()
    assert [(day["date"], day["kind"], day["hours"]) for day in days] == [
        ("2026-02-13", "hours", ["09:00-17:00"]),
        ("2026-02-14", "make-up workday", ["09:00-17:00"]),
        ("2026-02-15", "hours", []),
        ("2026-02-16", "holiday", []),
        ("2026-02-17", "holiday", []),
    ]
    special = {"dates": "2026-02-14", "note": "we do not work then"}
    put = await client.put(f"{PATH}/office/special/saturday", json=special)
    assert put.status_code == 200, put.text
    (day,) = (await client.get(path, params={"from": "2026-02-14", "count": 1})).json()
    assert (day["kind"], day["hours"], day["why"]) == ("special", [], "special time saturday: we do not work then")
    assert (await client.delete(f"{PATH}/office/special/saturday")).status_code == 204
    assert (await client.delete(f"{PATH}/office/special/saturday")).status_code == 404
    (day,) = (await client.get(path, params={"from": "2026-02-14", "count": 1})).json()
    assert day["kind"] == "make-up workday"
    assert (await client.get(path, params={"from": "0001-01-01"})).status_code == 422


async def test_a_hand_overrides_for_a_time_and_takes_it_back(
    client: httpx.AsyncClient, calendars: Calendars, clock: StandingClock, facts: list[Fact], database: Database
) -> None:
    await client.post(PATH, json=OFFICE)
    path, now = f"{PATH}/office/override", clock.wall_ms()
    soon = datetime.fromtimestamp(now / 1000 + 3600, UTC).isoformat()
    operator = {"Authorization": "Bearer operator"}
    assert (await client.put(path, json={"open": True, "until": soon}, headers=operator)).status_code == 200
    assert calendars.opening("office", now).open
    await calendars.load(database)
    assert "override by the operator until" in calendars.opening("office", now).reason
    assert not calendars.opening("office", now + 3_600_000).reason.startswith("override")
    assert (await client.delete(path, headers=operator)).status_code == 204
    assert (await client.delete(path)).status_code == 404
    for until in ("2001-01-01T00:00:00Z", "2099-01-01T00:00:00"):
        assert (await client.put(path, json={"open": True, "until": until})).status_code == 422
    viewer = {"Authorization": "Bearer viewer"}
    assert (await client.put(path, json={"open": True}, headers=viewer)).status_code == 403
    assert [(fact.open, fact.by) for fact in facts if isinstance(fact, CalendarOverridden)] == [
        (True, "the operator"),
        (None, ""),
    ]


async def test_a_calendar_that_something_goes_by_is_not_deleted(client: httpx.AsyncClient, users: Users) -> None:
    await client.post(PATH, json=OFFICE)
    users.users = ["dial plan rule default/day"]
    refused = await client.delete(f"{PATH}/office")
    assert refused.status_code == 409 and "dial plan rule default/day" in refused.text


async def test_another_process_changes_a_calendar(client: httpx.AsyncClient, database: Database) -> None:
    here = Calendars(StandingClock(), lambda fact: None, Users())
    changes = Changes(database)
    await changes.start({"calendars": here.load})
    database.own_changes.clear()
    await client.post(PATH, json=OFFICE)
    database.own_changes.clear()  # as if it had been another's
    await changes.look()
    await changes.stop()
    assert here.exists("office")


class FakeCaller:
    def __init__(self, clock: StandingClock, kind: str = "account") -> None:
        self.origin = self.routed_as = Origin(kind, "1001", "default")
        self.heard: list[tuple[str, ...]] = []
        self.wall_ms = clock.wall_ms

    async def play(self, *spoken: str) -> None:
        self.heard.append(tuple(each.removeprefix("calendars/") for each in spoken))


async def dialled(calendars: Calendars, database: Database, number: str, caller: Any) -> None:
    plan = Plan.compile(demo_plan(), 1)
    destination = plan.route(RouteRequest(number, "1001", "default", "account", "1001", 0)).destination
    assert destination is not None and destination.kind == "calendar"
    assert await calendar_app(calendars, database)(caller, destination.name) is None


async def test_codes_open_and_close_the_office_for_some_hours_or_for_good(
    client: httpx.AsyncClient, calendars: Calendars, database: Database, clock: StandingClock
) -> None:
    await client.post(PATH, json=OFFICE)
    now, caller = clock.wall_ms(), FakeCaller(clock)
    await dialled(calendars, database, "*28", caller)
    await dialled(calendars, database, "*281", caller)
    assert calendars.opening("office", now + 10**10) == calendars.opening("office", now)
    assert (calendars.opening("office", now).open, calendars.opening("office", now).reason) == (
        True,
        "override by 1001",
    )
    await dialled(calendars, database, "*28212", caller)
    assert not calendars.opening("office", now).open
    timetable = calendars.timetable("office")
    assert timetable.override is not None and timetable.override.until == now + 12 * 3_600_000
    await dialled(calendars, database, "*280", caller)
    assert calendars.timetable("office").override is None
    assert caller.heard == [
        ("closed", "by-hours"),
        ("open", "by-hand"),
        ("closed", "by-hand"),
        ("closed", "by-hours"),
    ]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("none:open", Cause.UNALLOCATED_NUMBER),
        ("office:ajar", Cause.INVALID_NUMBER_FORMAT),
        ("office:open:100", Cause.INVALID_NUMBER_FORMAT),
        ("office:open:0", Cause.INVALID_NUMBER_FORMAT),
        ("office:auto:1", Cause.INVALID_NUMBER_FORMAT),
        ("office:open:*", Cause.INVALID_NUMBER_FORMAT),
    ],
)
async def test_a_code_that_cannot_be_changes_nothing_and_is_not_confirmed(
    client: httpx.AsyncClient, calendars: Calendars, database: Database, clock: StandingClock, name: str, cause: Cause
) -> None:
    await client.post(PATH, json=OFFICE)
    caller: Any = FakeCaller(clock)
    with pytest.raises(Rejected) as rejected:
        await calendar_app(calendars, database)(caller, name)
    assert rejected.value.cause is cause and not caller.heard
    assert calendars.timetable("office").override is None


async def test_neither_guests_nor_who_was_forwarded_there_open_an_office(
    client: httpx.AsyncClient, calendars: Calendars, database: Database, clock: StandingClock
) -> None:
    await client.post(PATH, json=OFFICE)
    guest: Any = FakeCaller(clock, "guest")
    forwarded: Any = FakeCaller(clock)
    forwarded.routed_as = Origin("account", "1002", "default")
    for caller in (guest, forwarded):
        with pytest.raises(Rejected) as rejected:
            await calendar_app(calendars, database)(caller, "office:open")
        assert rejected.value.cause is Cause.FACILITY_REJECTED
    assert calendars.timetable("office").override is None


async def test_a_calendar_that_is_unknown_is_not_found(calendars: Calendars) -> None:
    with pytest.raises(NotFound):
        calendars.opening("none", 0)
