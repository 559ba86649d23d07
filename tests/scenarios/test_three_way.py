"""More than two in one call: by a code and by order, and what the records say of it."""

import asyncio

import pytest

from softswitch.features.cdr.model import Cdr
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import pairs, registered, talking
from tests.support.switch import SimulatedSwitch


def mixes(cdr: Cdr) -> list[set[str]]:
    numbers = {leg.leg: leg.number for leg in cdr.legs}
    return [{numbers[leg] for leg in mix.legs} for mix in cdr.mixes]


async def asked(house: SimulatedSwitch, asks: PhoneCall, whom: Phone) -> PhoneCall:
    """A party asks somebody first, who answers."""
    house.press(asks, f"*2{whom.user}#")
    third = await whom.rings()
    third.answer()
    await third.until("up")
    await asyncio.sleep(0.5)
    return third


async def three(house: SimulatedSwitch) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    third = await asked(house, back, carol)
    house.press(back, "*3")
    await asyncio.sleep(0.5)
    assert house.all_hear_each_other(out, back, third)
    return out, back, third


@pytest.mark.parametrize("goes", [0, 1, 2], ids=["who waited", "who asked", "who was asked"])
async def test_a_code_brings_three_together_and_when_one_goes_two_talk_on(house: SimulatedSwitch, goes: int) -> None:
    parties = await three(house)
    await asyncio.sleep(10)
    parties[goes].hang_up()
    left = [party for party in parties if party is not parties[goes]]
    await asyncio.sleep(1)
    assert house.hear_each_other(left[0], left[1])
    await asyncio.sleep(20)
    left[0].hang_up()
    await left[1].until("over")
    await house.settled()
    first, second = house.records.values()
    assert pairs(first) == [("1001", "1002")] and first.disposition == "answered" and not first.mixes
    users = {party.phone.user for party in left}
    assert [set(pair) for pair in pairs(second)] == [{"1002", "1003"}, users]
    assert mixes(second) == [{"1001", "1002", "1003"}]
    (mix,) = second.mixes
    assert 10_000 <= mix.ended_at - mix.started_at <= 11_500
    assert 20_000 <= second.talks[1].ended_at - second.talks[1].started_at <= 21_500


async def test_three_that_do_not_hear_each_other_before_they_are_brought_together_by_order(
    house: SimulatedSwitch,
) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    other, far = await talking(house, carol, dave)
    house.switch.unite(house.call_of(out), house.call_of(other))
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, back, other, far)
    for party in (out, far):
        party.hang_up()
        await asyncio.sleep(1)
    assert house.hear_each_other(back, other)
    back.hang_up()
    await house.settled()
    first, second = house.records.values()
    assert mixes(first) == [{"1001", "1002", "1003", "1004"}, {"1002", "1003", "1004"}]
    assert [leg.moved_to for leg in second.legs] == [first.call_id] * 2


async def test_who_is_about_to_press_a_number_when_all_are_brought_together_stays_among_them(
    house: SimulatedSwitch,
) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    other, far = await talking(house, carol, dave)
    house.press(back, "*2")
    house.switch.unite(house.call_of(out), house.call_of(other))
    house.press(back, "7#")
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, back, other, far)
    for party in (out, far, other):
        party.hang_up()
    await house.settled()


async def test_an_account_that_is_in_both_calls_is_there_once(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    consult = bob.call("1003")
    third = await carol.rings()
    third.answer()
    await consult.until("up")
    house.switch.unite(house.call_of(consult), house.call_of(out))
    await back.until("over")
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, consult, third)
    consult.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


async def test_a_fourth_is_brought_in(house: SimulatedSwitch) -> None:
    out, back, third = await three(house)
    dave, erin = await registered(house, "1004", "1005")
    more, far = await talking(house, dave, erin)
    house.switch.unite(house.call_of(out), house.call_of(more))
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, back, third, more, far)
    assert house.switch.hang_up(house.call_of(out))
    await out.until("over")
    await house.settled()


async def test_a_party_may_hold_and_resume_in_the_midst(house: SimulatedSwitch) -> None:
    out, back, third = await three(house)
    assert back.offer_again("sendonly")
    await back.when(lambda: back.renegotiations == [200])
    assert back.offer_again("sendrecv")
    await back.when(lambda: back.renegotiations == [200, 200])
    assert house.all_hear_each_other(out, back, third)
    out.hang_up()
    third.hang_up()
    await back.until("over")
    await house.settled()


async def test_there_must_be_three(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    call = house.call_of(out)
    with pytest.raises(Conflict):
        house.switch.unite(call, call)
    with pytest.raises(NotFound):
        house.switch.unite(call, CallId("none"))
    echo = carol.call("9196")
    await echo.until("up")
    with pytest.raises(Conflict):
        house.switch.unite(house.call_of(echo), call)
    house.press(back, "*3")
    assert house.hear_each_other(out, back)
    house.switch.unite(call, house.call_of(echo))
    await asyncio.sleep(1)
    assert house.all_hear_each_other(out, back, echo)
    for party in (echo, out):
        party.hang_up()
    await house.settled()


async def test_nobody_is_put_in_the_place_of_one_of_three(house: SimulatedSwitch) -> None:
    """Whether by attended transfer into the mix or by an INVITE with Replaces, of the account that made it."""
    out, back, third = await three(house)
    (dave,) = await registered(house, "1004")
    consult, far = await talking(house, back.phone, dave)
    consult.refer("1004", replaces=back)
    await consult.when(lambda: bool(consult.told) and consult.told[-1] >= 200)
    assert consult.told[-1] == 481
    assert house.hear_each_other(consult, far)
    other = house.phone("1002")
    assert await other.register() == 200
    taking = other.call("1001", replaces=back)
    await taking.until("over")
    assert (taking.how, taking.status) == ("refused", 481)
    assert house.all_hear_each_other(out, back, third)
    for party in (consult, out, third):
        party.hang_up()
    await house.settled()


async def test_whoever_waits_for_one_that_asks_is_not_forgotten(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave, erin = await registered(house, "1001", "1002", "1003", "1004", "1005")
    out, back = await talking(house, alice, bob)
    third = await asked(house, back, carol)
    other, _ = await talking(house, dave, erin)
    for pair in ((third, other), (other, third)):
        with pytest.raises(Conflict):
            house.switch.unite(*(house.call_of(each) for each in pair))
    back.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, third)
    for party in (out, other):
        party.hang_up()
    await house.settled()


@pytest.mark.parametrize("milliseconds", range(0, 160, 40))
@pytest.mark.parametrize("go", [(0, 1), (1, 2), (0, 2)], ids=str)
async def test_two_of_three_leave_at_once_and_nobody_is_left(
    house: SimulatedSwitch, go: tuple[int, int], milliseconds: int
) -> None:
    parties = await three(house)
    first, second = (parties[each] for each in go)
    (last,) = [party for party in parties if party not in (first, second)]
    first.hang_up()
    await asyncio.sleep(milliseconds / 1000)
    second.hang_up()
    await last.until("over")
    await house.settled()


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_in_the_midst_a_transfer_is_refused_and_codes_mean_nothing(house: SimulatedSwitch, who: int) -> None:
    parties = await three(house)
    asks = parties[who]
    asks.refer("1004")
    await asks.when(lambda: bool(asks.told) and asks.told[-1] >= 200)
    assert asks.told == [100, 603]
    for keys in ("##1004#", "*21004#", "*4", "*3"):
        house.press(asks, keys)
        await asyncio.sleep(6)
        assert house.all_hear_each_other(*parties)
    for party in parties[:2]:
        party.hang_up()
    await house.settled()
