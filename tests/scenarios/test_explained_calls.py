"""What is explained beforehand is what happens: the same destination, for the same reasons, in ten thousand situations
of forwards, do not disturb, hidden callers, speed dials, calendars, people with one number, phones there or not.
"""

import asyncio
import random

import pytest
from msgspec import structs

from softswitch.demo import OFFICE, PERSONS
from softswitch.events import CallRouted, LegDialed, RoutingStep
from softswitch.features.calendars.model import Override, Timetable
from softswitch.features.persons.model import checked
from softswitch.features.reach.model import ReachRules
from softswitch.features.routing.model import PlanDocument, Rule, demo_plan
from softswitch.kernel.destination import Destination
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch

HOUSES, SITUATIONS = 200, 50
"""Ten thousand calls: situations in each of so many houses."""
ACCOUNTS = ("1001", "1002", "1003", "1005")
NUMBERS = (*ACCOUNTS, "7001", "7002", "7003", "*007", "*008", "5100", "80001", "4711", "*671002", "*371003", "*67*007")
MAYBE = (*[""] * 10, *NUMBERS)
PLAN = PlanDocument(
    contexts=demo_plan().contexts,
    rules=(
        Rule(name="day", number="5100", destination="person/7001", while_open="office"),
        Rule(name="night", number="5100", destination="account/1003", while_closed="office"),
        *demo_plan().rules,
    ),
)


def situation(house: SimulatedSwitch, chance: random.Random) -> None:
    """What people have set."""
    features = house.features
    features.plan.plan = features.plan.compiled(PLAN, 1)
    for account in (*ACCOUNTS, "1004"):
        rules = ReachRules(
            forward_always=chance.choice(MAYBE),
            forward_busy=chance.choice(MAYBE),
            forward_offline=chance.choice(MAYBE),
            do_not_disturb=chance.random() < 0.2,
            call_waiting=chance.random() < 0.7,
            reject_anonymous=chance.random() < 0.2,
            speed_dials={"07": chance.choice(NUMBERS[:8])},
        )
        if chance.random() < 0.7:
            features.reach._take(account, rules)
    for person in PERSONS:
        devices = tuple(
            structs.replace(
                device,
                enabled=chance.random() < 0.7,
                while_open=chance.choice(("", "", "office")),
                callers=chance.choice(((), (), ("1004",), ("1009", "anonymous"))),
                skip_when=tuple(chance.sample(("busy", "do-not-disturb", "away"), chance.randint(0, 3))),
                confirm=False,
            )
            for device in person.devices
        )
        final = chance.choice(("", f"person/{chance.choice(('7002', '7003'))}" if person.number == "7001" else ""))
        final_number = "" if final else chance.choice(("", "1005", "80002", "4712"))
        features.persons._take(
            checked(structs.replace(person, devices=devices, final=final, final_number=final_number))
        )
    override = Override(open=chance.random() < 0.5, by="a test")
    features.calendars._take(Timetable(OFFICE, override))


def decided(house: SimulatedSwitch) -> tuple[list[RoutingStep], Destination | None]:
    """What the last call was told before anything rang, and where that led."""
    steps: list[RoutingStep] = []
    destination = None
    call = next(fact.call for fact in reversed(house.facts) if isinstance(fact, CallRouted))
    for fact in house.facts:
        if isinstance(fact, LegDialed) and fact.call == call:
            break
        if isinstance(fact, CallRouted) and fact.call == call:
            steps += fact.steps
            destination = fact.destination
    return steps, destination


@pytest.mark.parametrize("seed", range(HOUSES))
async def test_what_is_explained_is_what_happens(house: SimulatedSwitch, seed: int) -> None:
    chance = random.Random(f"explained {seed}")
    caller, other = await registered(house, "1004", "1006")
    there = [account for account in ACCOUNTS if chance.random() < 0.6]
    phones = await registered(house, *there)
    house.trunk.on_call = lambda call: call.answer()
    for _ in range(SITUATIONS):
        house.features.reach._rules.clear()
        for phone in phones:
            phone.on_call = None
        talks = [(await talking(house, other, phones[0]))[0]] if phones and chance.random() < 0.4 else []
        await asyncio.sleep(1)
        situation(house, chance)
        for phone in phones:
            phone.on_call = lambda call: call.answer()
        number = chance.choice(NUMBERS)

        said = house.features.plan.explain("1004", number)
        out = caller.call(number)
        await asyncio.sleep(3)
        steps, destination = decided(house)
        explained = [step for step in said.steps if step.result != "skipped" or step.rule.startswith("person/")]
        assert steps == explained[: len(steps)], "\n".join(map(str, [*explained, "live:", *steps]))
        if said.cause is None and explained[-1].result != "failed":
            why = "\n".join(map(str, [number, *explained, out.state, destination, list(house.records.values())[-1:]]))
            # A wish to be called back is confirmed by a tone, and the call is over.
            state = "over" if destination is not None and destination.kind == "callback" else "up"
            assert out.state == state and destination == said.destination, why
        if said.cause is not None:
            assert out.state == "over"
        for call in (out, *talks):
            call.hang_up()
        house.features.callbacks.withdraw("1004")
        await asyncio.sleep(5)
        if said.cause is not None:
            cdr = list(house.records.values())[-1]
            assert cdr.cause is said.cause
    await house.settled()
