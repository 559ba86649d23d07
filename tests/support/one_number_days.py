"""A random day of people with one number, from one seed: callers, devices that do anything, any weather; then what must
hold whatever they did."""

import asyncio
import contextlib
import random
from collections.abc import Sequence

from softswitch.events import (
    CallAnswered,
    CallFact,
    CallOffered,
    CallRouted,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegsBridged,
)
from softswitch.features.persons.model import Device, Person, checked
from softswitch.features.persons.model.document import STRATEGIES
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId
from tests.support.invariants import by_call
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.simulation import weather
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, run

GRID = 0.25
"""Seconds: people act on this grid, so that many things happen in the same moment."""
ASKED_SECONDS = 20.0
SLACK = 1.5
"""Seconds that a good network may take to carry an end to a leg and back."""


def simulate(seed: int) -> list[str]:
    """Live one day; gives what went wrong."""

    async def main(loop: VirtualTimeLoop) -> list[str]:
        return await Day(loop, seed).live()

    return run(main, seed=seed)


class Day:
    def __init__(self, loop: VirtualTimeLoop, seed: int) -> None:
        self._loop = loop
        self._chance = random.Random(f"one number {seed}")
        conditions = weather(self._chance)
        self._fair = not (conditions.loss or conditions.duplicate or conditions.reorder)
        self.house = SimulatedSwitch(loop, conditions, seed=seed)
        self._confirmed: set[LegId] = set()
        """Legs whose party has pressed the key."""
        self._tasks: list[asyncio.Task[None]] = []

    async def live(self) -> list[str]:
        house, chance = self.house, self._chance
        for number in ("7001", "7002", "7003"):
            house.features.persons._take(self._person(number))
        called = [
            house.phone(account) for account in ("1001", "1002", "1003") for _ in range(chance.choice((0, 1, 1, 2)))
        ]
        callers = [house.phone(str(1010 + number)) for number in range(chance.randint(2, 5))]
        for phone in (*called, *callers):
            await phone.register()
        for phone in called:
            phone.on_call = self._rung
            if chance.random() < 0.08:
                phone.die()
        house.trunk.on_call = self._rung_outside
        placed = [self._loop.create_task(self._calls(phone)) for phone in callers]
        await asyncio.wait(placed)
        for task in (*placed, *self._tasks):
            if task.done():
                task.result()
        found = await self.house.reckoning()
        for facts in by_call(house.facts).values():
            found += self._breaches(facts)
        return found

    def _person(self, number: str) -> Person:
        chance = self._chance
        devices = [
            Device(
                name=f"d{account}",
                account=account,
                order=chance.randint(1, 3),
                ring_seconds=chance.randint(3, 9),
                delay_seconds=chance.choice((0, 0, 2, 5)),
                confirm=chance.random() < 0.1,
            )
            for account in chance.sample(("1001", "1002", "1003"), chance.randint(1, 3))
        ]
        devices += [
            Device(
                name=f"cell{place}",
                trunk="uas",
                number=f"8000{place}",
                order=chance.randint(1, 4),
                ring_seconds=chance.randint(3, 9),
                confirm=chance.random() < 0.8,
            )
            for place in range(chance.choice((0, 1, 1, 2)))
        ]
        return checked(
            Person(
                number=number,
                strategy=chance.choice(STRATEGIES),
                devices=tuple(devices),
                rounds=chance.randint(1, 3),
                seconds=chance.randint(6, 40),
                final=chance.choice(("", "", "echo")),
            )
        )

    # What people do ---------------------------------------------------------------------------------------------

    def _moment(self, most: float) -> float:
        return GRID * self._chance.randrange(int(most / GRID))

    async def _calls(self, phone: Phone) -> None:
        await asyncio.sleep(self._moment(10))
        out = phone.call(self._chance.choice(("7001", "7002", "7003")), offer=self._chance.random() > 0.1)
        if self._chance.random() < 0.4:
            await asyncio.sleep(self._moment(30))
            if out.state != "up":
                out.cancel()
        with contextlib.suppress(TimeoutError, AssertionError):  # it may end, or lose its way
            await out.until("up", within=180)
            await asyncio.sleep(self._moment(5))
            out.hang_up()

    def _rung(self, call: PhoneCall) -> None:
        self._tasks.append(self._loop.create_task(self._takes(call, outside=False)))

    def _rung_outside(self, call: PhoneCall) -> None:
        self._tasks.append(self._loop.create_task(self._takes(call, outside=True)))

    async def _takes(self, call: PhoneCall, *, outside: bool) -> None:
        chance = self._chance
        if chance.random() < 0.8:
            call.ring(early_media=outside and chance.random() < 0.5)
        what = chance.choice(("answers", "answers", "declines", "ignores", "ignores"))
        await asyncio.sleep(self._moment(8))
        if what == "declines":
            call.refuse(chance.choice((486, 603, 480, 503)))
        if what != "answers":
            return
        call.answer()
        with contextlib.suppress(TimeoutError, AssertionError):
            await call.until("up", within=40)
            await asyncio.sleep(0.5 + self._moment(24))
            match chance.choice(("yes", "yes", "another key", "nothing", "hangs up")):
                case "yes":
                    self._presses(call, "1")
                case "another key":
                    self._presses(call, "7")
                case "hangs up":
                    call.hang_up()

    def _presses(self, call: PhoneCall, key: str) -> None:
        if call.state != "up" or call.remote_sdp is None:
            return
        leg = next((leg for leg, at in self.house.media.open_legs.items() if at == call.remote_sdp.address), None)
        if leg is None:
            return
        if key == "1":
            self._confirmed.add(leg)
        self.house.media.press(leg, key)

    # What must hold ----------------------------------------------------------------------------------------------

    def _breaches(self, facts: Sequence[CallFact]) -> list[str]:
        found: list[str] = []
        call = facts[0].call
        routed = next((fact for fact in facts if isinstance(fact, CallRouted) and fact.by.startswith("person:")), None)
        if routed is None:
            return []
        person = self.house.features.persons.person(routed.by.partition(":")[2])
        assert person is not None
        by_what = {_key(device): device for device in person.devices}
        dialled = {fact.leg: fact for fact in facts if isinstance(fact, LegDialed)}
        answered = {fact.leg: fact for fact in facts if isinstance(fact, LegAnswered)}
        ended = {fact.leg: fact for fact in facts if isinstance(fact, LegEnded)}
        bridged = [fact for fact in facts if isinstance(fact, LegsBridged)]
        if len(bridged) > 1:
            found.append(f"{len(bridged)} have talked")
        order = {id(fact): place for place, fact in enumerate(facts)}
        for talk in bridged:
            device = by_what[_key_of(dialled[talk.b])]
            if device.confirm and talk.b not in self._confirmed:
                found.append(f"{device.name} talks and has not pressed 1")
            for leg, fact in dialled.items():
                if order[id(fact)] > order[id(talk)]:
                    found.append(f"{leg} is rung after {talk.b} has answered")
                elif leg != talk.b and order[id(ended[leg])] > order[id(talk)] and not ended[leg].by_party:
                    cause = ended[leg].cause
                    found += [f"{leg} stops for {cause.text}"] * (cause is not Cause.ANSWERED_ELSEWHERE)
        offered = facts[0]
        assert isinstance(offered, CallOffered)
        caller = ended.get(offered.leg)
        starts: dict[str, int] = {}
        for leg, fact in dialled.items():
            device = by_what[_key_of(fact)]
            starts[fact.target] = starts.get(fact.target, 0) + 1
            if caller is not None and order[id(fact)] > order[id(caller)]:
                found.append(f"{leg} is rung after the caller has gone")
            if fact.at - routed.at > person.seconds * 1000:
                found.append(f"{leg} is rung after {fact.at - routed.at} ms of {person.seconds} s")
            if not self._fair or any(leg == talk.b for talk in bridged):
                continue
            rang = ended[leg].at - fact.at
            if leg not in answered and rang > (device.ring_seconds + SLACK) * 1000:
                found.append(f"{device.name} rings for {rang} ms of {device.ring_seconds} s")
            if leg in answered and ended[leg].at - answered[leg].at > (ASKED_SECONDS + SLACK) * 1000:
                found.append(f"{device.name} is asked for {ended[leg].at - answered[leg].at} ms")
        rounds = person.rounds if person.strategy == "cyclic" else 1
        found += [
            f"{target} is rung {times} times in {rounds} rounds" for target, times in starts.items() if times > rounds
        ]
        if any(isinstance(fact, CallAnswered) for fact in facts) and not bridged and person.final != "echo":
            found.append("the call is answered, and nobody talks")
        return [f"{call} for {person.number}: {finding}" for finding in found]


def _key(device: Device) -> str:
    return f"account/{device.account}" if device.account else f"trunk/{device.trunk}:{device.number}"


def _key_of(fact: LegDialed) -> str:
    return str(fact.destination) + (f":{fact.number}" if fact.destination.kind == "trunk" else "")
