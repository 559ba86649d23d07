from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.events import Fact, PlanPublished
from softswitch.features.routing.feature import build
from softswitch.features.routing.model import RouteRequest, demo_plan
from softswitch.features.routing.needs import PastCall
from softswitch.features.routing.service import CHANGED, DialPlan
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database, Session
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.no_calendars import NoCalendars


class Neighbours:
    """Accounts 1001 to 1003 and the trunk `uas`."""

    def origin_of(self, number: str) -> Origin | None:
        return Origin("account", number, "default") if number in ("1001", "1002", "1003") else None

    def prospect(self, destination: Destination, number: str, calling: Calling) -> Prospect:
        return Prospect()

    def why_missing(self, destination: Destination) -> str | None:
        if destination.kind == "account" and self.origin_of(destination.name) is None:
            return f"there is no account {destination.name!r}"
        return None

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        return None


class Past:
    """Calls of 1001 to four numbers, a minute apart from the epoch on, and one from the trunk."""

    async def between(self, session: Session, since: int, until: int) -> AsyncIterator[PastCall]:
        account, trunk = Destination("account", "1001"), Destination("trunk", "uas")
        calls = [("1001", number, account) for number in ("1002", "81234", "9196", "4444")]
        for minute, (caller, number, origin) in enumerate([*calls, ("+4930", "1001", trunk)]):
            if since <= minute * 60_000 < until:
                call = CallId(f"c-{minute}")
                yield PastCall(call, minute * 60_000, caller, number, origin, "default", Destination("echo", ""))


@pytest.fixture
def published() -> list[Fact]:
    return []


@pytest.fixture
def dial_plan(clock: StandingClock, published: list[Fact]) -> DialPlan:
    return DialPlan(clock, published.append, Neighbours(), Neighbours(), NoCalendars())


@pytest.fixture
def client(database: Database, dial_plan: DialPlan) -> httpx.AsyncClient:
    router = build(dial_plan, Past()).router
    assert router is not None
    return admin_client(database, [router])


@pytest.fixture
async def demo(client: httpx.AsyncClient, database: Database, dial_plan: DialPlan) -> httpx.AsyncClient:
    async with database.session() as session:
        await dial_plan.change(session, lambda _: demo_plan(), "system", "the demo")
    return client


async def add(client: httpx.AsyncClient, **rule: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/routes", json=rule)
    assert response.status_code == 201, response.text
    added: dict[str, Any] = response.json()
    return added


def goes_to(dial_plan: DialPlan, number: str, context: str = "default") -> str | None:
    asked = RouteRequest(number, "1001", context, "account", "1001", 0)
    destination = dial_plan.plan.route(asked).destination
    return str(destination) if destination is not None else None


async def order(client: httpx.AsyncClient) -> list[tuple[str, int]]:
    return [(rule["id"], rule["position"]) for rule in (await client.get("/api/v1/routes")).json()["items"]]


async def test_an_added_rule_routes_the_next_call_and_is_a_new_version(
    client: httpx.AsyncClient, dial_plan: DialPlan, published: list[Fact], clock: StandingClock
) -> None:
    added = await add(client, name="out", number="8XXXX", destination="trunk/uas")
    assert added.items() >= {"id": "default/out", "position": 1, "context": "default", "match": "pattern"}.items()
    assert goes_to(dial_plan, "81234") == "trunk/uas"
    [fact] = published
    assert isinstance(fact, PlanPublished)
    assert (fact.version, fact.rolled_back_to) == (1, None)
    assert (await client.get("/api/v1/routes/default/out")).json() == added


async def test_rules_are_put_changed_moved_and_removed(client: httpx.AsyncClient, dial_plan: DialPlan) -> None:
    await add(client, name="all", number="8XXXX", destination="echo")
    await add(client, name="one", number="81234", destination="tone", position=1, callers={"number": "1001"})
    assert await order(client) == [("default/one", 1), ("default/all", 2)]
    assert goes_to(dial_plan, "81234") == "tone"
    changed = await client.patch("/api/v1/routes/default/one", json={"callers": {"origin": "trunk"}})
    assert changed.json()["callers"] == {"number": "1001", "match": "pattern", "origin": "trunk"}
    assert goes_to(dial_plan, "81234") == "echo"
    moved = await client.patch("/api/v1/routes/default/one", json={"position": 2, "name": "renamed"})
    assert (moved.json()["id"], moved.json()["position"]) == ("default/renamed", 2)
    assert await order(client) == [("default/all", 1), ("default/renamed", 2)]
    assert (await client.delete("/api/v1/routes/default/all")).status_code == 204
    assert goes_to(dial_plan, "81234") is None
    assert (await client.get("/api/v1/routes/default/all")).status_code == 404
    assert dial_plan.plan.version == 5


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"name": "bad", "number": "1[", "destination": "echo"}, "default/bad.number"),
        ({"name": "bad", "number": "1", "destination": "hangup/nonsense"}, "default/bad.destination"),
        ({"name": "bad", "number": "1", "destination": "echo", "match": "guess"}, "match"),
        ({"name": "bad", "number": "1"}, "destination"),
        ({"name": "bad", "number": "1", "destination": "echo", "wieght": 1}, "wieght"),
        ({"name": "bad", "number": "1", "destination": "echo", "position": 0}, "position"),
    ],
)
async def test_a_bad_rule_is_refused_by_field_and_the_old_plan_stays(
    demo: httpx.AsyncClient, dial_plan: DialPlan, rule: dict[str, Any], field: str
) -> None:
    before = dial_plan.plan
    refused = await demo.post("/api/v1/routes", json=rule)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert dial_plan.plan is before
    assert (await demo.get("/api/v1/routes/versions")).json()["items"][0]["version"] == before.version


async def test_a_bad_change_names_its_field_and_changes_nothing(demo: httpx.AsyncClient, dial_plan: DialPlan) -> None:
    before = dial_plan.plan
    for body, field in (({"times": [{"start": "25:00"}]}, "default/accounts.times[0].start"), ({"strip": 1}, "strip")):
        refused = await demo.patch("/api/v1/routes/default/accounts", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert (await demo.patch("/api/v1/routes/default/none", json={"note": "x"})).status_code == 404
    clash = await demo.patch("/api/v1/routes/default/accounts", json={"name": "clock"})
    assert (clash.status_code, clash.json()["error_id"]) == (409, "exists")
    assert dial_plan.plan is before


async def test_rolling_back_publishes_the_old_rules_as_a_new_version(
    demo: httpx.AsyncClient, dial_plan: DialPlan, published: list[Fact]
) -> None:
    await demo.delete("/api/v1/routes/guest/uas")
    assert goes_to(dial_plan, "81234") is None
    back = await demo.post("/api/v1/routes/rollback", json={"version": 1})
    assert (back.json()["version"], back.json()["rolled_back_to"]) == (3, 1)
    assert goes_to(dial_plan, "81234") == "trunk/uas"
    assert dial_plan.document == demo_plan()
    assert isinstance(published[-1], PlanPublished)
    assert published[-1].rolled_back_to == 1
    assert (await demo.post("/api/v1/routes/rollback", json={"version": 9})).status_code == 404
    listed = (await demo.get("/api/v1/routes/versions", params={"limit": 2})).json()
    assert [version["version"] for version in listed["items"]] == [3, 2]
    rest = (await demo.get("/api/v1/routes/versions", params={"cursor": listed["next"]})).json()
    assert [version["version"] for version in rest["items"]] == [1]
    old = (await demo.get("/api/v1/routes/versions/2")).json()
    assert "uas" not in [rule["name"] for rule in old["document"]["rules"]]


async def test_the_plan_in_force_survives_a_restart(
    demo: httpx.AsyncClient, dial_plan: DialPlan, database: Database, clock: StandingClock
) -> None:
    again = DialPlan(clock, lambda fact: None, Neighbours(), Neighbours(), NoCalendars())
    await again.load(database)
    assert (again.document, again.plan.version) == (dial_plan.document, 1)
    assert goes_to(again, "9196") == "echo"


async def test_a_plan_that_another_process_published_is_noticed(database: Database, clock: StandingClock) -> None:
    here, there = (DialPlan(clock, lambda fact: None, Neighbours(), Neighbours(), NoCalendars()) for _ in range(2))
    changes = Changes(database)
    await changes.start({CHANGED: here.load})
    elsewhere = Database(str(database.url))
    async with elsewhere.session() as session:
        await there.change(session, lambda _: demo_plan(), "elsewhere", "the demo")
    await elsewhere.close()
    assert here.plan.version == 0
    await changes.look()
    assert (here.plan.version, here.document) == (1, there.document)
    await changes.stop()


async def test_a_switch_without_a_plan_says_so(dial_plan: DialPlan, database: Database) -> None:
    await dial_plan.load(database)
    assert dial_plan.plan.version == 0
    assert goes_to(dial_plan, "1001") is None


async def test_a_whole_plan_is_read_changed_and_given_back(demo: httpx.AsyncClient, dial_plan: DialPlan) -> None:
    plan = (await demo.get("/api/v1/routes/plan")).json()
    assert (plan.pop("version"), plan.pop("warnings")) == (1, [])
    plan["rules"] = plan["rules"][:1]
    given = await demo.put("/api/v1/routes/plan", json={**plan, "comment": "only accounts"})
    assert (given.json()["version"], given.json()["comment"]) == (2, "only accounts")
    assert goes_to(dial_plan, "1001") == "account/1001"
    assert goes_to(dial_plan, "9196") is None


async def test_contexts_come_and_go_and_are_kept_while_in_use(demo: httpx.AsyncClient, dial_plan: DialPlan) -> None:
    put = await demo.put("/api/v1/routes/contexts/lobby", json={"includes": ["guest"]})
    assert put.status_code == 200, put.text
    assert goes_to(dial_plan, "9196", "lobby") == "echo"
    loop = await demo.put("/api/v1/routes/contexts/guest", json={"includes": ["lobby"]})
    assert (loop.status_code, loop.json()["errors"][0]["field"]) == (422, "contexts.guest.includes")
    used = await demo.delete("/api/v1/routes/contexts/guest")
    assert (used.status_code, used.json()["error_id"]) == (409, "in-use")
    assert (await demo.delete("/api/v1/routes/contexts/lobby")).status_code == 204
    assert [context["name"] for context in (await demo.get("/api/v1/routes/contexts")).json()] == ["default", "guest"]


async def explain(client: httpx.AsyncClient, **question: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/routes/explain", json=question)
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


async def test_explaining_tells_the_destination_and_each_rule_tried(demo: httpx.AsyncClient) -> None:
    said = await explain(demo, **{"from": "1001", "to": "9196"})
    assert said["destination"] == {"kind": "echo", "name": ""}
    assert (said["cause"], said["context"], said["plan_version"]) == (None, "default", 1)
    assert said["steps"][0] == {
        "rule": "default/accounts",
        "result": "skipped",
        "reason": "9196 does not match the expression 10(0[1-9]|1[0-9]|20)",
    }
    assert said["steps"][-1]["rule"] == "guest/echo"
    assert said["steps"][-1]["result"] == "matched"


async def test_explaining_tells_what_would_fail(demo: httpx.AsyncClient) -> None:
    nowhere = await explain(demo, **{"from": "1001", "to": "4444"})
    assert (nowhere["destination"], nowhere["cause"]) == (None, "unallocated number")
    missing = await explain(demo, **{"from": "1001", "to": "1020"})
    assert missing["destination"] == {"kind": "account", "name": "1020"}
    assert missing["cause"] == "unallocated number"
    assert missing["steps"][-1] == {
        "rule": "account/1020",
        "result": "failed",
        "reason": "there is no account '1020'",
    }
    await add(demo, name="fax", number="4999", destination="hangup/service-not-implemented", note="no fax is built yet")
    not_built = await explain(demo, **{"from": "1001", "to": "4999"})
    assert (not_built["cause"], not_built["cause_code"]) == ("service not implemented", 79)
    assert not_built["steps"][-1]["reason"].endswith("no fax is built yet")


async def test_a_stranger_is_explained_as_a_guest_and_a_trunk_as_itself(demo: httpx.AsyncClient) -> None:
    stranger = await explain(demo, **{"from": "anyone", "to": "1001"})
    assert (stranger["destination"], stranger["context"]) == (None, "guest")
    assert stranger["steps"][0]["reason"] == "there is no account 'anyone': taken as a guest"
    trunk = await explain(demo, **{"from": "+49301", "to": "1001", "origin": "trunk/uas"})
    assert trunk["destination"] == {"kind": "account", "name": "1001"}


async def test_a_plan_can_be_tried_and_a_time_asked_before_anything_is_published(
    demo: httpx.AsyncClient, dial_plan: DialPlan
) -> None:
    open_hours = {"weekdays": ["mon"], "start": "09:00", "until": "17:00"}
    rule = {"name": "desk", "number": "1", "destination": "account/1001", "times": [open_hours]}
    question = {"from": "1001", "to": "1", "plan": {"rules": [rule]}}
    monday = await explain(demo, **question, at="2026-11-23T09:00:00Z")
    assert monday["destination"] == {"kind": "account", "name": "1001"}
    sunday = await explain(demo, **question, at="2026-11-22T09:00:00")
    assert (sunday["destination"], sunday["cause"]) == (None, "no route to destination")
    assert dial_plan.plan.version == 1
    refused = await demo.post("/api/v1/routes/explain", json={**question, "plan": {"rules": [{**rule, "number": "["}]}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "default/desk.number")


async def test_a_replay_lists_each_call_that_would_go_elsewhere_and_why(
    demo: httpx.AsyncClient, dial_plan: DialPlan
) -> None:
    plan = (await demo.get("/api/v1/routes/plan")).json()
    del plan["version"], plan["warnings"]
    asked = {"since": "1970-01-01", "until": "1970-01-02", "plan": plan}
    same = await demo.post("/api/v1/routes/replay", json=asked)
    assert same.status_code == 200, same.text
    assert same.json() == {"calls": 5, "elsewhere": 0, "plan_version": 1, "items": []}

    # 1002 is answered by 1003 in the first minute; nobody may call the echo; and the trunk is shown another number.
    rules = [rule for rule in plan["rules"] if rule["name"] != "echo"]
    early = {"start": "00:00", "until": "00:01"}
    rules.insert(0, {"name": "early", "number": "1002", "destination": "account/1003", "times": [early]})
    trunk = next(rule for rule in rules if rule["destination"] == "trunk/uas")
    trunk["caller_number"] = "+49${0}"
    response = await demo.post("/api/v1/routes/replay", json={**asked, "plan": {**plan, "rules": rules}})
    found = response.json()
    assert (found["calls"], found["elsewhere"]) == (5, 3)
    early_call, outside, echo = found["items"]
    assert (early_call["call_id"], early_call["started_at"]) == ("c-0", "1970-01-01T00:00:00.000Z")
    assert early_call["in_force"]["destination"] == {"kind": "account", "name": "1002"}
    assert early_call["tried"]["destination"] == {"kind": "account", "name": "1003"}
    assert early_call["steps"][-1]["rule"] == "default/early"
    assert early_call["recorded"] == {"kind": "echo", "name": ""}
    assert (outside["in_force"]["caller"], outside["tried"]["caller"]) == ("1001", "+491001")
    assert (echo["tried"]["destination"], echo["tried"]["cause"]) == (None, "unallocated number")
    assert dial_plan.plan.version == 1

    some = (
        await demo.post("/api/v1/routes/replay", json={**asked, "plan": {**plan, "rules": rules}, "limit": 1})
    ).json()
    assert (some["elsewhere"], len(some["items"])) == (3, 1)
    later = {**asked, "since": "1970-01-01T00:01:00Z", "plan": {**plan, "rules": rules}}
    assert (await demo.post("/api/v1/routes/replay", json=later)).json()["calls"] == 4


async def test_a_replay_takes_a_plan_or_a_version_and_refuses_what_cannot_be(demo: httpx.AsyncClient) -> None:
    since = {"since": "1970-01-01"}
    by_version = await demo.post("/api/v1/routes/replay", json={**since, "version": 1})
    assert by_version.json()["elsewhere"] == 0
    assert (await demo.post("/api/v1/routes/replay", json={**since, "version": 9})).status_code == 404
    for body, field in (
        (since, "plan"),
        ({**since, "version": 1, "until": "1969-12-31"}, "until"),
        ({**since, "plan": {"rules": [{"name": "x", "number": "[", "destination": "echo"}]}}, "default/x.number"),
        ({"version": 1}, "since"),
    ):
        refused = await demo.post("/api/v1/routes/replay", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
