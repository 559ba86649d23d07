"""Lists over HTTP, with a real database and event log; agents and telephones are models."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from softswitch.engine.bus import Bus
from softswitch.events import (
    AgentStateChanged,
    AgentWrapUpCoded,
    CallEnded,
    CampaignStateChanged,
    Fact,
    LegAnswered,
    LegDialed,
    LegEnded,
    RecordClosed,
    RecordDialled,
    RecordPreviewed,
    RecordTried,
)
from softswitch.features.campaigns.feature import build
from softswitch.features.campaigns.service import Campaigns
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.opening import Opening
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from tests.support.admin_plane import StandingClock, admin_client

PREVIEW = {"name": "spring", "mode": "preview", "agents": ["anna"], "caller_id": "5550"}
VIEWER = {"Authorization": "Bearer viewer"}


class ModelAgents:
    """Agents as the queues have them: who is free, and to whom they are lent."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.free: list[str] = []
        self.loans: dict[int, str] = {}
        self.wrap_ups: list[int | None] = []
        self._last = 0

    def turn_up(self, agent: str) -> None:
        self.free.append(agent)
        self._say(agent, "available", 0)

    def available(self) -> list[str]:
        return list(self.free)

    def seat_of(self, agent: str) -> str:
        return {"anna": "1001", "ben": "1002"}.get(agent, "")

    def lend(self, agent: str) -> int:
        if agent not in self.free:
            raise Conflict("not-available", agent)
        self.free.remove(agent)
        self._last += 1
        self.loans[self._last] = agent
        self._say(agent, "outbound", self._last)
        return self._last

    def give_back(self, loan: int, agent: str, *, wrap_up_ms: int | None, talked: bool) -> None:
        self.wrap_ups.append(wrap_up_ms)
        assert self.loans.pop(loan) == agent
        if wrap_up_ms == 0:
            self.turn_up(agent)

    def _say(self, agent: str, state: Any, stay: int) -> None:
        self._bus.publish(AgentStateChanged(at=1, agent=agent, state=state, before="reserved", before_ms=0, stay=stay))


class ModelTelephones:
    """Rings whatever it is told to."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str, str]] = []
        self.missing = False

    def ring(self, account: str, shown: str, destination: Destination, *, auto_answer: bool) -> CallId:
        if self.missing:
            raise NotFound("registered phone of", account)
        self.rung.append((account, shown, str(destination)))
        return CallId(f"c{len(self.rung)}")


class ModelCalendars:
    def __init__(self) -> None:
        self.is_open = True

    def exists(self, name: str) -> bool:
        return name == "office"

    def opening(self, calendar: str, at_ms: int) -> Opening:
        return Opening(self.is_open, "it is said")


class House:
    """The feature and what it stands on."""

    def __init__(self, database: Database, clock: StandingClock) -> None:
        self.clock = clock
        self.bus = Bus()
        self.facts: list[Fact] = []
        self.bus.subscribe(Fact, self.facts.append)
        self.log = EventLog(database)
        self.agents, self.telephones, self.calendars = ModelAgents(self.bus), ModelTelephones(), ModelCalendars()
        self.campaigns = Campaigns(clock, self.bus, self.log, self.agents, self.telephones, self.calendars)
        feature = build(self.campaigns)
        for kind, hearer in feature.subscriptions:
            self.bus.subscribe(kind, hearer)
        assert feature.router is not None
        self.http = admin_client(database, [feature.router], clock=clock)

    async def __aenter__(self) -> "House":
        self.log.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.campaigns.stop()
        await self.http.aclose()
        await self.log.stop()

    def all(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def until(self, true: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while True:
                if true():
                    return
                await asyncio.sleep(0.005)

    async def post(self, path: str, body: Any = None, status: int = 204) -> Any:
        answer = await self.http.post(f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def get(self, path: str) -> Any:
        answer = await self.http.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def talks(self, call: str, *, cause: Cause = Cause.NORMAL_CLEARING, answered: bool = True) -> None:
        """The agent picks up, and the number does, or not."""
        of: dict[str, Any] = {"call": CallId(call)}
        at = self.clock.wall_ms()
        agent, number = LegId(f"{call}.1"), LegId(f"{call}.2")
        to = Destination("trunk", "uas")
        self.bus.publish(LegDialed(at=at, leg=agent, destination=to, number="1001", target="", **of))
        self.bus.publish(LegAnswered(at=at, leg=agent, **of))
        self.bus.publish(LegDialed(at=at, leg=number, destination=to, number="5551", target="", **of))
        if answered:
            self.bus.publish(LegAnswered(at=at, leg=number, **of))
            self.clock.now += 20
        at = self.clock.wall_ms()
        self.bus.publish(LegEnded(at=at, leg=number, cause=cause, by_party=True, **of))
        self.bus.publish(LegEnded(at=at, leg=agent, cause=cause, by_party=False, **of))
        self.bus.publish(CallEnded(at=at, cause=cause, **of))


@pytest.fixture
async def house(database: Database, clock: StandingClock) -> AsyncIterator[House]:
    async with House(database, clock) as house:
        await house.campaigns.load(database)
        house.campaigns.start()
        yield house


async def begun(house: House, **changes: Any) -> None:
    """A list with two numbers, that runs."""
    await house.post("/campaigns", PREVIEW | changes, 201)
    records = [{"number": "+5551", "attributes": {"name": "Anna B."}}, {"number": "5552"}]
    assert (await house.post("/campaigns/spring/records", records, 201))["added"] == 2
    await house.post("/campaigns/spring/run")


async def test_an_agent_is_given_a_record_takes_it_and_says_what_came_of_it(house: House) -> None:
    await begun(house, dispositions={"later": {"then": "again", "after_ms": 60000}}, wrap_up_ms=20_000)
    house.agents.turn_up("anna")
    await house.until(lambda: house.all(RecordPreviewed))
    (shown,) = house.all(RecordPreviewed)
    assert (shown.agent, shown.number, shown.attached) == ("anna", "+5551", {"name": "Anna B."})
    preview = await house.get("/agents/anna/preview")
    assert (preview["record"], preview["attributes"], preview["until"]) == (
        shown.record, {"name": "Anna B."}, "2023-11-14T22:31:00Z",
    )  # fmt: skip
    await house.post("/agents/anna/preview/accept", status=202)
    await house.until(lambda: house.telephones.rung)
    assert house.telephones.rung == [("1001", "+5551", "campaign/1")]
    assert (await house.get("/agents/anna/preview"))["until"] is None
    found = house.campaigns.calling(1)
    assert found is not None and (found[0].number, found[1]) == ("+5551", "5550")
    stored = await house.get("/campaigns/spring/records?state=dialling")
    assert [(row["number"], row["attempts"], row["agent"]) for row in stored["items"]] == [("+5551", 1, "anna")]

    house.talks("c1")
    await house.until(lambda: house.agents.wrap_ups == [20_000])
    (tried,) = house.all(RecordTried)
    assert (tried.result, tried.talk_ms, tried.of_call, tried.attempt) == ("answered", 20_000, "c1", 1)
    house.bus.publish(AgentWrapUpCoded(at=house.clock.wall_ms(), queue="", stay=1, agent="anna", code="later"))
    await house.log.flush()
    record = await house.get(f"/campaigns/spring/records/{shown.record}")
    assert (record["state"], record["code"], record["attempts"], record["tries"]) == (
        "waiting", "later", 1, {"answered": 1},
    )  # fmt: skip
    whole = await house.get("/campaigns/spring")
    assert (whole["state"], whole["records"], whole["left"], whole["calling"]) == ("running", 2, 2, 0)


async def test_without_a_preview_the_number_is_called_at_once_and_the_next_after_it(house: House) -> None:
    await begun(house, mode="progressive", wrap_up_ms=0)
    house.agents.turn_up("anna")
    await house.until(lambda: len(house.telephones.rung) == 1)
    assert house.agents.loans == {1: "anna"}
    house.talks("c1", answered=False, cause=Cause.USER_BUSY)
    await house.until(lambda: len(house.telephones.rung) == 2)
    assert [fact.result for fact in house.all(RecordTried)] == ["busy"]
    house.talks("c2", answered=False, cause=Cause.UNALLOCATED_NUMBER)
    await house.until(lambda: house.all(RecordClosed))
    await house.log.flush()
    whole = await house.get("/campaigns/spring")
    assert (whole["left"], whole["outcomes"]) == (1, {"failed": 1})


async def test_a_phone_that_cannot_be_rung_costs_the_number_no_attempt(house: House) -> None:
    house.telephones.missing = True
    await begun(house, mode="progressive", rest_ms=0)
    house.agents.turn_up("anna")
    await house.until(lambda: len(house.all(RecordTried)) >= 2)
    assert {fact.result for fact in house.all(RecordTried)} == {"agent_missed"}
    assert {fact.attempt for fact in house.all(RecordTried)} == {1}
    await house.post("/campaigns/spring/stop")


async def test_after_a_kill_no_number_is_called_twice_for_one_attempt_and_the_list_goes_on(
    database: Database, clock: StandingClock
) -> None:
    async with House(database, clock) as before:
        await before.campaigns.load(database)
        before.campaigns.start()
        await begun(before, mode="progressive")
        before.agents.turn_up("anna")
        await before.until(lambda: before.telephones.rung)
    # What was said after that never came to the disk.
    async with House(database, clock) as after:
        await after.campaigns.load(database)
        (lost,) = after.all(RecordTried)
        assert (lost.number, lost.result, lost.attempt) == ("+5551", "lost", 1)
        after.agents.free.append("anna")
        after.campaigns.start()
        await after.until(lambda: after.telephones.rung)
        assert after.telephones.rung == [("1001", "5552", "campaign/1")]
        assert [fact.state for fact in after.all(CampaignStateChanged)] == ["running"]


async def test_a_number_that_says_never_is_called_by_no_list(house: House) -> None:
    await begun(house, mode="progressive", dispositions={"never": {"then": "never"}})
    house.agents.turn_up("anna")
    await house.until(lambda: house.telephones.rung)
    house.talks("c1")
    await house.until(lambda: house.agents.wrap_ups)
    house.bus.publish(AgentWrapUpCoded(at=1, queue="", stay=1, agent="anna", code="never"))
    await asyncio.sleep(0)
    await house.log.flush()
    (barred,) = (await house.get("/do-not-call"))["items"]
    assert (barred["number"], barred["reason"]) == ("+5551", "told anna of spring")

    await house.post("/campaigns", PREVIEW | {"name": "summer", "mode": "progressive"}, 201)
    await house.post("/campaigns/summer/records", [{"number": "005551"}], 201)
    await house.post("/campaigns/spring/stop")
    await house.post("/campaigns/summer/run")
    house.agents.turn_up("anna")
    await house.until(lambda: [fact.outcome for fact in house.all(RecordClosed)][-1] == "do_not_call")
    assert len(house.all(RecordDialled)) == 1

    assert (await house.http.delete("/api/v1/do-not-call/+5551")).status_code == 204
    assert (await house.http.delete("/api/v1/do-not-call/+5551")).status_code == 404
    assert house.campaigns.barring._barred == set()


async def test_a_file_of_records_is_added_and_its_wrong_lines_are_told(house: House) -> None:
    await house.post("/campaigns", PREVIEW, 201)
    file = "\ufeffnumber;name;priority\n+49301;Anna;5\nnobody;Ben;\n0049301;again;\n5552;Chlöe;x\n5553;Dan\n"
    answer = await house.http.post("/api/v1/campaigns/spring/records/upload", content=file.encode())
    assert answer.status_code == 201, answer.text
    assert (answer.json()["added"], answer.json()["known"], answer.json()["wrong"]) == (2, 1, 2)
    assert [line["line"] for line in answer.json()["lines"]] == [3, 5]
    rows = (await house.get("/campaigns/spring/records"))["items"]
    assert [(row["number"], row["attributes"], row["priority"]) for row in rows] == [
        ("+49301", {"name": "Anna"}, 5),
        ("5553", {"name": "Dan"}, 0),
    ]
    for wrong in (b"phone,name\n1,2\n", b"\xff", b"number,number\n", b""):
        answer = await house.http.post("/api/v1/campaigns/spring/records/upload", content=wrong)
        assert answer.status_code == 422, answer.text


async def test_a_list_calls_within_its_hours(house: House) -> None:
    house.calendars.is_open = False
    await begun(house, mode="progressive", calendar="office")
    house.agents.turn_up("anna")
    assert (await house.get("/campaigns/spring"))["open"] is False
    assert not house.agents.loans
    house.calendars.is_open = True
    house.campaigns._look_at_calendar("spring")
    await house.until(lambda: house.telephones.rung)


async def test_what_cannot_be_is_refused(house: House) -> None:
    await house.post("/campaigns", PREVIEW | {"agents": []}, 201)
    await house.post("/campaigns", PREVIEW, 409)
    await house.post("/campaigns", PREVIEW | {"name": "a", "calendar": "none"}, 422)
    await house.post("/campaigns", PREVIEW | {"name": "a", "attempts": 0}, 422)
    await house.post("/campaigns", PREVIEW | {"name": "a", "retry": {"answered": {"after_ms": 1}}}, 422)
    await house.post("/campaigns/spring/run", status=422)  # nobody serves it
    await house.post("/campaigns/none/run", status=404)
    await house.post("/campaigns/none/records", [{"number": "1"}], 404)
    await house.post("/campaigns/spring/records", [{"number": "anna"}], 422)
    await house.post("/agents/anna/preview/accept", status=404)
    for path in ("/campaigns/none", "/campaigns/spring/records/9", "/agents/anna/preview"):
        assert (await house.http.get(f"/api/v1{path}")).status_code == 404
    assert (await house.http.delete("/api/v1/campaigns/spring/records/9")).status_code == 404
    assert (await house.http.post("/api/v1/campaigns", json=PREVIEW, headers=VIEWER)).status_code == 403


async def test_lists_are_changed_listed_and_deleted(house: House) -> None:
    await begun(house)
    answer = await house.http.patch("/api/v1/campaigns/spring", json={"attempts": 5, "agents": ["anna", "ben"]})
    assert answer.status_code == 200 and answer.json()["attempts"] == 5
    assert [row["name"] for row in (await house.get("/campaigns"))["items"]] == ["spring"]
    house.agents.turn_up("ben")
    await house.until(lambda: house.all(RecordPreviewed))
    assert (await house.http.delete("/api/v1/campaigns/spring")).status_code == 409
    await house.post("/agents/ben/preview/skip")
    await house.until(lambda: not house.agents.loans or len(house.all(RecordPreviewed)) == 2)
    await house.post("/campaigns/spring/stop")
    await house.until(lambda: not house.agents.loans)
    record = (await house.get("/campaigns/spring/records"))["items"][0]["record"]
    assert (await house.http.delete(f"/api/v1/campaigns/spring/records/{record}")).status_code == 204
    assert (await house.http.delete("/api/v1/campaigns/spring")).status_code == 204
    assert (await house.get("/campaigns"))["items"] == []
    await house.post("/campaigns", PREVIEW, 201)
    assert (await house.get("/campaigns/spring"))["records"] == 0
    await house.post("/campaigns/spring/records", [{"number": "5559"}], 201)
    (again,) = (await house.get("/campaigns/spring/records"))["items"]
    assert again["record"] > record + 1 and list(house.campaigns.one("spring").entries) == [again["record"]]
