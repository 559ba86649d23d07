"""One number, three ways: all devices at once, one after another, round and round; on virtual time."""

import asyncio
from typing import Any

import pytest
from msgspec import structs

from softswitch.demo import PERSONS
from softswitch.events import CallRouted, CallTraced, LegAnswered, LegDialed
from softswitch.features.calendars.model import Override, Timetable
from softswitch.features.persons.model import Device, Person, checked
from softswitch.features.reach.model import ReachRules
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.sound import Prompt
from softswitch.kernel.watching import Published
from tests.support.invariants import records
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import Sleeper, causes, disposition, registered, talking
from tests.support.switch import SimulatedSwitch

ELSEWHERE = 'SIP;cause=200;text="Callcompletedelsewhere"'
FIVE_SECONDS_EACH = {name: {"ring_seconds": 5} for name in ("desk", "soft", "mobile")}
MOBILE = Device(name="cell", trunk="uas", number="80009", order=4, ring_seconds=25, confirm=True)


@pytest.fixture(autouse=True)
def nowhere_else(house: SimulatedSwitch) -> None:
    """The demo's persons without the voicemail behind them."""
    for each in PERSONS:
        house.features.persons._take(structs.replace(each, final=""))


def person(house: SimulatedSwitch, number: str, **changes: Any) -> Person:
    """The demo's person of this number, with changes."""
    known = house.features.persons.person(number)
    assert known is not None
    made = checked(structs.replace(known, **changes))
    house.features.persons._take(made)
    return made


def devices(number: str = "7001", **changes: dict[str, Any]) -> tuple[Device, ...]:
    """The demo's devices, some of them changed by name."""
    known = next(person for person in PERSONS if person.number == number).devices
    return tuple(structs.replace(device, **changes.get(device.name, {})) for device in known)


def elsewhere(call: PhoneCall) -> bool:
    return call.reason.replace(" ", "") == ELSEWHERE


def steps(house: SimulatedSwitch) -> list[tuple[str, str, str]]:
    """What was decided about persons, in order."""
    return [
        (step.rule, step.result, step.reason)
        for fact in house.facts
        if isinstance(fact, CallRouted) and fact.by.startswith("person:")
        for step in fact.steps
    ]


async def house_of_three(house: SimulatedSwitch) -> tuple[Phone, Phone, Phone, Phone]:
    caller, desk, soft, mobile = await registered(house, "1004", "1001", "1002", "1003")
    return caller, desk, soft, mobile


# All at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("winner", [0, 1, 2])
async def test_all_devices_ring_and_the_others_are_told_who_answers(house: SimulatedSwitch, winner: int) -> None:
    caller, *phones = await house_of_three(house)
    out = caller.call("7001")
    rings = [await phone.rings() for phone in phones]
    for ring in rings:
        ring.ring()
    await out.until("ringing")
    rings[winner].answer()
    await out.until("up")
    for ring in rings:
        if ring is not rings[winner]:
            await ring.until("over")
            assert ring.how == "cancelled" and elsewhere(ring)
    assert house.hear_each_other(out, rings[winner])
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert (cdr.to, cdr.destination, cdr.disposition) == ("7001", Destination("person", "7001"), "answered")
    assert steps(house)[0] == (
        "person/7001",
        "matched",
        "simultaneous: 3 of its 3 devices for 120 s at most",
    )


async def test_devices_that_answer_in_the_same_moment_leave_one_call(house: SimulatedSwitch) -> None:
    caller, *phones = await house_of_three(house)
    out = caller.call("7001")
    rings = [await phone.rings() for phone in phones]
    for ring in rings:
        ring.answer()
    await out.until("up")
    await asyncio.sleep(2)
    assert sorted(ring.state for ring in rings) == ["over", "over", "up"]
    assert house.hear_each_other(out, next(ring for ring in rings if ring.state == "up"))
    out.hang_up()
    await house.settled()


async def test_a_device_that_declines_or_is_busy_leaves_the_others_ringing(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    out = caller.call("7001")
    (await desk.rings()).refuse(603)
    (await soft.rings()).refuse(486)
    back = await mobile.rings()
    await asyncio.sleep(3)
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_where_all_decline_the_caller_is_told_so(house: SimulatedSwitch) -> None:
    caller, *phones = await house_of_three(house)
    out = caller.call("7001")
    for phone in phones:
        (await phone.rings()).refuse(486)
    await out.until("over")
    assert (out.how, out.status) == ("refused", 486)
    await house.settled()
    assert disposition(house) == "busy"
    assert steps(house)[-1] == (
        "person/7001.final",
        "failed",
        "nobody took the call (user busy), and the call goes nowhere else",
    )


async def test_a_device_rings_for_its_own_time_and_a_delayed_one_after_the_others(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    person(
        house,
        "7001",
        devices=devices(desk={"ring_seconds": 8}, soft={"ring_seconds": 30}, mobile={"delay_seconds": 12}),
    )
    began = house.loop.time()
    out = caller.call("7001")
    first, second = await desk.rings(), await soft.rings()
    await first.until("over")
    assert first.how == "cancelled" and not elsewhere(first)
    assert 8 <= house.loop.time() - began < 8.5
    third = await mobile.rings()
    assert 12 <= house.loop.time() - began < 12.5
    assert second.state == "calling"
    third.answer()
    await out.until("up")
    await second.until("over")
    assert elsewhere(second)
    out.hang_up()
    await house.settled()


async def test_a_delay_is_over_when_nobody_rings_any_more(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    person(house, "7001", devices=devices(mobile={"delay_seconds": 60}))
    out = caller.call("7001")
    (await desk.rings()).refuse(486)
    (await soft.rings()).refuse(486)
    back = await mobile.rings(within=1)
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_an_answer_before_its_time_rings_no_delayed_device(house: SimulatedSwitch) -> None:
    caller, desk, _, mobile = await house_of_three(house)
    person(house, "7001", devices=devices(mobile={"delay_seconds": 10}))
    out = caller.call("7001")
    (await desk.rings()).answer()
    await out.until("up")
    await asyncio.sleep(30)
    assert mobile.incoming.empty()
    out.hang_up()
    await house.settled()


async def test_the_limit_of_time_ends_what_still_rings(house: SimulatedSwitch) -> None:
    caller, *phones = await house_of_three(house)
    person(house, "7001", seconds=10)
    began = house.loop.time()
    out = caller.call("7001")
    rings = [await phone.rings() for phone in phones]
    await out.until("over")
    assert 10 <= house.loop.time() - began < 10.5
    for ring in rings:
        await ring.until("over")
        assert ring.how == "cancelled" and not elsewhere(ring)
    await house.settled()
    assert disposition(house) == "no_answer"


async def test_a_device_that_is_gone_without_a_word_does_not_hold_the_others_up(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    desk.die()
    out = caller.call("7001")
    back = await soft.rings()
    back.answer()
    await out.until("up")
    await (await mobile.rings()).until("over")
    out.hang_up()
    await house.settled()


# One after another ------------------------------------------------------------------------------------------------


async def test_one_after_another_each_for_its_time(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    person(house, "7002", devices=devices("7002", desk={"ring_seconds": 5}, soft={"ring_seconds": 10}))
    began = house.loop.time()
    out = caller.call("7002")
    first = await desk.rings()
    first.ring()
    second = await soft.rings()
    assert 5 <= house.loop.time() - began < 5.5
    await first.until("over")
    assert first.how == "cancelled" and mobile.incoming.empty()
    third = await mobile.rings()
    assert 15 <= house.loop.time() - began < 15.5
    await second.until("over")
    third.answer()
    await out.until("up")
    assert house.hear_each_other(out, third) and out.rang == 1
    out.hang_up()
    await house.settled()
    assert [(rule, result) for rule, result, _ in steps(house)] == [
        ("person/7002", "matched"),
        ("person/7002.desk", "matched"),
        ("person/7002.soft", "matched"),
        ("person/7002.mobile", "matched"),
    ]
    assert steps(house)[2][2] == "turn 2: account 1002 rings for 10 s"


async def test_who_declines_or_is_busy_gives_the_turn_to_the_next_at_once(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    began = house.loop.time()
    out = caller.call("7002")
    (await desk.rings()).refuse(603)
    (await soft.rings()).refuse(486)
    back = await mobile.rings()
    assert house.loop.time() - began < 1
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_devices_of_one_order_ring_together(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    person(house, "7002", devices=devices("7002", soft={"order": 1}, mobile={"order": 2}))
    out = caller.call("7002")
    first, second = await desk.rings(), await soft.rings()
    assert mobile.incoming.empty()
    second.answer()
    await out.until("up")
    await first.until("over")
    assert elsewhere(first)
    out.hang_up()
    await house.settled()


@pytest.mark.parametrize("after", [4.9, 4.98, 4.99, 5.0, 5.005, 5.01, 5.02, 5.03])
async def test_a_phone_that_answers_as_its_turn_ends_talks_or_does_not_and_never_two_do(
    house: SimulatedSwitch, after: float
) -> None:
    caller, desk, soft, _ = await house_of_three(house)
    person(house, "7002", devices=devices("7002", desk={"ring_seconds": 5}))
    began = house.loop.time()
    out = caller.call("7002")
    first = await desk.rings()
    await asyncio.sleep(began + after - house.loop.time())
    first.answer()  # it may cross the CANCEL
    await asyncio.sleep(1)
    if first.state != "up":
        (await soft.rings()).answer()
    await out.until("up")
    await asyncio.sleep(1)
    (up,) = [call for phone in (desk, soft) for call in phone.calls if call.state == "up"]
    assert house.hear_each_other(out, up)
    out.hang_up()
    await house.settled()


async def test_a_person_without_a_phone_anywhere_is_absent(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    out = caller.call("7002")
    await out.until("over")
    assert out.status == 480
    await house.settled()
    assert causes(house) == [Cause.SUBSCRIBER_ABSENT]
    assert [(rule, result, reason) for rule, result, reason in steps(house)] == [
        ("person/7002", "failed", "none of its 3 devices can be rung now"),
        ("person/7002.desk", "skipped", "no phone of 1001 is registered"),
        ("person/7002.soft", "skipped", "no phone of 1002 is registered"),
        ("person/7002.mobile", "skipped", "no phone of 1003 is registered"),
        ("person/7002.final", "failed", "nobody can be rung, and the call goes nowhere else"),
    ]


# Round and round --------------------------------------------------------------------------------------------------


async def test_round_and_round_until_somebody_answers(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    person(house, "7003", devices=devices("7003", **FIVE_SECONDS_EACH))
    began = house.loop.time()
    out = caller.call("7003")
    for _ in range(2):
        for phone in (desk, soft, mobile):
            ring = await phone.rings()
            await ring.until("over")
    back = await desk.rings()
    assert 30 <= house.loop.time() - began < 31
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    dialled = [fact.number for fact in house.facts if isinstance(fact, LegDialed)]
    assert dialled == ["1001", "1002", "1003"] * 2 + ["1001"]
    assert len([step for step in steps(house) if step[0] == "person/7003"]) == 1  # said once: nothing has changed


async def test_the_limit_of_rounds_ends_the_call(house: SimulatedSwitch) -> None:
    caller, *phones = await house_of_three(house)
    person(
        house,
        "7003",
        rounds=2,
        devices=devices("7003", **FIVE_SECONDS_EACH),
    )
    began = house.loop.time()
    out = caller.call("7003")
    await out.until("over")
    assert 30 <= house.loop.time() - began < 31 and out.status in (408, 480)
    await house.settled()
    assert disposition(house) == "no_answer"
    assert [phone.incoming.qsize() for phone in phones] == [2, 2, 2]


async def test_the_limit_of_time_ends_a_round_in_its_middle(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    person(house, "7003", seconds=20, rounds=20)
    began = house.loop.time()
    out = caller.call("7003")
    await out.until("over")
    assert 20 <= house.loop.time() - began < 20.5
    await house.settled()
    assert [phone.incoming.qsize() for phone in (desk, soft, mobile)] == [1, 1, 0]


async def test_phones_that_refuse_at_once_are_not_rung_at_once_again(house: SimulatedSwitch) -> None:
    caller, *phones = await house_of_three(house)
    began = house.loop.time()
    out = caller.call("7003")
    for _ in range(3):
        for phone in phones:
            (await phone.rings()).refuse(486)
    await out.until("over")
    assert 10 <= house.loop.time() - began < 11 and out.status == 486
    await house.settled()


async def test_a_phone_that_comes_meanwhile_rings_in_the_next_round(house: SimulatedSwitch) -> None:
    caller, desk = await registered(house, "1004", "1001")
    out = caller.call("7003")
    first = await desk.rings()
    (soft,) = await registered(house, "1002")
    await first.until("over")
    again = await desk.rings()
    await again.until("over")
    back = await soft.rings()
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    said = [step for step in steps(house) if step[0] == "person/7003.soft"]
    assert [result for _, result, _ in said] == ["skipped", "matched"]


# The caller gives up ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["7001", "7002", "7003"])
@pytest.mark.parametrize("after", [0.0, 0.001, 0.5, 14.999, 15.0, 15.001, 22.0, 46.0])
async def test_the_caller_gives_up_at_any_moment_and_nothing_rings_on(
    house: SimulatedSwitch, number: str, after: float
) -> None:
    caller, *phones = await house_of_three(house)
    out = caller.call(number)
    await asyncio.sleep(after)
    out.cancel()
    await out.until("over")
    gave_up = house.loop.time()
    await asyncio.sleep(60)
    for phone in phones:
        for call in phone.calls:
            assert call.state == "over" and call.started_at <= gave_up + 0.2
            assert not elsewhere(call)
    await house.settled()


# Outside devices: press 1 -----------------------------------------------------------------------------------------


async def test_an_outside_party_presses_one_and_talks(house: SimulatedSwitch) -> None:
    caller, desk, *_ = await house_of_three(house)
    person(house, "7001", devices=(*devices()[:1], structs.replace(MOBILE, language="zh")))
    out = caller.call("7001")
    ring = await desk.rings()
    ring.ring()
    cell = await house.trunk.rings()
    assert cell.invitation.request_uri.startswith("sip:80009@")
    cell.answer()
    await cell.until("up")
    await asyncio.sleep(3)
    assert out.state == "ringing" and ring.state == "ringing"
    leg = house.leg_of(cell)
    assert house.media.doing[leg] == "list" and house.media.loops[leg][0] == Prompt("zh/persons/press-one")
    house.press(cell, "5*0")
    await asyncio.sleep(1)
    assert out.state == "ringing" and ring.state == "ringing"
    house.press(cell, "1")
    await out.until("up")
    await ring.until("over")
    assert elsewhere(ring)
    await asyncio.sleep(1)
    assert house.hear_each_other(out, cell)
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert cdr.disposition == "answered" and 900 < cdr.billable_ms < 1500


async def test_a_mailbox_that_answers_never_has_the_call(house: SimulatedSwitch) -> None:
    caller, desk, *_ = await house_of_three(house)
    person(house, "7001", devices=(*devices(desk={"ring_seconds": 60})[:1], MOBILE))
    out = caller.call("7001")
    ring = await desk.rings()
    mailbox = await house.trunk.rings()
    began = house.loop.time()
    mailbox.answer()
    await mailbox.until("over")
    assert mailbox.how == "cleared" and 20 <= house.loop.time() - began < 21
    assert ring.state == "calling" and out.state in ("calling", "ringing")
    ring.answer()
    await out.until("up")
    assert house.hear_each_other(out, ring)
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert {leg.number for leg in cdr.legs if leg.answered_at} == {"1004", "1001", "80009"}


async def test_a_mailbox_alone_leaves_the_call_unanswered(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(MOBILE,))
    out = caller.call("7001")
    (await house.trunk.rings()).answer()
    await out.until("over")
    assert out.status in (408, 480)
    await house.settled()
    assert disposition(house) == "no_answer"


async def test_who_hangs_up_when_asked_has_not_declined_for_the_others(house: SimulatedSwitch) -> None:
    caller, desk, *_ = await house_of_three(house)
    person(house, "7001", devices=(*devices()[:1], MOBILE))
    out = caller.call("7001")
    ring = await desk.rings()
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    await asyncio.sleep(1)
    cell.hang_up()
    await cell.until("over")
    await asyncio.sleep(1)
    ring.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_who_hangs_up_when_asked_has_not_answered(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(MOBILE,))
    out = caller.call("7001")
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    cell.hang_up()
    await out.until("over")
    assert out.status in (408, 480)
    await house.settled()
    assert disposition(house) == "no_answer"


async def test_another_device_answers_while_an_outside_party_is_asked(house: SimulatedSwitch) -> None:
    caller, desk, *_ = await house_of_three(house)
    person(house, "7001", devices=(*devices()[:1], MOBILE))
    out = caller.call("7001")
    ring = await desk.rings()
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    ring.answer()
    await out.until("up")
    await cell.until("over")
    assert cell.how == "cleared" and elsewhere(cell)
    assert house.hear_each_other(out, ring)
    out.hang_up()
    await house.settled()


async def test_who_is_asked_when_the_time_is_up_may_still_say_yes(house: SimulatedSwitch) -> None:
    caller, desk, *_ = await house_of_three(house)
    person(house, "7001", seconds=10, devices=(*devices()[:1], MOBILE))
    out = caller.call("7001")
    ring = await desk.rings()
    cell = await house.trunk.rings()
    await asyncio.sleep(9)
    cell.answer()
    await ring.until("over")
    await asyncio.sleep(3)
    house.press(cell, "1")
    await out.until("up")
    assert house.hear_each_other(out, cell)
    out.hang_up()
    await house.settled()


async def test_the_caller_gives_up_while_somebody_is_asked(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(MOBILE,))
    out = caller.call("7001")
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    await asyncio.sleep(2)
    out.cancel()
    await cell.until("over")
    assert cell.how == "cleared"
    await house.settled()
    assert disposition(house) == "cancelled"


async def test_keys_by_info_confirm_too(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(MOBILE,))
    out = caller.call("7001")
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    cell.press("1")
    await out.until("up")
    assert house.hear_each_other(out, cell)
    cell.hang_up()
    await out.until("over")
    await house.settled()


async def test_what_an_outside_party_sends_before_it_answers_is_not_heard(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(MOBILE,))
    out = caller.call("7001")
    cell = await house.trunk.rings()
    cell.ring(early_media=True)
    await out.until("ringing")
    await asyncio.sleep(1)
    assert not out.early_media
    cell.answer()
    await cell.until("up")
    house.press(cell, "1")
    await out.until("up")
    assert house.hear_each_other(out, cell)
    out.hang_up()
    await house.settled()


async def test_a_caller_without_an_offer_is_joined_to_who_confirms(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(MOBILE,))
    out = caller.call("7001", offer=False)
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    house.press(cell, "1")
    await out.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, cell)
    out.hang_up()
    await house.settled()


async def test_an_outside_number_is_called_in_the_owners_name(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    person(house, "7001", devices=(structs.replace(MOBILE, confirm=False),))
    out = caller.call("7001")
    cell = await house.trunk.rings()
    assert "1004" in cell.invitation.header("from")
    cell.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


# When and for whom ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"enabled": False}, "it is switched off"),
        ({"callers": ("1005", "+49*")}, "it does not ring for 1004"),
        ({"not_callers": ("10*",)}, "it never rings for 1004"),
        ({"while_closed": "office"}, "calendar office is open (override by a test)"),
    ],
)
async def test_a_device_rings_when_and_for_whom_it_may(
    house: SimulatedSwitch, change: dict[str, Any], why: str
) -> None:
    caller, desk, soft, _ = await house_of_three(house)
    office = house.features.calendars.timetable("office").calendar
    house.features.calendars._take(Timetable(office, Override(open=True, by="a test")))
    person(house, "7001", devices=devices(desk=change))
    out = caller.call("7001")
    (await soft.rings()).answer()
    await out.until("up")
    assert desk.incoming.empty()
    out.hang_up()
    await house.settled()
    assert ("person/7001.desk", "skipped", why) in steps(house)


async def test_presence_is_minded_where_the_device_says_so(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    skip = {"skip_when": ("busy", "do-not-disturb", "away")}
    person(house, "7001", devices=devices(desk=skip, soft=skip, mobile=skip))
    (other,) = await registered(house, "1005")
    talk, _ = await talking(house, other, desk)
    house.features.reach._take("1002", ReachRules(do_not_disturb=True))
    house.features.presence.published("1003", [Published(open=True, activities=("meal",))])
    said = house.features.plan.explain("1004", "7001")
    assert [(step.rule, step.reason) for step in said.steps if step.rule.startswith("person/7001.")] == [
        ("person/7001.desk", "1001 is on a call"),
        ("person/7001.soft", "1002 does not want to be disturbed"),
        ("person/7001.mobile", "1003 is away (meal)"),
        ("person/7001.final", "nobody can be rung, and the call goes nowhere else"),
    ]
    out = caller.call("7001")
    await out.until("over")
    assert out.status == 480
    house.features.presence.published("1003", [])
    again = caller.call("7001")
    (await mobile.rings()).answer()
    await again.until("up")
    assert soft.incoming.empty()
    again.hang_up()
    talk.hang_up()
    await house.settled()


async def test_who_calls_its_own_number_is_not_rung_by_it(house: SimulatedSwitch) -> None:
    desk, soft = await registered(house, "1001", "1002")
    out = desk.call("7001")
    (await soft.rings()).answer()
    await out.until("up")
    assert desk.incoming.empty()
    out.hang_up()
    await house.settled()
    assert ("person/7001.desk", "skipped", "1001 is who calls") in steps(house)


async def test_a_sleeping_phone_is_woken_and_joins(house: SimulatedSwitch) -> None:
    caller, desk = await registered(house, "1004", "1001")
    (soft,) = await registered(house, "1002")
    sleeper = Sleeper(house, "1002", soft)
    out = caller.call("7001")
    ring = await desk.rings()
    await asyncio.sleep(1)
    sleeper.wakes()
    (await soft.rings()).answer()
    await out.until("up")
    await ring.until("over")
    assert elsewhere(ring)
    out.hang_up()
    await house.settled()


async def test_a_sleeping_phone_alone_is_waited_for(house: SimulatedSwitch) -> None:
    caller, soft = await registered(house, "1004", "1002")
    sleeper = Sleeper(house, "1002", soft)
    out = caller.call("7002")
    await asyncio.sleep(2)
    sleeper.wakes()
    (await soft.rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


# Where calls go that nobody takes ---------------------------------------------------------------------------------


async def test_a_call_that_nobody_takes_goes_on_to_another_person(house: SimulatedSwitch) -> None:
    caller, desk, soft, _ = await house_of_three(house)
    person(house, "7001", final="person/7002", devices=devices()[:1])
    person(house, "7002", devices=devices("7002")[1:2])
    out = caller.call("7001")
    (await desk.rings()).refuse(486)
    (await soft.rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    assert ("person/7001.final", "matched", "nobody took the call (user busy): on to person/7002") in steps(house)
    (cdr,) = records(house.facts).values()
    assert cdr.destination == Destination("person", "7002")


@pytest.mark.parametrize(("says", "greeting"), [(486, "is-busy"), (0, "is-absent")])
async def test_a_call_that_nobody_takes_leaves_a_message(house: SimulatedSwitch, says: int, greeting: str) -> None:
    caller, desk = await registered(house, "1004", "1001")
    person(house, "7001", final="voicemail/1001", devices=devices(desk={"ring_seconds": 5}))
    out = caller.call("7001")
    ring = await desk.rings()
    if says:
        ring.refuse(says)
    await out.until("up")
    leg = house.leg_of(out)
    await asyncio.sleep(20)
    heard = [
        sound.name
        for hearer, sounds in house.media.played
        for sound in sounds
        if hearer == leg and isinstance(sound, Prompt)
    ]
    assert f"en/voicemail/{greeting}" in heard
    out.hang_up()
    await asyncio.sleep(1)
    (message,) = house.features.voicemail.store.kept.values()
    assert (message.box, message.from_number) == ("1001", "1004")
    await house.settled()


async def test_a_call_that_nobody_takes_goes_on_to_a_number_that_the_owner_may_dial(house: SimulatedSwitch) -> None:
    caller, *_ = await house_of_three(house)
    person(house, "7001", final_number="80005", devices=devices()[:1], seconds=5)
    out = caller.call("7001")
    far = await house.trunk.rings()
    far.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert [(str(forward.by), forward.number, forward.reason) for forward in cdr.forwards] == [
        ("account/1001", "80005", "no-answer")
    ]


async def test_where_nobody_can_be_rung_explain_follows_to_the_last_destination(house: SimulatedSwitch) -> None:
    (caller, dan) = await registered(house, "1004", "1005")
    person(house, "7001", final="person/7002")
    person(house, "7002", final_number="1005")
    said = house.features.plan.explain("1004", "7001")
    assert (said.destination, said.cause) == (Destination("account", "1005"), None)
    out = caller.call("7001")
    (await dan.rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    live = [step for fact in house.facts if isinstance(fact, CallRouted) for step in fact.steps]
    explained = [step for step in said.steps if step.rule.startswith("person/") or step.result == "matched"]
    assert live == [step for step in explained if step.rule != "account/1005"]


async def test_what_is_explained_of_a_person_who_rings_is_what_is_decided(house: SimulatedSwitch) -> None:
    caller, *phones = await house_of_three(house)
    person(house, "7002", final="person/7001", devices=devices("7002", soft={"enabled": False}))
    said = house.features.plan.explain("1004", "7002")
    assert (said.destination, said.cause) == (Destination("person", "7002"), None)
    assert said.steps[-1].reason == "when nobody takes the call: on to person/7001"
    out = caller.call("7002")
    (await phones[0].rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    routed = [fact for fact in house.facts if isinstance(fact, CallRouted)]
    assert routed[-1].steps == tuple(said.steps[-5:-1])


async def test_an_unknown_person_is_no_number(house: SimulatedSwitch) -> None:
    (caller,) = await registered(house, "1004")
    house.features.persons._forget("7003")
    said = house.features.plan.explain("1004", "7003")
    assert (said.cause, said.steps[-1].reason) == (Cause.UNALLOCATED_NUMBER, "there is no person '7003'")
    out = caller.call("7003")
    await out.until("over")
    assert out.status == 404
    await house.settled()
    assert not [fact for fact in house.facts if isinstance(fact, LegAnswered)]
    (traced,) = [fact for fact in house.facts if isinstance(fact, CallTraced)]
    assert any("there is no person 7003" in line.what for line in traced.lines)


# With what else people do -----------------------------------------------------------------------------------------


async def test_a_party_is_transferred_to_a_person_and_has_whoever_confirms(house: SimulatedSwitch) -> None:
    alice, bob, desk = await registered(house, "1004", "1005", "1001")
    person(house, "7001", devices=(*devices()[:1], MOBILE))
    out, back = await talking(house, alice, bob)
    back.refer("7001")
    ring = await desk.rings()
    cell = await house.trunk.rings()
    cell.answer()
    await cell.until("up")
    await asyncio.sleep(1)
    house.press(cell, "1")
    await back.until("over")
    await ring.until("over")
    assert elsewhere(ring) and back.told[-1] == 200
    await asyncio.sleep(1)
    assert house.hear_each_other(out, cell)
    out.hang_up()
    await house.settled()


async def test_a_transfer_to_a_person_whom_nobody_answers_for_gives_the_party_back(house: SimulatedSwitch) -> None:
    alice, bob, desk = await registered(house, "1004", "1005", "1001")
    person(house, "7002", devices=devices("7002", desk={"ring_seconds": 4})[:1])
    out, back = await talking(house, alice, bob)
    back.refer("7002")
    await (await desk.rings()).until("over")
    await asyncio.sleep(2)
    assert back.state == "up" and house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_one_device_is_picked_up_elsewhere_and_no_other_rings_on(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    (colleague,) = await registered(house, "1006")
    person(house, "7001", devices=devices(mobile={"delay_seconds": 10}))
    out = caller.call("7001")
    rings = [await desk.rings(), await soft.rings()]
    for ring in rings:
        ring.ring()
    await out.until("ringing")
    picks = colleague.call("**1002")
    await picks.until("up")
    await out.until("up")
    await asyncio.sleep(15)
    assert [ring.state for ring in rings] == ["over", "over"] and mobile.incoming.empty()
    assert house.hear_each_other(out, picks)
    out.hang_up()
    await house.settled()


async def test_a_call_of_the_switchs_own_to_a_person_is_asked_and_joined(house: SimulatedSwitch) -> None:
    caller, desk = await registered(house, "1004", "1001")
    person(house, "7002", devices=(*devices("7002", desk={"ring_seconds": 4})[:1], MOBILE))
    house.originate("1004", "7002")
    own = await caller.rings()
    own.answer()
    await own.until("up")
    first = await desk.rings()
    first.ring()
    await asyncio.sleep(1)
    assert "ringback" in house.media.doing.values()
    cell = await house.trunk.rings()
    cell.ring()
    cell.answer()
    await cell.until("up")
    await asyncio.sleep(1)
    assert not house.hears(own, cell) and not house.hears(cell, own)
    house.press(cell, "1")
    await asyncio.sleep(1)
    assert house.hear_each_other(own, cell) and first.state == "over"
    own.hang_up()
    await house.settled()


async def test_two_calls_for_a_person_at_once_are_two_calls(house: SimulatedSwitch) -> None:
    caller, desk, soft, mobile = await house_of_three(house)
    (other,) = await registered(house, "1006")
    one, two = caller.call("7001"), other.call("7001")
    for phone in (desk, soft, mobile):
        first, second = await phone.rings(), await phone.rings()
        if phone is desk:
            next(ring for ring in (first, second) if "1004" in ring.invitation.header("from")).answer()
        if phone is mobile:
            next(ring for ring in (first, second) if "1006" in ring.invitation.header("from")).answer()
    await one.until("up")
    await two.until("up")
    assert sum(call.state == "up" for phone in (desk, soft, mobile) for call in phone.calls) == 2
    one.hang_up()
    two.hang_up()
    await house.settled()
