"""Somebody listens to others, whispers, barges in and takes over: who hears whom at every moment, and what is on
record."""

import asyncio
from itertools import permutations

import pytest

from softswitch.events import LegsMixed, SupervisionBegan, SupervisionEnded, SupervisionModeChanged
from softswitch.features.supervision.model import Rights
from softswitch.kernel.errors import Conflict, NotFound
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import pairs, registered, talking
from tests.support.switch import SimulatedSwitch

LISTEN = {("customer", "agent"), ("agent", "customer"), ("boss", "agent"), ("boss", "customer")}
WHISPER = LISTEN | {("agent", "boss")}
BARGE = WHISPER | {("customer", "boss")}


class Floor:
    """A customer who talks with an agent, and who supervises it."""

    def __init__(self, house: SimulatedSwitch, customer: PhoneCall, agent: PhoneCall, desk: Phone) -> None:
        """`desk`: the supervisor's phone."""
        self.house, self.customer, self.agent, self.desk = house, customer, agent, desk
        self.boss: PhoneCall | None = None

    def hearing(self, **more: PhoneCall) -> set[tuple[str, str]]:
        """Who hears whom."""
        parties = {"customer": self.customer, "agent": self.agent, **more}
        if self.boss is not None:
            parties["boss"] = self.boss
        legs = {name: self.house.leg_of(call) for name, call in parties.items() if call.state == "up"}
        return {pair for pair in permutations(legs, 2) if self.house.media.hears(*(legs[name] for name in pair))}

    async def supervised(self, dialled: str) -> PhoneCall:
        """The supervisor dials a code."""
        self.boss = self.desk.call(dialled)
        await self.boss.until("up")
        await asyncio.sleep(0.5)
        return self.boss

    def press(self, key: str) -> None:
        assert self.boss is not None
        self.house.press(self.boss, key)

    def told(self) -> list[tuple[str, str]]:
        """What is on record of supervisions."""
        found = []
        for fact in self.house.facts:
            if isinstance(fact, SupervisionBegan | SupervisionModeChanged):
                found.append((type(fact).__name__, fact.mode))
            elif isinstance(fact, SupervisionEnded):
                found.append((type(fact).__name__, fact.reason))
        return found


@pytest.fixture
async def floor(house: SimulatedSwitch) -> Floor:
    customer, agent, desk = await registered(house, "1001", "1002", "1020")
    out, back = await talking(house, customer, agent)
    return Floor(house, out, back, desk)


@pytest.mark.parametrize(("code", "hears"), [("*46", LISTEN), ("*47", WHISPER), ("*48", BARGE)])
async def test_a_code_lets_a_supervisor_hear_and_be_heard_as_it_says(
    floor: Floor, house: SimulatedSwitch, code: str, hears: set[tuple[str, str]]
) -> None:
    boss = await floor.supervised(f"{code}1002")
    assert floor.hearing() == hears
    assert not floor.customer.renegotiations and not floor.agent.renegotiations, "no phone is told anything"
    await asyncio.sleep(10)
    boss.hang_up()
    await boss.until("over")
    await asyncio.sleep(0.5)
    assert floor.hearing() == {("customer", "agent"), ("agent", "customer")}
    assert house.hear_each_other(floor.customer, floor.agent), "by a bridge again"
    await asyncio.sleep(10)
    floor.customer.hang_up()
    await house.settled()
    talk, own = house.records.values()
    assert pairs(talk) == [("1001", "1002")] and not talk.mixes and not talk.transfers
    assert talk.talks[0].ended_at - talk.talks[0].started_at >= 20_000, "one talk, whoever heard it"
    assert (own.from_, own.to, own.disposition) == ("1020", f"{code}1002", "answered")
    assert 10_000 <= own.billable_ms <= 11_500
    assert house.switch._around is not None and house.switch._around.watching is None


async def test_keys_change_who_hears_the_supervisor_and_nobody_hears_the_keys(
    floor: Floor, house: SimulatedSwitch
) -> None:
    await floor.supervised("*461002")
    for key, hears in (("5", WHISPER), ("6", BARGE), ("4", LISTEN), ("6", BARGE), ("5", WHISPER), ("8", WHISPER)):
        floor.press(key)
        await asyncio.sleep(0.1)
        assert floor.hearing() == hears, key
    (mix,) = house.media.mixes.values()
    assert floor.boss is not None and mix.muted == {house.leg_of(floor.boss)}, "a muted member's keys reach nobody"
    floor.customer.hang_up()
    await floor.boss.until("over")
    await house.settled()
    assert floor.told() == [
        ("SupervisionBegan", "listen"),
        *(("SupervisionModeChanged", mode) for mode in ("whisper", "barge", "listen", "barge", "whisper")),
        ("SupervisionEnded", "over"),
    ]
    assert not any(isinstance(fact, LegsMixed) for fact in house.facts)


@pytest.mark.parametrize("who", ["customer", "agent"])
async def test_while_one_holds_the_other_nobody_is_heard(floor: Floor, house: SimulatedSwitch, who: str) -> None:
    await floor.supervised("*481002")
    holder: PhoneCall = getattr(floor, who)
    for _ in range(2):
        assert holder.offer_again("sendonly")
        await holder.when(lambda: holder.renegotiations[-1:] == [200])
        holder.renegotiations.clear()
        await asyncio.sleep(0.5)
        assert floor.hearing() == set()
        floor.press("5")  # nothing is wrong with that meanwhile
        floor.press("6")
        assert holder.offer_again("sendrecv")
        await holder.when(lambda: holder.renegotiations[-1:] == [200])
        holder.renegotiations.clear()
        await asyncio.sleep(0.5)
        assert floor.hearing() == BARGE
    house.switch.hold(house.call_of(floor.agent), house.leg_of(floor.agent), True)
    assert floor.hearing() == set()
    house.switch.hold(house.call_of(floor.agent), house.leg_of(floor.agent), False)
    assert floor.hearing() == BARGE
    floor.agent.hang_up()
    await house.settled()


async def test_without_music_a_customer_on_hold_is_not_heard_either(floor: Floor, house: SimulatedSwitch) -> None:
    assert house.switch._around is not None
    house.switch._around.music = ""
    await floor.supervised("*461002")
    assert floor.agent.offer_again("sendonly")
    await floor.agent.when(lambda: floor.agent.renegotiations == [200])
    await asyncio.sleep(0.5)
    assert not {pair for pair in floor.hearing() if pair[0] == "boss"}
    assert floor.agent.offer_again("sendrecv")
    await floor.agent.when(lambda: floor.agent.renegotiations == [200, 200])
    await asyncio.sleep(0.5)
    assert floor.hearing() == LISTEN
    floor.agent.hang_up()
    await house.settled()


async def test_it_goes_with_the_agent_who_asks_somebody_and_comes_back(floor: Floor, house: SimulatedSwitch) -> None:
    (colleague,) = await registered(house, "1003")
    await floor.supervised("*471002")
    house.press(floor.agent, "*21003#")
    asked = await colleague.rings()
    assert floor.hearing() == set()
    asked.answer()
    await asked.until("up")
    await asyncio.sleep(0.5)
    assert floor.hearing(asked=asked) == {
        ("asked", "agent"),
        ("agent", "asked"),
        ("agent", "boss"),
        ("boss", "agent"),
        ("boss", "asked"),
    }
    house.press(floor.agent, "*2")
    await asked.until("over")
    await asyncio.sleep(0.5)
    assert floor.hearing() == WHISPER
    floor.customer.hang_up()
    await house.settled()


async def test_it_goes_with_the_agent_into_a_talk_of_three_and_out_of_it(floor: Floor, house: SimulatedSwitch) -> None:
    (colleague,) = await registered(house, "1003")
    boss = await floor.supervised("*471002")
    house.press(floor.agent, "*21003#")
    third = await colleague.rings()
    third.answer()
    await third.until("up")
    await asyncio.sleep(0.5)
    house.press(floor.agent, "*3")
    await asyncio.sleep(0.5)
    three = {(a, b) for a, b in permutations(("customer", "agent", "third", "boss"), 2) if b != "boss"}
    assert floor.hearing(third=third) == three | {("agent", "boss")}
    floor.press("6")
    await asyncio.sleep(0.1)
    assert floor.hearing(third=third) == three | {(each, "boss") for each in ("agent", "customer", "third")}
    floor.press("9")
    await asyncio.sleep(0.1)
    assert boss.state == "up" and len(floor.hearing(third=third)) == 12, "of three nobody is taken over"
    floor.press("5")
    third.hang_up()
    await asyncio.sleep(1)
    assert floor.hearing() == WHISPER
    boss.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(floor.customer, floor.agent)
    floor.customer.hang_up()
    await house.settled()


async def test_it_ends_with_the_agent_who_transfers(floor: Floor, house: SimulatedSwitch) -> None:
    (colleague,) = await registered(house, "1003")
    boss = await floor.supervised("*461002")
    floor.agent.refer("1003")
    takes = await colleague.rings()
    assert floor.hearing() == set()
    takes.answer()
    await boss.until("over")
    await floor.agent.until("over")
    await asyncio.sleep(0.5)
    assert house.hear_each_other(floor.customer, takes)
    assert floor.told()[-1] == ("SupervisionEnded", "over")
    takes.hang_up()
    await house.settled()


async def test_it_goes_on_when_a_transfer_fails(floor: Floor, house: SimulatedSwitch) -> None:
    (colleague,) = await registered(house, "1003")
    await floor.supervised("*481002")
    floor.agent.refer("1003")
    (await colleague.rings()).refuse(486)
    await asyncio.sleep(5)
    assert floor.hearing() == BARGE
    floor.agent.hang_up()
    await house.settled()


async def test_the_supervisor_takes_the_agents_place(floor: Floor, house: SimulatedSwitch) -> None:
    boss = await floor.supervised("*461002")
    await asyncio.sleep(5)
    floor.press("9")
    await floor.agent.until("over")
    await asyncio.sleep(0.5)
    assert house.hear_each_other(floor.customer, boss)
    assert not house.media.mixes
    await asyncio.sleep(20)
    floor.customer.hang_up()
    await boss.until("over")
    await house.settled()
    talk, own = house.records.values()
    assert pairs(talk) == [("1001", "1002"), ("1001", "1020")]
    assert [(each.kind, each.outcome) for each in talk.transfers] == [("replaced", "completed")]
    assert own.disposition == "answered" and own.legs[0].moved_to == talk.call_id
    assert floor.told() == [("SupervisionBegan", "listen"), ("SupervisionEnded", "taken over")]


async def test_a_code_takes_the_place_at_once(floor: Floor, house: SimulatedSwitch) -> None:
    boss = await floor.supervised("*491002")
    await floor.agent.until("over")
    assert house.hear_each_other(floor.customer, boss)
    boss.hang_up()
    await floor.customer.until("over")
    await house.settled()


async def test_who_called_may_be_supervised_too(floor: Floor, house: SimulatedSwitch) -> None:
    boss = await floor.supervised("*471001")
    assert floor.hearing() == LISTEN | {("customer", "boss")}
    floor.press("9")
    await floor.customer.until("over")
    await asyncio.sleep(0.5)
    assert house.hear_each_other(boss, floor.agent)
    floor.agent.hang_up()
    await house.settled()


async def test_an_order_rings_the_supervisor_who_then_hears(floor: Floor, house: SimulatedSwitch) -> None:
    supervisors = house.features.supervisors
    own = supervisors.order(house.call_of(floor.customer), None, "1020", "whisper", "ann")
    floor.boss = await floor.desk.rings()
    floor.boss.answer()
    await floor.boss.until("up")
    await asyncio.sleep(0.5)
    assert floor.hearing() == WHISPER
    ((found, order, supervision),) = supervisors.all()
    assert (found, order.ordered_by, supervision.watched_account) == (own, "ann", "1002"), "the one that was called"
    supervisors.change(own, "barge", "ben")
    assert floor.hearing() == BARGE
    began, changed = (fact for fact in house.facts if isinstance(fact, SupervisionBegan | SupervisionModeChanged))
    assert (began.ordered_by, changed.ordered_by, changed.by) == ("ann", "ben", "1020")
    supervisors.stop(own)
    await floor.boss.until("over")
    assert house.hear_each_other(floor.customer, floor.agent)
    with pytest.raises(NotFound):
        supervisors.change(own, "listen")
    floor.agent.hang_up()
    await house.settled()


async def test_an_order_that_nobody_answers_leaves_nothing(floor: Floor, house: SimulatedSwitch) -> None:
    supervisors = house.features.supervisors
    call = house.call_of(floor.customer)
    for _ in range(2):
        supervisors.order(call, None, "1020", "listen", "ann")
        (await floor.desk.rings()).refuse(486)
        await asyncio.sleep(5)
    supervisors.order(call, None, "1020", "listen", "ann")
    late = await floor.desk.rings()
    assert len(supervisors._orders) == 1
    floor.agent.hang_up()
    await floor.customer.until("over")
    await asyncio.sleep(5)
    late.answer()  # when there is nobody left to be heard
    await late.until("over")
    with pytest.raises(NotFound):
        supervisors.order(call, None, "1020", "listen", "ann")
    await house.settled()


async def test_who_may_not_is_refused(floor: Floor, house: SimulatedSwitch) -> None:
    rights = house.features.supervisors
    for held, dialled, status in (
        (None, "*461002", 403),
        (Rights(account="1020", accounts=("1003",)), "*461002", 403),
        (Rights(account="1020", everybody=True, acts=("listen",)), "*471002", 403),
        (Rights(account="1020", everybody=True), "*461003", 404),
    ):
        rights._take({} if held is None else {"1020": held})
        boss = floor.desk.call(dialled)
        await boss.until("over")
        assert (boss.how, boss.status) == ("refused", status), dialled
    rights._take({"1020": Rights(account="1020", accounts=("1002",), acts=("listen", "barge"))})
    await floor.supervised("*461002")
    for key, hears in (("5", LISTEN), ("9", LISTEN), ("6", BARGE)):
        floor.press(key)
        await asyncio.sleep(0.1)
        assert floor.hearing() == hears, key
    floor.customer.hang_up()
    await house.settled()


async def test_a_call_that_goes_past_us_and_one_that_is_supervised_are_conflicts(
    floor: Floor, house: SimulatedSwitch
) -> None:
    house.features.trunks.anchor(False)
    out = floor.customer.phone.call("84321")
    far = await house.trunk.rings()
    far.answer()
    await out.until("up")
    supervisors, past = house.features.supervisors, house.facts_of_calls[-1].call
    with pytest.raises(Conflict) as refused:
        supervisors.order(past, None, "1020", "listen", "ann")
    assert refused.value.error_id == "not-through-us"
    await floor.supervised("*461002")
    for leg in (floor.agent, floor.customer):
        with pytest.raises(Conflict) as refused:
            supervisors.order(house.call_of(leg), house.leg_of(leg), "1020", "listen", "ann")
        assert refused.value.error_id == "supervised"
    assert floor.boss is not None
    with pytest.raises(Conflict) as refused:
        supervisors.order(house.call_of(floor.boss), None, "1020", "listen", "ann")
    assert refused.value.error_id == "not-talking"
    out.hang_up()
    floor.customer.hang_up()
    await house.settled()


@pytest.mark.parametrize("milliseconds", range(0, 160, 20))
@pytest.mark.parametrize("first", ["customer", "agent", "boss"])
@pytest.mark.parametrize("key", ["5", "9"])
async def test_whoever_goes_while_the_mode_changes_nothing_is_left(
    floor: Floor, house: SimulatedSwitch, first: str, key: str, milliseconds: int
) -> None:
    await floor.supervised("*461002")
    party: PhoneCall = getattr(floor, first)
    party.hang_up()
    await asyncio.sleep(milliseconds / 1000)
    if floor.boss is not None and floor.boss.state == "up":
        floor.press(key)
    await asyncio.sleep(1)
    for each in (floor.customer, floor.agent, floor.boss):
        if each is not None and each.state == "up":
            each.hang_up()
    await house.settled()
