"""/api/v1/flows: drafts, versions, rollback, simulation and reports."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import msgpack

from softswitch.events import Fact, FlowEnded, FlowPublished, FlowStep
from softswitch.features.ivr import store
from softswitch.features.ivr.feature import build
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.retention import Retention
from softswitch.features.ivr.service import CHANGED, IvrFlows
from softswitch.features.ivr.source import from_yaml
from softswitch.features.ivr.tables import PathRow
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.kernel.ids import CallId
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database
from softswitch.platform.event_log import Rows
from tests.support.admin_plane import StandingClock, admin_client

MENU = """\
flow: menu
title: A menu
nodes:
  ask:
    do: menu
    hear: main/menu
    choices: {1: sales}
    otherwise: bye
  sales: {do: transfer, to: account/1001}
  bye: {do: hang_up, hear: main/welcome}
"""
ROWS: list[tuple[object, ...]] = []


class Paper:
    """An event log that keeps rows."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, ...]] = []

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        assert into is store.PATHS and len(row) == len(into.columns)
        self.rows.append(row)


@pytest.fixture
def published() -> list[Fact]:
    return []


@pytest.fixture
def log() -> Paper:
    return Paper()


@pytest.fixture
def flows(clock: StandingClock, published: list[Fact], log: Paper) -> IvrFlows:
    parts = Parts()
    shipped = {"ships": from_yaml(MENU.replace("flow: menu", "flow: ships"), "ships", 0)}
    return IvrFlows(clock, published.append, log, shipped, parts, Catalogue(ShippedPrompts(SHIPPED), parts))


@pytest.fixture
def client(database: Database, flows: IvrFlows) -> httpx.AsyncClient:
    router = build(flows, ShippedPrompts(SHIPPED)).router
    assert router is not None
    return admin_client(database, [router])


async def publish(client: httpx.AsyncClient, source: str, name: str = "menu") -> dict[str, Any]:
    response = await client.post(f"/api/v1/flows/{name}/publish", json={"source": source, "comment": "a test"})
    assert response.status_code == 201, response.text
    version: dict[str, Any] = response.json()
    return version


async def test_a_draft_is_checked_kept_and_published(
    client: httpx.AsyncClient, flows: IvrFlows, published: list[Fact]
) -> None:
    assert (await client.get("/api/v1/flows/menu/draft")).status_code == 404
    kept = await client.put("/api/v1/flows/menu/draft", json={"source": MENU})
    assert kept.status_code == 200 and kept.json()["source"] == MENU
    assert "menu" not in flows.live
    response = await client.post("/api/v1/flows/menu/publish", json={})
    assert response.status_code == 201 and response.json()["version"] == 1
    assert flows.live["menu"].title == "A menu"
    assert [(fact.flow, fact.version) for fact in published if isinstance(fact, FlowPublished)] == [("menu", 1)]
    assert (await client.get("/api/v1/flows/menu/draft")).status_code == 404
    listed = (await client.get("/api/v1/flows")).json()["items"]
    assert [(each["name"], each["version"]) for each in listed] == [("menu", 1), ("ships", 0)]
    assert (await client.get("/api/v1/flows/menu")).json()["source"] == MENU


async def test_what_is_wrong_is_refused_with_every_place_and_the_old_one_stays(
    client: httpx.AsyncClient, flows: IvrFlows
) -> None:
    await publish(client, MENU)
    wrong = MENU.replace("1: sales", "1: nobody").replace("otherwise: bye", "otherwise: ask")
    for request in (
        client.put("/api/v1/flows/menu/draft", json={"source": wrong}),
        client.post("/api/v1/flows/menu/publish", json={"source": wrong}),
    ):
        refused = await request
        assert refused.status_code == 422
        assert refused.json()["errors"] == [
            {"field": "menu:4: ask", "message": "there is no node 'nobody', which should follow 1"}
        ]
    assert flows.live["menu"].version == 1
    checked = (await client.post("/api/v1/flows/check", json={"source": wrong})).json()
    assert [(each["line"], each["node"], each["warning"]) for each in checked] == [(4, "ask", False)]
    other = await client.put("/api/v1/flows/other/draft", json={"source": MENU})
    assert other.json()["errors"] == [{"field": "other:1", "message": "the flow calls itself 'menu'"}]
    bad = await client.put("/api/v1/flows/menu/draft", json={"source": "flow: [\n"})
    assert bad.status_code == 422 and bad.json()["errors"][0]["field"].startswith("menu:")


async def test_flows_that_go_through_each_other_in_a_circle_are_refused(client: httpx.AsyncClient) -> None:
    through = "flow: {0}\nnodes:\n  a: {{do: flow, flow: {1}, next: b}}\n  b: {{do: return}}\n"
    await publish(client, through.format("menu", "ships"))
    await publish(client, through.format("other", "menu"), "other")
    response = await client.put("/api/v1/flows/ships/draft", json={"source": through.format("ships", "other")})
    assert response.status_code == 422
    assert response.json()["detail"] == "ships:1: it goes through itself, by other and menu"


async def test_what_is_old_is_deleted(
    client: httpx.AsyncClient, flows: IvrFlows, log: Paper, database: Database, clock: StandingClock, tmp_path: Path
) -> None:
    now = clock.wall_ms()
    for call, age in (("new", 1), ("old", 40)):
        flows.ended(ended(call, now - age * 86_400_000, "left", FlowStep("ask", "menu", 0)))
        file = tmp_path / "flows" / "menu" / f"{call}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF")
        os.utime(file, (0, now / 1000 - age * 86_400))
    names = list(store.PATHS.columns)
    async with database.session() as session:
        session.add_all([PathRow(**dict(zip(names, row, strict=True))) for row in log.rows])
    assert await Retention(database, clock, tmp_path / "flows", 30).sweep() == 2
    assert [file.name for file in (tmp_path / "flows" / "menu").iterdir()] == ["new.wav"]
    kept = (await client.get("/api/v1/flows/menu/paths")).json()["items"]
    assert [path["call_id"] for path in kept] == ["new"]
    assert await Retention(database, clock, tmp_path / "nothing", 30).sweep() == 0


async def test_versions_are_kept_and_rolled_back_to(client: httpx.AsyncClient, flows: IvrFlows) -> None:
    await publish(client, MENU)
    await publish(client, MENU.replace("A menu", "Another"))
    assert flows.live["menu"].title == "Another"
    back = await client.post("/api/v1/flows/menu/rollback", json={"version": 1})
    assert (back.json()["version"], back.json()["rolled_back_to"]) == (3, 1)
    assert (flows.live["menu"].title, flows.live["menu"].version) == ("A menu", 3)
    versions = (await client.get("/api/v1/flows/menu/versions")).json()["items"]
    assert [each["version"] for each in versions] == [3, 2, 1]
    second = (await client.get("/api/v1/flows/menu/versions/2")).json()
    assert "Another" in second["source"] and second["comment"] == "a test"
    assert (await client.post("/api/v1/flows/menu/rollback", json={"version": 9})).status_code == 404
    assert (await client.get("/api/v1/flows/nobody/versions")).status_code == 404


async def test_what_was_published_over_a_flow_that_ships_can_be_withdrawn(
    client: httpx.AsyncClient, flows: IvrFlows
) -> None:
    assert (await client.delete("/api/v1/flows/ships")).status_code == 409
    assert (await client.delete("/api/v1/flows/nobody")).status_code == 404
    await publish(client, MENU.replace("flow: menu", "flow: ships"), "ships")
    await publish(client, MENU)
    assert flows.live["ships"].version == 1
    for name in ("ships", "menu"):
        assert (await client.delete(f"/api/v1/flows/{name}")).status_code == 204
    assert flows.live["ships"].version == 0 and "menu" not in flows.live
    assert (await client.get("/api/v1/flows/menu")).status_code == 404
    await client.post("/api/v1/flows/menu/rollback", json={"version": 1})
    assert flows.live["menu"].version == 3


async def test_another_process_sees_what_was_published(
    client: httpx.AsyncClient, flows: IvrFlows, database: Database, clock: StandingClock
) -> None:
    await publish(client, MENU)
    await publish(client, MENU.replace("flow: menu", "flow: ships"), "ships")
    await client.delete("/api/v1/flows/ships")
    parts = Parts()
    other = IvrFlows(clock, lambda fact: None, Paper(), flows.shipped, parts, Catalogue(ShippedPrompts(SHIPPED), parts))
    elsewhere = Database(database.url.render_as_string(hide_password=False))
    changes = Changes(elsewhere)
    await changes.start({CHANGED: other.load})
    assert {name: each.version for name, each in other.live.items()} == {"menu": 1, "ships": 0}
    await publish(client, MENU)
    await changes.look()
    assert other.live["menu"].version == 2
    await changes.stop()
    await elsewhere.close()


async def test_a_stored_flow_that_is_no_longer_accepted_does_not_stop_the_switch(
    client: httpx.AsyncClient, flows: IvrFlows, database: Database
) -> None:
    await publish(client, MENU)
    async with database.session() as session:
        row = await store.version(session, "menu", 1)
        assert row is not None
        row.source = "flow: menu\nnodes: {a: {do: a-node-of-the-past}}\n"
    await flows.load(database)
    assert flows.live["menu"].source == MENU, "what was there stays"


async def test_a_caller_on_paper_goes_through_a_flow_and_its_draft(client: httpx.AsyncClient) -> None:
    await publish(client, MENU)
    await client.put("/api/v1/flows/menu/draft", json={"source": MENU.replace("account/1001", "account/1002")})
    for draft, destination in ((False, "account/1001"), (True, "account/1002")):
        asked = {"press": "1", "at": "2026-02-17T10:00:00+08:00", "from": "2000", "draft": draft}
        told = (await client.post("/api/v1/flows/menu/simulate", json=asked)).json()
        assert told["destination"] == destination
        assert [line["what"] for line in told["lines"]] == ["hears", "presses", "goes to"]
        assert [(step["node"], step["result"]) for step in told["steps"]] == [("ask", "1"), ("sales", destination)]
    bad = await client.post("/api/v1/flows/menu/simulate", json={"press": "x"})
    assert bad.status_code == 422 and "x" in bad.text
    assert (await client.post("/api/v1/flows/nobody/simulate", json={})).status_code == 404


def ended(call: str, began: int, outcome: str, *steps: FlowStep) -> FlowEnded:
    return FlowEnded(
        at=began + 9000,
        call=CallId(call),
        flow="menu",
        version=1,
        began_at=began,
        outcome=outcome,
        destination="account/1001" if outcome == "transferred" else "",
        language="en",
        steps=steps,
    )


async def test_a_report_tells_where_callers_leave(
    client: httpx.AsyncClient, flows: IvrFlows, log: Paper, database: Database
) -> None:
    ask = FlowStep("ask", "menu", 0, "1")
    flows.ended(ended("c1", 1000, "transferred", ask, FlowStep("sales", "transfer", 4000, "account/1001")))
    flows.ended(ended("c2", 2000, "left", FlowStep("ask", "menu", 0)))
    again = (FlowStep("ask", "menu", 0, "silent"), FlowStep("bye", "hang_up", 3000), FlowStep("ask", "menu", 6000))
    flows.ended(ended("c3", 3000, "left", *again))
    names = list(store.PATHS.columns)
    async with database.session() as session:
        session.add_all([PathRow(**dict(zip(names, row, strict=True))) for row in log.rows])
    report = (await client.get("/api/v1/flows/menu/report")).json()
    assert (report["calls"], report["complete"], report["outcomes"]) == (3, True, {"left": 2, "transferred": 1})
    nodes = {node["node"]: node for node in report["nodes"]}
    assert (nodes["ask"]["calls"], nodes["ask"]["visits"], nodes["ask"]["left"]) == (3, 4, 2)
    assert nodes["ask"]["drop_off"] == pytest.approx(2 / 3, abs=1e-3)
    assert nodes["ask"]["results"] == {"left": 2, "silent": 1, "1": 1}
    assert nodes["ask"]["seconds"] == pytest.approx((4 + 9 + 3 + 3) / 4)
    assert nodes["sales"]["left"] == 0
    some = (await client.get("/api/v1/flows/menu/report", params={"since": "1970-01-01T00:00:02Z"})).json()
    assert some["calls"] == 2
    paths = (await client.get("/api/v1/flows/menu/paths", params={"limit": 2})).json()
    assert [path["call_id"] for path in paths["items"]] == ["c3", "c2"]
    rest = (await client.get("/api/v1/flows/menu/paths", params={"limit": 2, "cursor": paths["next"]})).json()
    assert [path["call_id"] for path in rest["items"]] == ["c1"] and rest["next"] is None
    assert rest["items"][0]["steps"][1]["result"] == "account/1001"
    assert (await client.get("/api/v1/flows/menu/paths", params={"call_id": "c2"})).json()["items"][0][
        "outcome"
    ] == "left"


def test_a_call_that_comes_through_a_flow_twice_at_once_has_two_paths(flows: IvrFlows, log: Paper) -> None:
    for _ in range(2):
        flows.ended(ended("c1", 1000, "transferred"))
    assert len({row[0] for row in log.rows}) == 2


def test_a_path_that_was_logged_is_read_again() -> None:
    fact = ended("c1", 1000, "left", FlowStep("ask", "menu", 0))
    assert msgpack.decode(msgpack.encode(fact), type=FlowEnded) == fact
