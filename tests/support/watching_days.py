"""Random days of watching and writing: phones subscribe, call, send messages and die in bad weather, all from one seed.

What must hold whatever happens: a subscription ends once; a watcher that the switch still knows has been told the
truth; a message that was taken arrives, and those of one sender arrive in order.
"""

import asyncio
import contextlib
import random

from gateways.sip.ua.subscription import Phase
from tests.support.model_watcher import Watcher
from tests.support.network import Conditions
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.simulation import weather
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, run

LASTS = 300.0
"""Seconds of a day."""
LONGEST_EXPIRES = 600


def simulate(seed: int, conditions: Conditions | None = None) -> list[str]:
    """Live one day; gives what went wrong."""

    async def main(loop: VirtualTimeLoop) -> list[str]:
        return await WatchingDay(loop, seed, conditions).live()

    return run(main, seed=seed)


class WatchingDay:
    def __init__(self, loop: VirtualTimeLoop, seed: int, conditions: Conditions | None) -> None:
        self._loop = loop
        self._chance = random.Random(f"watching {seed}")
        self._weather = conditions or weather(self._chance)
        self.house = SimulatedSwitch(loop, self._weather, seed=seed)
        self._pace = self._chance.choice((0.1, 1.0, 20.0))
        """Seconds that people take: in a hurry the state changes while it is being told."""
        self._phones: dict[str, Phone] = {}
        self._watchers: list[Watcher] = []
        self._sent: list[tuple[str, str, list[str]]] = []
        """Sender, receiver, and the texts that were taken, in order."""
        self._read: dict[str, list[str]] = {}
        self._found: list[str] = []

    async def live(self) -> list[str]:
        chance, house = self._chance, self.house
        for number in range(1001, 1001 + chance.randint(3, 6)):
            phone = self._phones[str(number)] = house.phone(str(number))
            phone.on_call = self._called
            phone.expects_acks = self._weather.loss <= 0.15
        # Some come late: what is sent to them before waits.
        await asyncio.gather(*(self._arrive(phone) for phone in self._phones.values()))
        work = [self._caller() for _ in range(chance.randint(2, 20))]
        work += [self._watcher() for _ in range(chance.randint(3, 15))]
        work += [self._writer() for _ in range(chance.randint(1, 5))]
        if chance.random() < 0.3:
            victim = chance.choice(list(self._phones.values()))
            self._loop.call_later(chance.random() * LASTS, victim.die)
        await asyncio.gather(*work)
        await asyncio.sleep(200)  # calls are over, and every NOTIFY and message has had its tries
        self._judge_watchers()
        await asyncio.gather(*(self._leave(watcher) for watcher in self._watchers))
        # Whoever is dead is forgotten when its time is over; messages for it are no longer tried.
        for phone in self._phones.values():
            if phone.dead:
                house.location.forget(phone.user)
        await asyncio.sleep(LONGEST_EXPIRES + 100)
        self._judge_messages()
        self._found += await house.reckoning()
        if self._found:
            self._found += [f"weather: {self._weather}", house.network.ladder(limit=250)]
        return self._found

    async def _arrive(self, phone: Phone) -> None:
        late = self._chance.random() < 0.3
        if late:
            self._loop.create_task(self._register_later(phone, self._chance.random() * LASTS / 2))
        else:
            await self._register(phone)

    async def _register_later(self, phone: Phone, after: float) -> None:
        await asyncio.sleep(after)
        await self._register(phone)

    async def _register(self, phone: Phone) -> None:
        for _ in range(10):
            if phone.dead or await phone.register(7200) == 200:
                return

    # Calls ------------------------------------------------------------------------------------------------

    def _called(self, call: PhoneCall) -> None:
        chance = self._chance
        call.ring()
        if chance.random() < 0.7:
            self._loop.call_later(chance.random() * self._pace, self._if_it_rings, call)

    def _if_it_rings(self, call: PhoneCall) -> None:
        if call.state != "over" and not call.phone.dead:
            call.answer()
            # Whoever called may have died meanwhile.
            self._loop.call_later(60.0, self._if_it_talks, call)

    def _if_it_talks(self, call: PhoneCall) -> None:
        if call.state == "up" and not call.phone.dead:
            call.hang_up()

    async def _caller(self) -> None:
        chance = self._chance
        await asyncio.sleep(chance.random() * LASTS)
        caller, callee = chance.sample(list(self._phones.values()), 2)
        if caller.dead:
            return
        call = caller.call(callee.user)
        with contextlib.suppress(TimeoutError):
            await call.until("up", "over", within=15)
        await asyncio.sleep(chance.random() * self._pace)
        if caller.dead or call.state == "over":
            return
        if call.state == "up":
            call.hang_up()
        else:
            call.cancel()

    # Watching ---------------------------------------------------------------------------------------------

    async def _watcher(self) -> None:
        chance = self._chance
        await asyncio.sleep(chance.random() * LASTS / 2)
        phone = chance.choice(list(self._phones.values()))
        event = chance.choice(("dialog", "dialog", "presence", "reg"))
        watched = phone.user if event == "reg" else chance.choice(list(self._phones))
        watcher = phone.watch(event, watched)
        self._watchers.append(watcher)
        await watcher.subscribe(chance.choice((60, 300, LONGEST_EXPIRES)))
        for _ in range(chance.randint(0, 3)):
            await asyncio.sleep(chance.random() * LASTS / 4)
            if phone.dead or watcher.ended or watcher.status != 200:
                return
            await watcher.subscribe(chance.choice((60, 300, LONGEST_EXPIRES)))

    async def _leave(self, watcher: Watcher) -> None:
        if not watcher.phone.dead and not watcher.ended and watcher.status == 200:
            await watcher.subscribe(0)

    def _judge_watchers(self) -> None:
        held = {
            subscription.dialog.call_id
            for watch in self.house.agent._subscriptions._watches.values()
            for subscription in watch.subscriptions
            if subscription.phase < Phase.LEAVING
        }
        for watcher in self._watchers:
            if watcher.talk.call_id not in held:
                continue
            if watcher.ended:
                self._found.append(f"{watcher.phone.user} watches {watcher.account} after it ended: {watcher.ended}")
            if watcher.phone.dead or not watcher.heard:
                continue
            if watcher.event == "dialog" and watcher.lamp != "off":
                self._found.append(f"the lamp of {watcher.account} at {watcher.phone.user} {watcher.lamp}")
            if watcher.event == "presence":
                there = bool(self.house.location.bindings(watcher.account))
                if ("<basic>open</basic>" in watcher.body) != there or "on-the-phone" in watcher.body:
                    self._found.append(f"{watcher.phone.user} sees {watcher.account}: {watcher.body}")

    # Writing ----------------------------------------------------------------------------------------------

    async def _writer(self) -> None:
        chance = self._chance
        await asyncio.sleep(chance.random() * LASTS / 2)
        sender, receiver = chance.sample(list(self._phones.values()), 2)
        taken: list[str] = []
        self._sent.append((sender.user, receiver.user, taken))
        for number in range(chance.randint(1, 6)):
            if sender.dead:
                return
            words = f"{sender.user}>{receiver.user} {chance.getrandbits(30)} {number}"
            if await sender.text(receiver.user, words) in (200, 202):
                taken.append(words)
            await asyncio.sleep(chance.random() * 5)

    def _judge_messages(self) -> None:
        for account, phone in self._phones.items():
            read: list[str] = []
            while not phone.texts.empty():
                read.append(phone.texts.get_nowait().body.decode())
            self._read[account] = read
        for sender, receiver, taken in self._sent:
            if self._phones[receiver].dead:
                continue
            # A message whose answer was lost comes again: its first coming counts.
            came = list(dict.fromkeys(words for words in self._read[receiver] if words in taken))
            wanted = [words for words in taken if words in came]
            missing = [words for words in taken if words not in came]
            if missing:
                self._found.append(f"{receiver} never got {missing} of {sender}")
            if came != wanted:
                self._found.append(f"{receiver} read {came}, {sender} wrote {wanted}")
