"""Random days in which callers leave messages and owners fetch them, press anything and hang up at any time, and disks
and databases fail now and then: afterwards boxes, lamps and files agree."""

import asyncio
import random
from collections.abc import Callable

import pytest

from softswitch.events import MessageLeft
from softswitch.features.voicemail.model.box import List
from softswitch.kernel.ids import LegId
from softswitch.platform.database import DatabaseUnavailable
from tests.support.model_voicemail import PIN
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, run

ACCOUNTS = ("1001", "1002", "1003", "1004")
CALLS = 40
DAY = 1200.0
"""Seconds in which the calls begin."""


class Day:
    """One of them."""

    def __init__(self, house: SimulatedSwitch, seed: int) -> None:
        self.house = house
        self.chance = random.Random(f"voicemail {seed}")
        self.voicemail = house.features.voicemail

    async def live(self) -> None:
        house, chance = self.house, self.chance
        boxes = self.voicemail.boxes
        for number in ACCOUNTS:
            await boxes.change(
                number,
                {
                    "takes_unanswered": chance.random() < 0.5,
                    "skip_pin": chance.random() < 0.5,
                    "most_messages": chance.choice((2, 100)),
                    "operator": chance.choice(("", "account/1004")),
                },
            )
        await boxes.set_list(List(number="1999", boxes=ACCOUNTS[:3]))
        phones = await registered(house, *ACCOUNTS)
        for phone in phones:
            house.loop.create_task(self._answers(phone))
        for _ in range(CALLS):
            house.loop.call_later(chance.random() * DAY, self._call, chance.choice(phones))
        record_said = house.media.record_said

        def failing(leg: LegId, name: str, *, ended: Callable[[int, int, str], None]) -> int:
            if chance.random() < 0.1:
                house.loop.call_later(chance.random() * 5, ended, 0, 0, "no space left")
                return -1
            return record_said(leg, name, ended=ended)

        house.media.record_said = failing  # type: ignore[method-assign]
        deposit = self.voicemail.store.deposit

        async def away(*args: object, **more: object) -> None:
            if chance.random() < 0.03:
                raise DatabaseUnavailable("away")
            await deposit(*args, **more)  # type: ignore[arg-type]

        self.voicemail.store.deposit = away  # type: ignore[method-assign]

    async def _answers(self, phone: Phone) -> None:
        while True:
            call = await phone.rings(within=10 * DAY)
            call.ring()
            what = self.chance.choice(("answer", "refuse", "nothing"))
            if what == "answer":
                call.answer()
                self.house.loop.call_later(self.chance.random() * 30, call.hang_up)
            elif what == "refuse":
                call.refuse(486)

    def _call(self, phone: Phone) -> None:
        chance, loop = self.chance, self.house.loop
        number = chance.choice(("*97", "*97", "*981001", "*981002", "*981999", "1003", "1001"))
        call = phone.call(number)
        at = 1.0
        if number == "*97":
            for key in chance.choice(("", f"{PIN}#", f"*1001#{PIN}#", "1111#")):
                at += 0.3
                loop.call_later(at, self._press, call, key)
        for _ in range(chance.randrange(25)):
            at += chance.choice((0.2, 1.0, 3.0, 12.0))
            loop.call_later(at, self._press, call, chance.choice("0123456789*#123#17"))
        loop.call_later(chance.choice((at, at + 5.0, chance.random() * 120)), self._hang_up, call)

    def _press(self, call: PhoneCall, key: str) -> None:
        if call.state == "up":
            self.house.press(call, key)

    def _hang_up(self, call: PhoneCall) -> None:
        if call.state != "over":
            call.hang_up()

    async def found(self) -> list[str]:
        """What is wrong afterwards."""
        await asyncio.sleep(2 * DAY)
        found = await self.house.reckoning()
        await self.voicemail.service.stop()
        store, service = self.voicemail.store, self.voicemail.service
        del store.deposit  # it works again
        # What the database did not take is found at the next start.
        await service.recover()
        await service.light()
        kept = list(store.kept.values())
        found += [f"still arriving: {message}" for message in kept if message.state != "kept"]
        for number in ACCOUNTS:
            tally, box = await store.tally(number), self.voicemail.boxes.box(number)
            if service.tally(number) != tally:
                found.append(f"{number} shows {service.tally(number)} and holds {tally}")
            lamp = self.house.features.presence.mailbox(number)
            if lamp != tally.mailbox:
                found.append(f"the lamp of {number} shows {lamp}, there are {tally}")
            if tally.new + tally.old > box.most_messages + 1:
                found.append(f"{number} holds more than its limit: {tally}")
        needed = {file for message in kept for file in message.files}
        needed |= {file for box in self.voicemail.boxes.all for file in box.greetings.values()}
        there = set(self.voicemail.files.lengths)
        found += [f"no file {name}" for name in sorted(needed - there)]
        found += [f"nobody needs {name}" for name in sorted(there - needed)]
        left = [fact for fact in self.house.facts if isinstance(fact, MessageLeft)]
        if len({fact.message for fact in left}) != len(left):
            found.append("a message was told twice")
        return found


@pytest.mark.parametrize("seed", range(40))
def test_a_random_day_of_messages_leaves_boxes_lamps_and_files_that_agree(seed: int) -> None:
    async def day(loop: VirtualTimeLoop) -> list[str]:
        house = SimulatedSwitch(loop, seed=seed)
        lived = Day(house, seed)
        await lived.live()
        return await lived.found()

    found = run(day, seed=seed)
    assert not found, f"seed {seed}:\n" + "\n".join(found)
