"""Which talks the rules have recorded, decided once for both who talk, and what a recording is linked to."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from msgspec import structs

from softswitch.engine.bus import Bus
from softswitch.events import (
    CallAnswered,
    CallerLeftQueue,
    CallFact,
    CallOffered,
    Fact,
    LegAnswered,
    LegArrived,
    LegDialed,
    LegEnded,
    LegMoved,
    LegsBridged,
    RecordingDecided,
    RecordingStarted,
)
from softswitch.features.callcontrol.model import trace
from softswitch.features.recording.feature import build
from softswitch.features.recording.files import Files
from softswitch.features.recording.model import Link, Policy
from softswitch.features.recording.model.rules import Rule, Talk, decide, talk_between
from softswitch.features.recording.service import Recordings
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from tests.support.admin_plane import StandingClock, admin_client

CALL = CallId("b1-000001")
CALLER, AGENT, COLLEAGUE, FOURTH = (LegId(f"{CALL}.{number}") for number in (1, 2, 3, 4))
OFFERED = CallOffered(
    at=1,
    call=CALL,
    leg=CALLER,
    from_number="84321",
    from_name="",
    to_number="6001",
    origin_kind="trunk",
    origin="carrier",
    context="default",
    source="",
)
TALK = Talk(CALLER, AGENT, ("1002",), ("carrier",), "inbound", Link("sales", 7, "ann"))


def dialled(leg: LegId, destination: str) -> LegDialed:
    where = Destination.parse(destination)
    return LegDialed(at=2, call=CALL, leg=leg, destination=where, number=where.name, target="")


def answered(stay: int = 7, agent: str = "ann", queue: str = "sales") -> CallerLeftQueue:
    return CallerLeftQueue(at=3, call=CALL, queue=queue, stay=stay, queued_at=1, outcome="answered", agent=agent)


def bridged(a: LegId, b: LegId, call: CallId = CALL) -> LegsBridged:
    return LegsBridged(at=4, call=call, a=a, b=b)


def gone(leg: LegId) -> LegEnded:
    return LegEnded(at=9, call=CALL, leg=leg, cause=Cause.NORMAL_CLEARING, by_party=True)


class Studio:
    def __init__(self) -> None:
        self.orders: list[tuple[object, ...]] = []
        self.past_us = False

    def record(self, leg: LegId, recording: int, file: Path, *, layout: str, format: str) -> None:
        if self.past_us:
            raise Conflict("not-through-us", "past us")
        self.orders.append(("record", leg, recording))

    def pause_recording(self, recording: int, mask: str) -> None: ...
    def resume_recording(self, recording: int) -> None: ...

    def stop_recording(self, recording: int) -> None:
        self.orders.append(("stop", recording))

    def kept_recordings(self) -> dict[Path, int]:
        return {}

    def beep(self, leg: LegId) -> None: ...


class House:
    """The service, and calls that are told to it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.live: dict[CallId, list[CallFact]] = {}
        self.bus = Bus()
        self.told: list[Fact] = []
        self.log = EventLog(database)
        self.bus.subscribe(Fact, self.told.append)
        self.bus.subscribe(Fact, self.log.append)
        self.studio = Studio()
        self.recordings = self.again()
        for kind, hearer in build(self.recordings).subscriptions:
            self.bus.subscribe(kind, hearer)

    def again(self) -> Recordings:
        return Recordings(
            self.studio, self, self.log, self.bus, StandingClock(), Files(Path("/nowhere")), lambda: 0.5, beep_after=0
        )

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        return self.live.get(call)

    def happen(self, *facts: CallFact) -> None:
        for fact in facts:
            self.live.setdefault(fact.call, []).append(fact)
            self.bus.publish(fact)

    async def rules(self, *rules: Rule) -> None:
        for rule in rules:
            async with self.database.session() as session:
                await self.recordings.rules.set(session, rule)

    @property
    def decided(self) -> list[RecordingDecided]:
        return [fact for fact in self.told if isinstance(fact, RecordingDecided)]

    def recorded(self) -> list[LegId]:
        """What runs now."""
        running: dict[object, LegId] = {}
        for order in self.studio.orders:
            if order[0] == "record":
                running[order[2]] = order[1]  # type: ignore[assignment]
            else:
                running.pop(order[1], None)
        return list(running.values())


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    house = House(database, tmp_path)
    house.log.start()
    yield house
    await house.log.stop()


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (Rule(name="r"), ""),
        (Rule(name="r", queues=("sales", "support"), agents=("ann",)), ""),
        (Rule(name="r", queues=("support",)), "queue sales is not one of support"),
        (Rule(name="r", agents=("ben",)), "agent ann is not one of ben"),
        (Rule(name="r", accounts=("1001", "1002"), trunks=("carrier",), direction="inbound"), ""),
        (Rule(name="r", accounts=("1001",)), "account 1002 is not one of 1001"),
        (Rule(name="r", trunks=("other",)), "trunk carrier is not one of other"),
        (Rule(name="r", direction="outbound"), "it is inbound, not outbound"),
        (Rule(name="r", queues=("sales",), agents=("ben",)), "agent ann is not one of ben"),
    ],
    ids=str,
)
def test_all_that_a_rule_names_must_hold(rule: Rule, why: str) -> None:
    decision = decide([rule], TALK)
    assert decision.records is (why == "")
    assert [(step.result, step.reason) for step in decision.steps] == [
        ("skipped", why) if why else ("matched", "all such talks are recorded")
    ]


def test_without_a_queue_no_queue_matches() -> None:
    plain = Talk(CALLER, AGENT, ("1001", "1002"), (), "internal", Link())
    decision = decide([Rule(name="r", queues=("sales",))], plain)
    assert decision.rule is None and decision.steps[0].reason == "no queue has to do with it"


def test_the_first_that_matches_decides() -> None:
    never, always = Rule(name="never", agents=("ann",), mode="none"), Rule(name="always")
    decision = decide([never, always], TALK)
    assert (decision.rule, decision.records) == (never, False)
    decision = decide([Rule(name="other", queues=("support",), mode="none"), always], TALK)
    assert (decision.rule, decision.records, len(decision.steps)) == (always, True, 2)
    assert decide([Rule(name="ask", mode="on-demand"), always], TALK).records is False


def test_a_percentage_is_that_of_all_talks_and_each_is_decided_once_whoever_asks() -> None:
    rule = Rule(name="r", mode="percentage", percentage=30)
    talks = [
        Talk(LegId(f"b1-{number:06}.1"), LegId(f"b1-{number:06}.2"), (), (), "internal", Link())
        for number in range(10_000)
    ]
    recorded = [decide([rule], talk).records for talk in talks]
    assert 2850 <= sum(recorded) <= 3150
    turned = [structs.replace(talk, leg=talk.other, other=talk.leg) for talk in talks]
    assert [decide([rule], talk).records for talk in turned] == recorded
    for percentage, count in ((0, 0), (100, 10_000)):
        rule = structs.replace(rule, percentage=percentage)
        assert sum(decide([rule], talk).records for talk in talks) == count
    assert (
        "30 of 100 are recorded; this one is at "
        in decide([structs.replace(rule, percentage=30)], TALK).steps[0].reason
    )


@pytest.mark.parametrize(
    ("facts", "a", "b", "direction", "accounts"),
    [
        ([OFFERED, dialled(AGENT, "account/1002")], CALLER, AGENT, "inbound", ("1002",)),
        (
            [structs.replace(OFFERED, origin_kind="account", origin="1001"), dialled(AGENT, "trunk/carrier")],
            CALLER,
            AGENT,
            "outbound",
            ("1001",),
        ),
        (
            [structs.replace(OFFERED, origin_kind="account", origin="1001"), dialled(AGENT, "account/1002")],
            CALLER,
            AGENT,
            "internal",
            ("1001", "1002"),
        ),
    ],
    ids=["inbound", "outbound", "internal"],
)
def test_who_called_whom(facts: list[CallFact], a: LegId, b: LegId, direction: str, accounts: tuple[str, ...]) -> None:
    talk = talk_between(facts, a, b)
    assert talk is not None and (talk.direction, talk.accounts) == (direction, accounts)
    turned = talk_between(facts, b, a)
    assert turned is not None and turned.direction == direction
    assert talk_between([*facts, gone(AGENT)], a, b) is None


async def test_a_talk_of_a_queue_is_recorded_and_linked(house: House) -> None:
    await house.rules(Rule(name="sales", queues=("sales",)))
    house.happen(OFFERED, CallAnswered(at=2, call=CALL), dialled(AGENT, "account/1002"))
    house.happen(LegAnswered(at=3, call=CALL, leg=AGENT), answered())
    assert house.recorded() == [], "nobody talks yet"
    house.happen(bridged(CALLER, AGENT))
    assert house.recorded() == [CALLER], "one side, and what that hears"
    (decided,) = house.decided
    assert (decided.outcome, decided.rule, decided.queue, decided.stay, decided.agent) == (
        "recorded",
        "sales",
        "sales",
        7,
        "ann",
    )
    (started,) = [fact for fact in house.told if isinstance(fact, RecordingStarted)]
    assert (started.by, started.rule, started.queue, started.stay, started.agent) == (
        "rule",
        "sales",
        "sales",
        7,
        "ann",
    )
    story = trace([*house.live[CALL], decided])
    assert story is not None
    assert [(each.by, each.destination, each.steps[0].rule) for each in story.decisions] == [
        ("recording", "recorded", "sales")
    ]


async def test_it_goes_on_while_the_agent_asks_somebody_and_comes_back(house: House) -> None:
    await house.rules(Rule(name="sales", queues=("sales",)))
    house.happen(OFFERED, dialled(AGENT, "account/1002"), answered(), bridged(CALLER, AGENT))
    other = CallId("b1-000002")
    house.happen(
        LegMoved(at=5, call=CALL, leg=AGENT, to=other),
        structs.replace(OFFERED, call=other, leg=AGENT, origin_kind="account", origin="1002"),
        LegArrived(
            at=5, call=other, leg=AGENT, from_call=CALL, destination=Destination("account", "1002"), number="", up=True
        ),
        structs.replace(dialled(COLLEAGUE, "account/1003"), call=other),
        bridged(AGENT, COLLEAGUE, other),
    )
    assert house.recorded() == [CALLER], "what they say is no talk of the queue"
    house.happen(
        LegArrived(
            at=6, call=CALL, leg=AGENT, from_call=other, destination=Destination("account", "1002"), number="", up=True
        ),
        bridged(CALLER, AGENT),
    )
    assert house.recorded() == [CALLER] and len(house.studio.orders) == 1
    assert [fact.outcome for fact in house.decided] == ["recorded", "not_recorded"]


async def test_with_a_transfer_to_another_agent_the_next_talk_is_decided_anew(house: House) -> None:
    await house.rules(Rule(name="ann", agents=("ann",)), Rule(name="support", queues=("support",), mode="percentage"))
    house.happen(OFFERED, dialled(AGENT, "account/1002"), answered(), bridged(CALLER, AGENT), gone(AGENT))
    assert house.recorded() == [CALLER], "music and ringing are on it"
    house.happen(dialled(COLLEAGUE, "account/1003"), answered(8, "ben", "support"), bridged(CALLER, COLLEAGUE))
    assert [order[0] for order in house.studio.orders] == ["record", "stop", "record"]
    assert [(fact.rule, fact.stay, fact.agent) for fact in house.decided] == [("ann", 7, "ann"), ("support", 8, "ben")]
    house.happen(gone(COLLEAGUE), dialled(FOURTH, "account/1004"), bridged(CALLER, FOURTH))
    assert house.recorded() == [], "who talks with somebody else than the agent talks with no queue's"
    assert (house.decided[-1].outcome, house.decided[-1].queue) == ("not_recorded", "")


async def test_what_runs_already_is_not_recorded_twice_nor_ended(house: House) -> None:
    async with house.database.session() as session:
        await house.recordings.set_policy(session, Policy(account="1002", mode="all"))
    await house.rules(Rule(name="sales", queues=("sales",)))
    house.happen(OFFERED, dialled(AGENT, "account/1002"), LegAnswered(at=3, call=CALL, leg=AGENT))
    assert house.recorded() == [AGENT]
    house.happen(answered(), bridged(CALLER, AGENT))
    assert house.recorded() == [AGENT]
    assert house.decided[0].outcome == "recorded" and house.decided[0].steps[-1].reason == "it is recorded already"
    (known,) = house.recordings._live.values()
    assert (known.by, known.queue, known.stay, known.agent) == ("policy", "sales", 7, "ann"), "linked when she answers"
    house.happen(dialled(COLLEAGUE, "account/1003"), bridged(AGENT, COLLEAGUE))
    assert house.recorded() == [AGENT], "a policy's goes on"


async def test_sound_that_goes_past_us_harms_nothing_and_is_in_the_trace(house: House) -> None:
    await house.rules(Rule(name="all"))
    house.studio.past_us = True
    house.happen(OFFERED, dialled(AGENT, "account/1002"), bridged(CALLER, AGENT))
    (decided,) = house.decided
    assert (decided.outcome, decided.steps[-1].result) == ("failed", "failed")


async def test_on_demand_a_party_presses_the_code(house: House) -> None:
    await house.rules(
        Rule(name="ask", queues=("sales",), mode="on-demand", layout="mixed"),
        Rule(name="none", position=1, mode="none"),
    )
    house.happen(OFFERED, dialled(AGENT, "account/1002"), answered(), bridged(CALLER, AGENT))
    assert house.decided[0].outcome == "on_demand" and house.recorded() == []
    assert house.recordings.toggle(CALL, AGENT) == f"{AGENT}-1 begins"
    (known,) = house.recordings._live.values()
    assert (known.by, known.rule, known.layout, known.queue, known.agent) == ("code", "ask", "mixed", "sales", "ann")
    house.happen(gone(AGENT), dialled(COLLEAGUE, "account/1003"), bridged(CALLER, COLLEAGUE))
    assert house.recordings.toggle(CALL, COLLEAGUE) == "what 1003 says may not be recorded"


async def test_without_rules_calls_are_not_looked_at_and_nothing_is_kept_of_those_that_end(house: House) -> None:
    house.happen(OFFERED, dialled(AGENT, "account/1002"), bridged(CALLER, AGENT))
    assert house.decided == []
    await house.rules(Rule(name="all"))
    house.happen(bridged(CALLER, AGENT), gone(CALLER))
    assert house.recordings.rules._talks == {}
    async with house.database.session() as session:
        await house.recordings.rules.remove(session, "all")
    house.happen(bridged(CALLER, AGENT))
    assert len(house.decided) == 1


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    router = build(house.recordings).router
    assert router is not None
    async with admin_client(house.database, [router]) as client:
        client.base_url = httpx.URL("http://switch/api/v1")
        yield client


async def test_rules_over_http(house: House, client: httpx.AsyncClient) -> None:
    operator = {"Authorization": "Bearer operator"}
    body = {"queues": ["sales"], "mode": "percentage", "percentage": 20, "position": 5}
    assert (await client.put("/recording-rules/sales", json=body, headers=operator)).status_code == 403
    made = (await client.put("/recording-rules/sales", json=body)).json()
    assert made == {
        "name": "sales",
        **body,
        "agents": [],
        "accounts": [],
        "trunks": [],
        "direction": "any",
        "layout": "stereo",
        "format": "wav",
        "consent_tone": False,
        "keep_days": 0,
    }
    assert (await client.get("/recording-rules/sales", headers=operator)).json() == made
    assert (await client.put("/recording-rules/first", json={"mode": "none"})).status_code == 200
    page = (await client.get("/recording-rules?limit=1")).json()
    rest = (await client.get(f"/recording-rules?cursor={page['next']}")).json()
    assert [each["name"] for each in page["items"] + rest["items"]] == ["first", "sales"]
    again = house.again()
    await again.load(house.database)
    assert list(again.rules.all()) == list(house.recordings.rules.all())
    for wrong in ({"percentage": 101}, {"direction": "up"}, {"queues": ["a b"]}, {"mode": "some"}, {"colour": "red"}):
        assert (await client.put("/recording-rules/x", json=wrong)).status_code == 422, wrong
    assert (await client.delete("/recording-rules/sales")).status_code == 204
    assert (await client.delete("/recording-rules/sales")).status_code == 404


async def test_recordings_are_found_by_queue_agent_stay_and_rule(house: House, client: httpx.AsyncClient) -> None:
    await house.rules(Rule(name="ann", agents=("ann",)), Rule(name="all", position=1))
    house.happen(OFFERED, dialled(AGENT, "account/1002"), answered(), bridged(CALLER, AGENT), gone(AGENT))
    house.happen(dialled(COLLEAGUE, "account/1003"), answered(8, "ben", "support"), bridged(CALLER, COLLEAGUE))

    async def found(query: str) -> list[str]:
        return [each["id"][-1] for each in (await client.get(f"/recordings?{query}")).json()["items"]]

    assert await found("queue=sales") == await found("agent=ann") == await found("stay=7") == ["1"]
    assert await found("queue=support&agent=ben") == await found("rule=all") == ["2"]
    assert await found("queue=sales&agent=ben") == []
    assert await found(f"call={CALL}") == ["2", "1"]
