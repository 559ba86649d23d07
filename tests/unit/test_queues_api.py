"""Queues and agents over HTTP: what is stored is what is shown, what cannot be is refused by its place."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import httpx
import pytest

from softswitch.calls.leg_rules import LegRules
from softswitch.engine.bus import Bus
from softswitch.engine.caller import Candidate
from softswitch.events import CallerQueued, Fact
from softswitch.features.acd.feature import build
from softswitch.features.acd.model.inputs import AgentAnswered, CallbackAccepted, CallbackCancelled, CallerArrived
from softswitch.features.acd.service import Queues
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.opening import Opening
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog, LoggedFact
from tests.support.admin_plane import StandingClock, admin_client

SALES = {
    "name": "sales",
    "strategy": "round_robin",
    "wrap_up": {"mode": "fixed", "seconds": 12.5, "code": "none"},
    "needs": [{"skill": "english", "level": 3}],
    "relaxation": [{"after_seconds": 60, "needs": [{"skill": "english", "level": 1}], "tier": 1}],
    "capacity": 20,
    "wait_most_seconds": 300,
    "overflow_to": "account/1001",
    "exits": {"digit 1": "account/1002"},
    "announcements": {"every_seconds": 30, "comfort": ["queues/please-wait"]},
    "calendar": "office",
}
ALICE = {"id": "alice", "account": "1001", "skills": {"english": 4}, "queues": [{"queue": "sales", "rank": 1}]}


class Surroundings:
    """One calendar, two accounts without a phone, and nobody on a call."""

    def why_missing(self, destination: Destination) -> str | None:
        return None if str(destination) in ("account/1001", "account/1002") else f"there is no {destination}"

    def exists(self, name: str) -> bool:
        return name == "office"

    def opening(self, calendar: str, at_ms: int) -> Opening:
        if not self.exists(calendar):
            raise NotFound("calendar", calendar)
        return Opening(True, "always")

    def awake(self, number: str, rules: LegRules | None = None) -> Sequence[Candidate]:
        return ()

    def sleeps(self, number: str) -> bool:
        return False

    async def woken(self, number: str, caller: Party, rules: LegRules | None = None) -> Sequence[Candidate]:
        return ()

    def engaged(self, account: str) -> Collection[LegId]:
        return ()


Make = Callable[..., Queues]
"""Takes who hears facts, and the log; nobody and none unless they are named."""


@pytest.fixture
async def make(database: Database, clock: StandingClock) -> Make:
    directory = Directory("softswitch", clock)
    async with database.session() as session:
        await directory.create(session, [NewAccount(number=number, password="x") for number in ("1001", "1002")])
    around, nothing = Surroundings(), cast(Any, None)

    def queues(publish: Callable[[Fact], None] = lambda fact: None, log: Any = nothing) -> Queues:
        return Queues(clock, publish, directory, around, around, around, around, nothing, nothing, log)

    return queues


@pytest.fixture
def queues(make: Make) -> Queues:
    return make()


@pytest.fixture
def client(database: Database, queues: Queues) -> httpx.AsyncClient:
    router = build(queues, database).router
    assert router is not None
    return admin_client(database, [router])


async def create(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/queues", json=SALES)).status_code == 201
    assert (await client.post("/api/v1/agents", json=ALICE)).status_code == 201


async def test_a_queue_is_shown_as_it_was_made_with_how_it_stands(client: httpx.AsyncClient) -> None:
    await create(client)
    shown = (await client.get("/api/v1/queues/sales")).json()
    for name, value in SALES.items():
        if name != "announcements":
            assert shown[name] == value
    assert shown["announcements"] == {
        "first_seconds": 10,
        "every_seconds": 30,
        "position": True,
        "expected": True,
        "comfort": ["queues/please-wait"],
    }
    assert (shown["waiting"], shown["signed_on"], shown["account"]["offered"]) == (0, 0, 0)
    assert [queue["name"] for queue in (await client.get("/api/v1/queues")).json()["items"]] == ["sales"]


async def test_a_change_touches_what_it_names(client: httpx.AsyncClient, queues: Queues) -> None:
    await create(client)
    changed = await client.patch("/api/v1/queues/sales", json={"ring_seconds": 7, "capacity": None})
    assert changed.status_code == 200 and changed.json()["strategy"] == "round_robin"
    live = queues.queue("sales")
    assert live is not None and (live.rules.ring_ms, live.rules.capacity, live.rules.wait_most_ms) == (
        7000,
        None,
        300_000,
    )
    changed = await client.patch("/api/v1/agents/alice", json={"skills": {"english": 5}})
    assert changed.json()["queues"] == [{"queue": "sales", "rank": 1, "order": 0, "weight": 1, "tier": 0}]
    agent = queues.agent("alice")
    assert agent is not None and agent.profile.skills == {"english": 5}


@pytest.mark.parametrize(
    ("said", "status", "where"),
    [
        ({"strategy": "luck"}, 422, "strategy"),
        ({"overflow_to": "account/9999"}, 422, "destination"),
        ({"calendar": "moon"}, 422, "calendar"),
        ({"strategy": "webhook"}, 422, "webhook"),
        ({"relaxation": [{"after_seconds": 9}, {"after_seconds": 3}]}, 422, "relaxation"),
        ({"wrap_up": {"mode": "sometimes"}}, 422, "mode"),
    ],
)
async def test_what_cannot_be_of_a_queue_is_refused_by_its_place(
    client: httpx.AsyncClient, said: dict[str, Any], status: int, where: str
) -> None:
    await create(client)
    refused = await client.patch("/api/v1/queues/sales", json=said)
    assert refused.status_code == status and where in refused.text
    assert (await client.get("/api/v1/queues/sales")).json()["strategy"] == "round_robin"


async def test_what_cannot_be_of_an_agent_is_refused(client: httpx.AsyncClient) -> None:
    await create(client)
    again = await client.post("/api/v1/agents", json=ALICE | {"id": "bob"})
    assert (again.status_code, "alice" in again.text) == (409, True)
    for said in ({"queues": [{"queue": "none"}]}, {"account": "9"}, {"skills": {"english": 0}}):
        assert (await client.patch("/api/v1/agents/alice", json=said)).status_code == 422
    assert (await client.post("/api/v1/agents/bob/sign-on", json={})).status_code == 404
    assert (await client.post("/api/v1/agents/alice/ready", json={})).status_code == 409


async def test_an_agent_signs_on_is_not_ready_and_signs_off(client: httpx.AsyncClient) -> None:
    await create(client)
    on = await client.post("/api/v1/agents/alice/sign-on", json={})
    assert (on.json()["state"], on.json()["seat"]) == ("available", "1001")
    twice = await client.post("/api/v1/agents/alice/sign-on", json={"seat": "1002"})
    assert (twice.status_code, "signed-on" in twice.text) == (409, True)
    away = await client.post("/api/v1/agents/alice/not-ready", json={"reason": "lunch"})
    assert (away.json()["state"], away.json()["reason"]) == ("not_ready", "lunch")
    force = {"state": "available", "reason": "busy day"}
    for role, status in (("operator", 403), ("supervisor", 200)):
        who = {"Authorization": f"Bearer {role}"}
        forced = await client.post("/api/v1/agents/alice/force", json=force, headers=who)
        assert forced.status_code == status
    assert forced.json()["state"] == "available"
    off = await client.post("/api/v1/agents/alice/sign-off", json={})
    assert (off.json()["state"], off.json()["seat"]) == ("logged_out", "")


async def test_two_agents_do_not_sit_at_one_phone(client: httpx.AsyncClient) -> None:
    await create(client)
    await client.post("/api/v1/agents", json={"id": "bob", "queues": [{"queue": "sales"}]})
    assert (await client.post("/api/v1/agents/bob/sign-on", json={"seat": "1001"})).status_code == 200
    taken = await client.post("/api/v1/agents/alice/sign-on", json={})
    assert (taken.status_code, "bob" in taken.text) == (409, True)
    await client.post("/api/v1/agents/bob/sign-off", json={})
    assert (await client.post("/api/v1/agents/alice/sign-on", json={})).status_code == 200


async def test_who_was_signed_on_is_so_after_a_restart(
    client: httpx.AsyncClient, database: Database, make: Make
) -> None:
    await create(client)
    await client.post("/api/v1/agents/alice/sign-on", json={"seat": "1002"})
    await client.post("/api/v1/agents/alice/not-ready", json={"reason": "lunch"})
    next_life = make()
    await next_life.load(database)
    agent = next_life.agent("alice")
    assert agent is not None
    assert (agent.state, agent.state_reason, agent.seat) == ("not_ready", "lunch", "1002")
    assert next_life.agent_at("1002") == "alice"


async def test_a_queue_that_others_lead_to_is_not_deleted_and_its_agents_lose_it(
    client: httpx.AsyncClient, queues: Queues
) -> None:
    await create(client)
    assert (await client.delete("/api/v1/queues/sales")).status_code == 204
    assert queues.queue("sales") is None
    assert (await client.get("/api/v1/queues/sales")).status_code == 404
    agent = queues.agent("alice")
    assert agent is not None and agent.members == []


async def test_why_a_caller_waits_is_told_over_http(client: httpx.AsyncClient, queues: Queues) -> None:
    await create(client)
    queues.tell(CallerArrived(call=CallId("c1"), queue="sales", number="0301234"))
    (waiting,) = (await client.get("/api/v1/queues/sales/callers")).json()["items"]
    assert (waiting["call_id"], waiting["number"], waiting["place"]) == ("c1", "0301234", 1)
    steps = (await client.get("/api/v1/queues/sales/callers/c1/explain")).json()["steps"]
    assert [step["rule"] for step in steps] == ["sales/place", "sales/agent/alice"]
    assert steps[1]["reason"].startswith("is not signed on")
    assert (await client.get("/api/v1/queues/sales/callers/c2/explain")).status_code == 404
    await client.patch("/api/v1/agents/alice", json={"skills": {"english": 5}})
    await client.post("/api/v1/agents/alice/sign-on", json={})
    chosen = (await client.get("/api/v1/queues/sales/callers/c1/explain")).json()
    assert (chosen["waits"], chosen["agent"]) == (True, "alice")
    queues.tell(AgentAnswered(_attempt(queues)))
    chosen = (await client.get("/api/v1/queues/sales/callers/c1/explain")).json()
    assert (chosen["waits"], chosen["agent"]) == (False, "alice")
    assert chosen["steps"][-1]["reason"] == "first in turn"
    queues.tell(CallerArrived(call=CallId("c2"), queue="sales", number="0301235"))
    pull, operator = "/api/v1/queues/sales/callers/c2/pull", {"Authorization": "Bearer operator"}
    assert (await client.post(pull, headers=operator)).status_code == 403
    assert (await client.post(pull)).status_code == 204
    assert (await client.get("/api/v1/queues/sales")).json()["account"]["overflowed"] == 1


async def test_who_waits_to_be_called_back_does_so_after_a_restart(
    client: httpx.AsyncClient, database: Database, make: Make
) -> None:
    await create(client)
    log = EventLog(database)
    log.start()
    bus = Bus()
    queues = make(bus.publish, log)
    for kind, hearer in queues.subscriptions():
        bus.subscribe(kind, hearer)
    bus.subscribe(Fact, log.append)
    await queues.load(database)
    for call, number in (("c1", "0301"), ("c2", "0302")):
        queues.tell(CallerArrived(call=CallId(call), queue="sales", number=number, data={"customer": call}))
        queues.tell(CallbackAccepted(call=CallId(call), number=number))
    first, second = (fact.stay for fact in [each.fact for each in await _read(log)] if isinstance(fact, CallerQueued))
    queues.tell(CallbackCancelled(first))
    await log.flush()
    next_life = make()
    assert await next_life.left_behind.read(database) == [second]
    await next_life.load(database)
    live = next_life.queue("sales")
    assert live is not None
    ((key, waiter),) = live.order
    assert (waiter.number, waiter.stay, waiter.data, key[2]) == ("0302", second, {"customer": "c2"}, second)
    await log.stop()


async def _read(log: EventLog) -> Sequence[LoggedFact]:
    await log.flush()
    return await log.read()


def _attempt(queues: Queues) -> int:
    """By which Alice is reserved."""
    agent = queues.agent("alice")
    assert agent is not None and agent.attempt is not None
    return agent.attempt.id
