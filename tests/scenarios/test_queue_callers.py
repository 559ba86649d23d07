"""What callers hear and do in a queue, and the ways out of it; callbacks; who is asked for whom."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from softswitch.demo import OFFICE
from softswitch.events import AgentReserved, CallbackDialled, CallbackEnded, CallbackRequested, CallerQueued
from softswitch.features.acd.model.inputs import AgentSignedOff
from softswitch.features.acd.model.rules import Announcements, CallbackRules, WrapUp
from softswitch.features.calendars.model import Override, Timetable
from softswitch.features.routing.model import Rule, demo_plan
from softswitch.kernel.destination import Destination
from softswitch.platform.outbound import Answer
from tests.support.queue_stories import (
    desk,
    facts,
    heard,
    outcomes,
    rule,
    served,
    sign_on,
    states,
    unlawful,
)
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch

BOX = Destination("account", "1005")


# Ways out -------------------------------------------------------------------------------------------------


async def test_who_waits_too_long_goes_elsewhere(house: SimulatedSwitch) -> None:
    rule(house, wait_most_ms=30_000, overflow_to=BOX)
    caller, other = await registered(house, "1001", "1005")
    out = caller.call("6001")
    await out.until("up")
    began = house.loop.time()
    back = await other.rings()
    assert 29.5 <= house.loop.time() - began <= 30.5
    back.answer()
    await back.until("up")
    await asyncio.sleep(0.5)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "overflowed", "time")]


async def test_without_a_place_to_go_to_the_call_ends(house: SimulatedSwitch) -> None:
    rule(house, wait_most_ms=5_000)
    (caller,) = await registered(house, "1001")
    out = caller.call("6001")
    await out.until("up")
    await out.until("over")
    assert out.how == "cleared"
    await house.settled()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"capacity": 1}, "full"),
        ({"length_most": 1}, "length"),
        ({"when_empty": "overflow"}, "no_agents"),
    ],
)
async def test_a_queue_that_cannot_take_a_caller_sends_it_on_at_once(
    house: SimulatedSwitch, changes: dict[str, Any], reason: str
) -> None:
    first, caller, other = await registered(house, "1002", "1001", "1005")
    waits = first.call("6001")
    await waits.until("up")
    rule(house, exits={reason: BOX}, **changes)
    out = caller.call("6001")
    back = await other.rings()
    back.answer()
    await out.until("up")
    out.hang_up()
    waits.hang_up()
    await house.settled()
    assert ("sales", "overflowed", reason) in outcomes(house) and not unlawful(house)


async def test_outside_of_its_hours_a_queue_sends_callers_on(house: SimulatedSwitch) -> None:
    rule(house, calendar="office", exits={"closed": BOX})
    house.features.calendars._take(Timetable(OFFICE, Override(open=False, by="a test")))
    caller, other = await registered(house, "1001", "1005")
    out = caller.call("6001")
    (await other.rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "overflowed", "closed")]
    awaits = house.features.queues.prospect("sales", house.clock.wall_ms())
    assert [(step.rule, step.result) for step in awaits.steps] == [
        ("calendar/office", "closed"),
        ("queue/sales", "matched"),
    ]
    assert house.features.queues.users_of("office") == ["queue sales"]


async def test_a_key_leads_out_of_the_queue_also_while_it_speaks(house: SimulatedSwitch) -> None:
    rule(house, exits={"digit 1": BOX}, announcements=Announcements(first_ms=2000))
    caller, other = await registered(house, "1001", "1005")
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(3)
    assert heard(house, out) == ["queues/next"]
    house.press(out, "7")
    house.press(out, "1")
    (await other.rings()).answer()
    await asyncio.sleep(1)
    out.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "overflowed", "digit 1")]


async def test_the_caller_is_asked_to_mark_the_agent_when_that_has_hung_up(house: SimulatedSwitch) -> None:
    rule(house, answered_exit="echo/")
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    out, back = await served(house, caller, seat)
    back.hang_up()
    await asyncio.sleep(2)
    assert house.hears_itself(out)
    out.hang_up()
    await house.settled()


# What is heard --------------------------------------------------------------------------------------------


async def test_place_wait_and_comfort_are_told_in_turn(house: SimulatedSwitch) -> None:
    comfort = ("queues/please-wait", "queues/soon")
    rule(house, greeting="queues/please-wait", announcements=Announcements(10_000, 30_000, comfort=comfort))
    first, caller = await registered(house, "1002", "1001")
    ahead = first.call("6001")
    await ahead.until("up")
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(60)
    assert heard(house, out) == [
        "queues/please-wait",
        *("queues/place", "number/2", "queues/in-line", "queues/please-wait"),
        *("queues/place", "number/2", "queues/in-line", "queues/soon"),
    ]
    assert house.media.doing[house.leg_of(out)] == "music"
    ahead.hang_up()
    await asyncio.sleep(30)
    assert heard(house, out)[-2:] == ["queues/next", "queues/please-wait"]
    out.hang_up()
    await house.settled()


async def test_an_agent_who_answers_interrupts_whatever_is_said(house: SimulatedSwitch) -> None:
    rule(house, announcements=Announcements(1000))
    (caller,) = await registered(house, "1001")
    (seat,) = await registered(house, "1011")
    out = caller.call("6001")
    await out.until("up")
    sign_on(house, "alice", "1011")
    ring = await seat.rings()
    await asyncio.sleep(1.2)
    ring.answer()
    await asyncio.sleep(0.5)
    assert house.hear_each_other(out, ring)
    out.hang_up()
    await house.settled()


# Callbacks ------------------------------------------------------------------------------------------------


async def asked(house: SimulatedSwitch, *keys: str, account: str = "1001") -> None:
    """A caller who waits asks to be called back, and says where by its keys."""
    (caller,) = await registered(house, account)
    out = caller.call("6001")
    await out.until("up")
    await asyncio.sleep(5)
    house.press(out, "5")
    for key in keys:
        await asyncio.sleep(1)
        house.press(out, key)
    await out.until("over")


async def test_a_callback_keeps_its_place_and_the_agent_is_rung_first(house: SimulatedSwitch) -> None:
    rule(house, callback_digit="5", callback=CallbackRules(live_between=0))
    await asked(house, "1")
    (requested,) = facts(house, CallbackRequested)
    assert requested.number == "1001" and outcomes(house) == [("sales", "callback", "")]
    later, seat = await registered(house, "1002", "1011")
    waits = later.call("6001")
    await waits.until("up")
    sign_on(house, "alice", "1011")
    back = await taken(seat)
    home = house.phones[1]  # whoever asked: the trunk's phone was there first
    assert home.user == "1001"
    rung = await taken(home)
    assert house.hear_each_other(back, rung) and states(house, "alice")[-1] == "connected"
    rung.hang_up()
    await back.until("over")
    await taken(seat)  # and now the caller who came later
    waits.hang_up()
    await house.settled()
    (dialled,), (ended,) = facts(house, CallbackDialled), facts(house, CallbackEnded)
    assert (dialled.agent, dialled.attempt, ended.outcome, ended.agent) == ("alice", 1, "connected", "alice")
    assert not unlawful(house)


async def test_another_number_is_keyed_in_and_one_that_is_not_answered_is_tried_again(house: SimulatedSwitch) -> None:
    rule(house, callback_digit="5", callback=CallbackRules(attempts=2, retry_ms=60_000))
    await asked(house, "2", "1", "0", "0", "6", "#", "1")
    (seat,) = await desk(house, "alice")
    (home,) = await registered(house, "1006")
    for _ in range(2):
        back = await taken(seat)
        (await home.rings()).refuse(486)
        await back.until("over")
        await asyncio.sleep(58)
    await house.settled()
    (ended,) = facts(house, CallbackEnded)
    assert (ended.outcome, ended.attempts) == ("failed", 2)
    assert states(house, "alice")[-1] == "available"


async def test_an_agent_who_does_not_take_a_callback_leaves_it_to_the_next(house: SimulatedSwitch) -> None:
    rule(house, callback_digit="5")
    await asked(house, "1")
    first, second = await desk(house, "alice", "bob")
    ring = await first.rings()
    ring.ring()
    back = await taken(second)
    assert ring.state == "over"
    await taken(house.phones[1])
    back.hang_up()
    await house.settled()
    assert states(house, "alice")[-1] == "not_responding"
    assert [fact.agent for fact in facts(house, CallbackDialled)] == ["bob"]


async def test_who_would_rather_wait_goes_on_waiting(house: SimulatedSwitch) -> None:
    rule(house, callback_digit="5")
    (caller,) = await registered(house, "1001")
    out = caller.call("6001")
    await out.until("up")
    house.press(out, "5")
    await asyncio.sleep(1)
    house.press(out, "9")
    await asyncio.sleep(20)
    assert house.media.doing[house.leg_of(out)] == "music"
    (seat,) = await desk(house, "alice")
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    back.hang_up()
    await house.settled()
    assert outcomes(house) == [("sales", "answered", "alice")] and not facts(house, CallbackRequested)


async def test_an_agent_who_becomes_free_takes_whoever_is_being_asked_for_a_number(house: SimulatedSwitch) -> None:
    rule(house, callback_digit="5")
    (caller,) = await registered(house, "1001")
    out = caller.call("6001")
    await out.until("up")
    house.press(out, "5")
    await asyncio.sleep(1)
    (seat,) = await desk(house, "alice")
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


# For whom and by whom -------------------------------------------------------------------------------------


def leads(house: SimulatedSwitch, **numbers: str) -> None:
    """More numbers in the dial plan: `_6101="queue/sales"`."""
    plan = house.features.plan
    document = demo_plan()
    more = [Rule(name=f"to{number}", number=number[1:], destination=place) for number, place in numbers.items()]
    plan.plan = plan.compiled(dataclasses.replace(document, rules=(*document.rules, *more)), 2)


async def test_a_dial_plan_says_who_goes_first_and_which_skills_are_asked_for(house: SimulatedSwitch) -> None:
    leads(house, _6101="queue/sales;priority=2", _6102="queue/sales;agent=bob")
    plain, urgent, third = await registered(house, "1001", "1002", "1003")
    first = plain.call("6001")
    await first.until("up")
    second = urgent.call("6101")
    await second.until("up")
    (seat,) = await desk(house, "alice")
    back = await taken(seat)
    assert house.hear_each_other(second, back)
    await desk(house, "bob")
    for call in (first, second):
        call.hang_up()
    own = third.call("6102")
    await own.until("up")
    await asyncio.sleep(2)
    own.hang_up()
    await house.settled()
    assert [fact.priority for fact in facts(house, CallerQueued)] == [0, 2, 0]
    assert facts(house, AgentReserved)[-1].agent == "bob"


async def test_who_calls_again_is_given_to_the_agent_who_knows_it(house: SimulatedSwitch) -> None:
    rule(house, sticky_ms=3_600_000, preferred_ms=30_000, wrap_up=WrapUp("none"))
    (caller,) = await registered(house, "1001")
    first, second = await desk(house, "alice", "bob")
    out, back = await served(house, caller, first)
    back.hang_up()
    await out.until("over")
    await asyncio.sleep(60)  # Bob has been free for longer
    await served(house, caller, first)
    assert second.incoming.empty()
    assert facts(house, AgentReserved)[-1].steps[-1].reason == "alice is the agent that the caller prefers"
    for call in caller.calls:
        call.hang_up()
    await house.settled()


async def test_what_is_known_of_a_caller_goes_to_the_agent_s_screen(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    apps = house.features.apps

    async def knows(call, name):  # type: ignore[no-untyped-def]
        call.data["customer"] = "4711"
        return Destination("queue", "sales")

    apps["knows"] = knows
    leads(house, _6103="knows/")
    out = caller.call("6103")
    await taken(seat)
    out.hang_up()
    await house.settled()
    (reserved,) = facts(house, AgentReserved)
    assert reserved.attached == {"customer": "4711"} and reserved.number == "1001"


async def test_what_is_said_of_a_call_when_it_is_made_goes_with_it(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    who = house.features.directory.account("1001")
    assert who is not None
    candidates = house.features.phones.awake("1001")
    house.switch.originate(who.origin, "6001", candidates, 30, data={"ticket": "17"})
    out = await taken(caller)
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert facts(house, AgentReserved)[0].attached == {"ticket": "17"}


def answering(*agents: str, status: int = 200) -> Callable[..., object]:
    async def answer(url: str, body: bytes | None) -> Answer:
        assert body is not None
        asked = msgspec.json.decode(body)
        assert (url, asked["queue"], asked["number"]) == ("http://crm.example/route", "sales", "1001")
        return Answer(status, msgspec.json.encode({"agents": agents}))

    return answer


@pytest.mark.parametrize(("said", "status", "who"), [("bob", 200, 1), ("alice", 500, 0)])
async def test_another_system_names_the_agent(house: SimulatedSwitch, said: str, status: int, who: int) -> None:
    rule(house, strategy="webhook", webhook="http://crm.example/route")
    house.features.outbound = answering(said, status=status)  # type: ignore[assignment]
    (caller,) = await registered(house, "1001")
    phones = await desk(house, "alice", "bob")
    out = caller.call("6001")
    back = await taken(phones[who])
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_all_are_rung_and_the_others_hear_that_it_was_answered(house: SimulatedSwitch) -> None:
    rule(house, strategy="ring_all")
    (caller,) = await registered(house, "1001")
    phones = await desk(house, "alice", "bob", "carol")
    out = caller.call("6001")
    rings = [await phone.rings() for phone in phones]
    for ring in rings:
        ring.answer()  # in the same moment
    await asyncio.sleep(2)
    assert sorted(ring.state for ring in rings) == ["over", "over", "up"]
    up = next(ring for ring in rings if ring.state == "up")
    assert house.hear_each_other(out, up)
    out.hang_up()
    await house.settled()
    assert len(outcomes(house)) == 1 and not unlawful(house)


async def test_an_agent_who_signs_off_while_it_rings_is_let_go(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    first, second = await desk(house, "alice", "bob")
    out = caller.call("6001")
    ring = await first.rings()
    ring.ring()
    house.features.queues.tell(AgentSignedOff("alice"))
    back = await taken(second)
    assert ring.state == "over" and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_flow_knows_how_it_stands_with_a_queue(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1001")
    out = caller.call("6001")
    await out.until("up")
    status = house.features.flows.parts.queues.status("sales")  # type: ignore[union-attr]
    assert status is not None and status.waiting == 1
    assert house.features.flows.parts.queues.status("none") is None  # type: ignore[union-attr]
    out.hang_up()
    await house.settled()
