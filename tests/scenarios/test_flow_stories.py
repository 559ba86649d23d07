"""Flows with model phones: the same scripted caller hears the same by SIP as in the simulator."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from softswitch.demo import OFFICE
from softswitch.events import CallRouted, FlowEnded, FlowPublished
from softswitch.features.calendars.model import Override, Timetable
from softswitch.features.callcontrol.model.trace import trace
from softswitch.features.ivr import source
from softswitch.features.ivr.journey import Published
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.runtime import Flow
from softswitch.features.ivr.simulator import Prompts, Simulation, script, simulate
from softswitch.features.ivr.tables import VersionRow
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.kernel.destination import Destination
from tests.support.phone_calls import PhoneCall
from tests.support.queue_stories import desk
from tests.support.stories import causes, registered
from tests.support.switch import SimulatedSwitch

SHOWN = ShippedPrompts(SHIPPED)
PROMPT_SECONDS = 1.93
"""No key of these stories comes when a prompt ends: who is first then is a matter of microseconds."""
PROMPTS = Prompts(lambda language, name: f"{language}/{name}", SHOWN.text, lambda name: PROMPT_SECONDS)
PEOPLE = {"1002": "Jörg Weiß", "1003": "Li Wei"}


def on_paper(house: SimulatedSwitch, flow: str, press: str, *missing: str) -> Simulation:
    """What the simulator says."""
    local = LocalParts(SHOWN, set(house.features.flows.live), missing=missing, people=PEOPLE)
    parts = replace(local.parts(house.features.calendars), voice=None)  # as in the house
    return simulate(flow, house.features.flows.live, PROMPTS, at_ms=house.clock.wall_ms(), press=press, parts=parts)


async def dialled(house: SimulatedSwitch, press: str) -> PhoneCall:
    """A caller of 5000 who presses keys as `softswitch call` does."""
    house.media.PROMPT_SECONDS = PROMPT_SECONDS
    for number, account in house.features.directory._accounts.items():
        house.features.directory._accounts[number] = replace(account, name=PEOPLE.get(number, ""))
    (alice,) = await registered(house, "1001")
    call = alice.call("5000")
    await call.until("up")
    began = house.loop.time()
    for after, key in script(press):
        await asyncio.sleep(began + after - house.loop.time() + 0.001)
        if call.state == "up":
            house.press(call, key)
    return call


def path(house: SimulatedSwitch) -> FlowEnded:
    (ended,) = [fact for fact in house.facts if isinstance(fact, FlowEnded)]
    return ended


def heard(house: SimulatedSwitch) -> list[str]:
    return [PROMPTS.shown(sounds) for _, sounds in house.media.played]


@pytest.mark.parametrize(
    "press",
    [
        "",
        "1",
        "1,,9",
        "2",
        ",,9,,,2",
        "3,,,1003#",
        "3,,,9999,,,,0",
        "3,,5674#,,1",
        "3,,93#,,2,,1",
        "3,,22#",
        "7,,,7,,,7",
        ",,,3,,,,,,,,,,,,,,,,,,,,0",
        "0",
    ],
)
async def test_the_same_caller_hears_the_same_by_sip_and_on_paper(house: SimulatedSwitch, press: str) -> None:
    told = on_paper(house, "main", press, "account/9999", "account/0")
    call = await dialled(house, press)
    await asyncio.sleep(60)
    ended = path(house)
    assert heard(house) == told.heard
    assert [(step.node, step.result) for step in ended.steps] == [(s.node, s.result) for s in told.path.steps]
    assert (ended.outcome, ended.destination) == (told.path.outcome, told.path.destination)
    assert ended.destination == str(told.destination)
    call.hang_up()
    await house.settled()


async def test_a_caller_who_hangs_up_leaves_its_path_and_where_it_left(house: SimulatedSwitch) -> None:
    call = await dialled(house, ",,3")
    await asyncio.sleep(1)
    call.hang_up()
    await call.until("over")
    await asyncio.sleep(1)
    ended = path(house)
    assert [(step.node, step.result) for step in ended.steps] == [
        ("welcome", "heard"),
        ("hours", "open"),
        ("menu", "3"),
        ("directory", ""),
        ("directory/name", ""),
    ]
    assert ended.outcome == "left" and ended.version == 0
    (row,) = house.features.rows
    assert "main" in row and "left" in row
    told = trace([fact for fact in house.facts_of_calls if fact.call == ended.call])
    assert told is not None
    decision = told.decisions[-1]
    assert (decision.by, decision.destination) == ("flow:main", None)
    assert [(step.rule, step.result) for step in decision.steps][-2:] == [
        ("directory", "left"),
        ("directory/name", "left"),
    ]
    await house.settled()


async def test_a_transfer_is_a_routing_decision_with_its_steps(house: SimulatedSwitch) -> None:
    call = await dialled(house, "1")
    await asyncio.sleep(5)
    routed = [fact for fact in house.facts if isinstance(fact, CallRouted)]
    assert [(str(fact.destination), fact.by) for fact in routed] == [
        ("flow/main", "dialplan:default"),
        ("queue/sales", "flow:main"),
    ]
    assert [(step.rule, step.result) for step in routed[1].steps] == [
        ("welcome", "heard"),
        ("hours", "open"),
        ("menu", "1"),
        ("sales", "queue/sales"),
    ]
    call.hang_up()
    await house.settled()


async def test_whoever_holds_the_menu_holds_whom_it_is_put_through_to(house: SimulatedSwitch) -> None:
    (seat,) = await desk(house, "alice")
    call = await dialled(house, "")
    assert call.offer_again("sendonly")
    await call.when(lambda: call.renegotiations == [200])
    house.press(call, "1")
    back = await seat.rings()
    back.ring()
    back.answer()
    await back.until("up")
    await asyncio.sleep(1)
    assert not house.hears(back, call) and not house.hears(call, back)
    assert house.media.doing[house.leg_of(back)] == "music"
    assert call.offer_again("sendrecv")
    await call.when(lambda: call.renegotiations == [200, 200])
    await asyncio.sleep(0.5)
    assert house.hear_each_other(call, back)
    call.hang_up()
    await house.settled()


async def test_a_flow_that_fails_ends_its_call_and_leaves_its_path(house: SimulatedSwitch) -> None:
    async def fails(flow: Flow) -> Destination | None:
        await flow.play("main/welcome")
        raise RuntimeError("a bug of the flow")

    house.features.flows.live = {"main": Published("main", 0, "", "python", "", fails)}
    call = await dialled(house, "")
    await call.until("over")
    await asyncio.sleep(1)
    assert path(house).outcome == "failed"
    assert len(causes(house)) == 1
    await house.settled()


async def test_a_flow_that_leads_round_for_ever_is_ended(house: SimulatedSwitch) -> None:
    async def round_and_round(flow: Flow) -> Destination | None:
        while True:
            flow.mark("test", "round", "true")

    house.features.flows.live = {"main": Published("main", 0, "", "python", "", round_and_round)}
    (alice,) = await registered(house, "1001")
    call = alice.call("5000")
    await call.until("over")
    await asyncio.sleep(1)
    assert path(house).outcome == "refused" and len(path(house).steps) == 200
    await house.settled()


async def test_a_call_ends_on_the_version_that_it_began_with(house: SimulatedSwitch) -> None:
    flows = house.features.flows
    text = flows.live["main"].source
    (alice, bob) = await registered(house, "1001", "1004")
    first = alice.call("5000")
    await first.until("up")
    flows.live = {**flows.live, "main": source.from_yaml(text.replace("1: sales", "1: operator"), "main", 1)}
    second = bob.call("5000")
    await second.until("up")
    for call in (first, second):
        house.press(call, "1")
    await asyncio.sleep(9)
    ended = {fact.version: fact for fact in house.facts if isinstance(fact, FlowEnded)}
    assert ended[0].destination == "queue/sales"
    assert ended[1].destination == "account/1001"
    for call in (first, second):
        call.hang_up()
    await house.settled()


async def test_flows_go_through_flows_and_take_back_what_they_found(house: SimulatedSwitch, tmp_path: Path) -> None:
    outer = """
flow: main
variables: {mark: number}
nodes:
  ask: {do: flow, flow: survey, with: {who: '"you"'}, into: {mark: mark}, next: good}
  good: {do: test, if: mark >= 4, then: thanks, else: operator}
  thanks: {do: hang_up, hear: [main/welcome, {number: mark}]}
  operator: {do: transfer, to: account/1002}
"""
    inner = """
flow: survey
variables: {mark: number, who: text}
nodes:
  question: {do: survey, question: service, hear: main/menu, into: mark, next: back, otherwise: back}
  back: {do: return}
"""
    flows = house.features.flows
    flows.live = {"main": source.from_yaml(outer, "main", 1), "survey": source.from_yaml(inner, "survey", 1)}
    told = on_paper(house, "main", "5")
    assert told.heard[-1] == "Welcome. five"
    call = await dialled(house, "5")
    await call.until("over")
    assert heard(house) == told.heard
    steps = [(step.node, step.result) for step in path(house).steps]
    assert steps == [
        ("ask", "returned"),
        ("survey/question", "5"),
        ("survey/back", "returned"),
        ("good", "true"),
        ("thanks", "ended"),
    ]
    await house.settled()


class Paper:
    """A database session that keeps versions and commits at once: no disk is needed to see who goes by which."""

    def __init__(self) -> None:
        self.own_changes: Counter[str] = Counter()
        self.rows: list[VersionRow] = []
        self._actions: list[Callable[[], None]] = []

    async def scalar(self, query: object) -> VersionRow | None:
        return self.rows[-1] if self.rows else None

    async def execute(self, statement: object, values: object) -> None:
        """The change is counted."""

    async def flush(self) -> None:
        """There is nobody to be in conflict with."""

    def add(self, row: VersionRow) -> None:
        self.rows.append(row)

    def after_commit(self, action: Callable[[], None]) -> None:
        self._actions.append(action)

    def commit(self) -> None:
        actions, self._actions = self._actions, []
        for action in actions:
            action()


SHORT = """
flow: main
title: version {number}
nodes:
  a: {{do: play, hear: main/welcome, next: b}}
  b: {{do: play, hear: main/sales, next: c}}
  c: {{do: hang_up}}
"""


async def test_a_thousand_publications_during_a_hundred_calls_a_second_lose_none(house: SimulatedSwitch) -> None:
    phones = await registered(house, *(f"10{number:02}" for number in range(1, 21)))
    paper = Paper()

    async def publish() -> None:
        for number in range(1, 1001):
            text = SHORT.format(number=number)
            await house.features.flows.publish_source(paper, "main", text, "tester", "")  # type: ignore[arg-type]
            paper.commit()
            await asyncio.sleep(0.01)

    publishing = asyncio.create_task(publish())
    await asyncio.sleep(0.001)
    calls: list[PhoneCall] = []
    for number in range(1000):
        calls.append(phones[number % len(phones)].call("5000"))
        await asyncio.sleep(0.01)
    await publishing
    for call in calls:
        await call.until("over")
    await asyncio.sleep(1)
    ended = [fact for fact in house.facts if isinstance(fact, FlowEnded)]
    assert len(ended) == 1000
    assert {fact.outcome for fact in ended} == {"ended"}
    assert {tuple(step.node for step in fact.steps) for fact in ended} == {("a", "b", "c")}
    live, expected = 0, {}
    for fact in house.facts:
        if isinstance(fact, FlowPublished):
            live = fact.version
        elif isinstance(fact, CallRouted) and str(fact.destination) == "flow/main":
            expected[fact.call] = live
    assert {fact.call: fact.version for fact in ended} == expected, "each goes by what was live when it came"
    assert live == 1000 and len(set(expected.values())) > 900
    await house.settled()


async def test_what_is_explained_of_a_flow_says_its_version_and_its_calendars(house: SimulatedSwitch) -> None:
    steps = house.features.plan.explain("1001", "5000").steps
    assert [(step.rule, step.result) for step in steps[-2:]] == [("flow/main", "matched"), ("calendar/office", "open")]
    assert steps[-2].reason == "it is entered, as it ships: Company main menu"
    house.features.calendars._take(Timetable(OFFICE, Override(open=False, by="a test")))
    assert house.features.plan.explain("1001", "5000").steps[-1].result == "closed"
    paper = Paper()
    await house.features.flows.publish_source(paper, "main", SHORT.format(number=1), "tester", "")  # type: ignore[arg-type]
    paper.commit()
    assert house.features.plan.explain("1001", "5000").steps[-1].reason == "it is entered, version 1: version 1"
