"""A random day of queues, from one seed: callers with any patience, agents whose phones do anything, supervisors, any
weather, and deaths of the switch; then what must hold whatever they did."""

import asyncio
import contextlib
import random
from collections.abc import Callable

from softswitch.events import CallbackRequested, CallerLeftQueue, ConversationEnded, LegsBridged
from softswitch.features.acd.model.inputs import (
    AgentNotReady,
    AgentReady,
    AgentSignedOff,
    AgentSignedOn,
    CallbackCancelled,
    CallerPulled,
    ForceState,
    Input,
    WrapUpDone,
)
from softswitch.features.acd.model.rules import Announcements, CallbackRules, WrapUp
from softswitch.features.acd.service import Queues
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound
from tests.support.network import Conditions
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.queue_stories import rule, unlawful
from tests.support.simulation import weather
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, run

GRID = 0.25
"""Seconds: people act on this grid, so that many things happen in the same moment."""
DAY = 240.0
"""Seconds."""
SEATS = {"alice": "1011", "bob": "1012", "carol": "1013", "dave": "1014", "erin": "1015"}
STRATEGIES = ("ring_all", "progressive", "longest_idle", "fewest_calls", "round_robin", "linear", "weighted")
BUSY = ("reserved", "ringing", "connected", "hold", "consult", "wrap_up", "outbound")


def simulate(seed: int) -> list[str]:
    """Live one day; gives what went wrong."""

    async def main(loop: VirtualTimeLoop) -> list[str]:
        return await Day(loop, seed).live()

    return run(main, seed=seed)


class Day:
    def __init__(self, loop: VirtualTimeLoop, seed: int) -> None:
        self._loop = loop
        self._chance = chance = random.Random(f"queues {seed}")
        self._mortal = seed % 3 == 2
        conditions = weather(chance)
        if self._mortal:
            # What is lost and not sent again, because who sent it is dead, is lost for good.
            conditions = Conditions(delay=conditions.delay, jitter=conditions.jitter)
        self.house = SimulatedSwitch(loop, conditions, seed=seed, journal=self._mortal)
        self._rules = {queue: self._drawn(queue) for queue in ("sales", "support")}
        self._set_rules()
        self._agents = list(SEATS)[: chance.randint(1, 5)]
        self._moods = {agent: chance.choice(("good", "good", "slow", "any")) for agent in self._agents}
        self._tasks: list[asyncio.Task[None]] = []
        self._over = False

    @property
    def _queues(self) -> Queues:
        return self.house.features.queues

    async def live(self) -> list[str]:
        house, chance = self.house, self._chance
        for agent in self._agents:
            for _ in range(chance.choice((1, 1, 1, 2))):
                phone = house.phone(SEATS[agent])
                await phone.register()
                phone.on_call = self._rung(agent)
        callers = [house.phone(f"10{number:02}") for number in range(1, chance.randint(4, 11))]
        for phone in callers:
            await phone.register()
            phone.on_call = self._called_back
        self._sign_on()
        tasks = [self._loop.create_task(each) for each in (self._supervise(), self._die_and_rise())]
        tasks += [self._loop.create_task(self._calls(phone)) for phone in callers]
        tasks += [self._loop.create_task(self._own_calls(agent)) for agent in self._agents]
        await asyncio.wait(tasks)
        await self._close()
        for task in (*tasks, *self._tasks):
            if task.done():
                task.result()
        found = await house.reckoning()
        if self._mortal:
            # A phone that was answered while nobody was there, or by whom nobody knows of any more, gives up by itself.
            found = [breach for breach in found if "no ACK came" not in breach]
        return [*found, *unlawful(house), *self._stuck(), *self._silent()]

    def _drawn(self, queue: str) -> dict[str, object]:
        chance = self._chance
        drawn: dict[str, object] = {
            "strategy": chance.choice(STRATEGIES),
            "ring_ms": chance.choice((3000, 8000, 20_000)),
            "step_ms": chance.choice((500, 3000)),
            "rest_ms": chance.choice((250, 5000)),
            "missed_most": chance.choice((1, 3)),
            "wrap_up": WrapUp(chance.choice(("none", "optional", "fixed")), chance.choice((250, 5000))),
        }
        if chance.random() < 0.4:
            drawn["announcements"] = Announcements(chance.choice((250, 5000)), 5000, comfort=("queues/please-wait",))
        if chance.random() < 0.4:
            drawn |= {"wait_most_ms": 30_000, "overflow_to": Destination("queue", "support")}
        if chance.random() < 0.3:
            drawn |= {"capacity": 2}
        if chance.random() < 0.5:
            drawn |= {"callback_digit": "5", "callback": CallbackRules(attempts=2, retry_ms=20_000)}
        drawn["exits"] = {"digit 1": Destination("account", "1009")}
        if queue == "support":
            drawn["overflow_to"] = None
        return drawn

    def _set_rules(self) -> None:
        for queue, drawn in self._rules.items():
            rule(self.house, queue, **drawn)

    def _sign_on(self) -> None:
        for agent in self._agents:
            if self._chance.random() < 0.9:
                self._tell(AgentSignedOn(agent, SEATS[agent]))

    def _tell(self, told: Input) -> None:
        with contextlib.suppress(Conflict, NotFound):
            self._queues.tell(told)
            if isinstance(told, AgentSignedOn):
                self._queues._seat(told.agent, told.seat)
                self._queues._look_at_line(told.agent)

    # What people do ---------------------------------------------------------------------------------------

    def _moment(self, most: float) -> float:
        return GRID * self._chance.randrange(int(most / GRID))

    async def _calls(self, phone: Phone) -> None:
        for _ in range(self._chance.randint(1, 3)):
            await asyncio.sleep(self._moment(DAY / 4))
            out = phone.call(self._chance.choice(("6001", "6001", "6002")), offer=self._chance.random() > 0.1)
            with contextlib.suppress(TimeoutError, AssertionError):
                await out.until("up", within=40)
                await asyncio.sleep(self._moment(40))
                if self._chance.random() < 0.3:
                    await self._presses(out, self._chance.choice(("1", "5", "51", "52101#1", "9")))
                await asyncio.sleep(self._moment(40))
            if out.state != "up":
                out.cancel()
            out.hang_up()

    async def _presses(self, call: PhoneCall, keys: str) -> None:
        for key in keys:
            if call.state != "up" or call.remote_sdp is None:
                return
            leg = next((leg for leg, at in self.house.media.open_legs.items() if at == call.remote_sdp.address), None)
            if leg is not None:
                self.house.media.press(leg, key)
            await asyncio.sleep(0.5)

    def _rung(self, agent: str) -> Callable[[PhoneCall], None]:
        return lambda call: self._tasks.append(self._loop.create_task(self._takes(agent, call)))

    def _called_back(self, call: PhoneCall) -> None:
        self._tasks.append(self._loop.create_task(self._takes("", call)))

    async def _takes(self, agent: str, call: PhoneCall) -> None:
        chance, mood = self._chance, self._moods.get(agent, "any")
        call.ring()
        what = "answers" if mood != "any" else chance.choice(("answers", "answers", "declines", "ignores"))
        await asyncio.sleep(self._moment(12 if mood == "slow" else 3))
        if what == "declines":
            call.refuse(chance.choice((486, 603, 503)))
        if what != "answers":
            return
        call.answer()
        with contextlib.suppress(TimeoutError, AssertionError):
            await call.until("up", within=40)
            await asyncio.sleep(0.25 + self._moment(20))
            if call.state != "up":
                return
            match chance.choice(("hang up", "hang up", "hold", "blind", "ask", "stay")):
                case "hold":
                    if call.offer_again("sendonly"):
                        await asyncio.sleep(self._moment(5) + 0.25)
                    if call.state == "up":
                        call.offer_again("sendrecv")
                case "blind":
                    call.refer(chance.choice(("6002", "1009", "1001")))
                case "ask":
                    await self._presses(call, "*21002#")
                    await asyncio.sleep(self._moment(8))
                    if chance.random() < 0.3:
                        await self._presses(call, chance.choice(("*2", "*3")))
                case "stay":
                    return
            await asyncio.sleep(self._moment(6))
            call.hang_up()

    async def _own_calls(self, agent: str) -> None:
        phone = next(phone for phone in self.house.phones if phone.user == SEATS[agent])
        for _ in range(self._chance.choice((0, 0, 1, 2))):
            await asyncio.sleep(self._moment(DAY / 2))
            out = phone.call(self._chance.choice(("9196", "1002", "6002")))
            with contextlib.suppress(TimeoutError, AssertionError):
                await out.until("up", within=10)
                await asyncio.sleep(self._moment(10))
            if out.state != "up":
                out.cancel()
            out.hang_up()

    async def _supervise(self) -> None:
        chance = self._chance
        until = self._loop.time() + DAY
        while self._loop.time() < until:
            await asyncio.sleep(GRID + self._moment(6))
            agent = chance.choice(self._agents)
            waiting = [caller.call for name in ("sales", "support") for caller in self._queues.callers(name)]
            choices: list[Input] = [
                AgentSignedOff(agent),
                AgentSignedOn(agent, SEATS[agent], ready=chance.random() < 0.8),
                AgentReady(agent),
                AgentReady(agent),
                AgentNotReady(agent, "tea"),
                WrapUpDone(agent, "7"),
                ForceState(agent, chance.choice(("available", "not_ready", "logged_out")), "order", "boss"),
                *[CallerPulled(call) for call in waiting[:1]],
            ]
            self._tell(chance.choice(choices))

    async def _die_and_rise(self) -> None:
        for _ in range(self._chance.randint(1, 2) if self._mortal else 0):
            await asyncio.sleep(self._moment(DAY / 2))
            self.house.die()
            await asyncio.sleep(self._chance.choice((0.0, 0.5, 2.0)))
            self.house.rise()
            self._set_rules()
            self._sign_on()

    async def _close(self) -> None:
        """The end of the day: agents go home, and nobody need be called back any more."""
        for fact in [each for each in self.house.facts if isinstance(each, CallbackRequested)]:
            self._tell(CallbackCancelled(fact.stay))
        for agent in self._agents:
            self._tell(AgentSignedOff(agent))
        await asyncio.sleep(30)
        for phone in self.house.phones:
            for call in phone.calls:
                if call.state == "up":
                    call.hang_up()

    # What must hold ---------------------------------------------------------------------------------------

    def _stuck(self) -> list[str]:
        """What is left of calls that are over."""
        queues = self._queues
        left = {
            "callers": queues._waiting,
            "talks": queues._talks._talks,
            "agents who talk": queues._talks._by_agent,
            "legs of agents": queues._talks._ours,
            "legs of talks that are over": queues._talks._over_by,
            "callbacks under way": queues.calling_back._by_attempt,
            "stays of an earlier process": queues.left_behind._stays,
            "agents in calls of their own": queues._outbound,
        }
        found = [f"the queues hold {what}: {held}" for what, held in left.items() if held]
        for agent in self._agents:
            live = queues.agent(agent)
            if live is None or live.state in BUSY:
                found.append(f"{agent} is {live.state if live is not None else 'gone'} for ever")
        return found

    def _silent(self) -> list[str]:
        """Who was answered, and by whom it heard nothing."""
        if self._mortal:
            return []
        bridged = {fact.call for fact in self.house.facts if isinstance(fact, LegsBridged)}
        talks = {fact.stay: fact for fact in self.house.facts if isinstance(fact, ConversationEnded)}
        found = []
        for fact in self.house.facts:
            if isinstance(fact, CallerLeftQueue) and fact.outcome == "answered":
                talk = talks.get(fact.stay)
                if talk is None:
                    found.append(f"stay {fact.stay} was answered, and the conversation has not ended")
                elif fact.call not in bridged and talk.talk_ms > 1000:
                    found.append(f"stay {fact.stay} was answered, and nobody was heard for {talk.talk_ms} ms")
        return found
