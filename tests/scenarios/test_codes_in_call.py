"""Codes that are pressed while one talks: what comes of them, who hears what meanwhile, and what the records say."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from softswitch.events import CallTraced
from softswitch.features.codes.model import DEFAULTS, InCallCode
from tests.support.phone_calls import PhoneCall
from tests.support.stories import pairs, registered, taken, talking
from tests.support.switch import SimulatedSwitch


def notes(house: SimulatedSwitch) -> list[str]:
    return [
        line.what for fact in house.facts if isinstance(fact, CallTraced) for line in fact.lines if "code" in line.what
    ]


def set_codes(house: SimulatedSwitch, **changes: Any) -> None:
    house.features.codes._take({**DEFAULTS, **changes})


# Blind --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_code_and_a_number_transfer_whom_one_talks_with(house: SimulatedSwitch, who: str) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    asks, stays = (out, back) if who == "caller" else (back, out)
    house.press(asks, "##")
    assert sorted(house.media.doing.values()) == ["music", "tone"]
    house.press(asks, "1003")
    assert list(house.media.doing.values()) == ["music"]
    third = await taken(carol)
    await asks.until("over")
    assert house.hear_each_other(stays, third)
    third.hang_up()
    await stays.until("over")
    await house.settled()
    (cdr,) = house.records.values()
    assert pairs(cdr) == [("1001", "1002"), (stays.phone.user, "1003")]
    assert [(each.kind, each.target, each.outcome) for each in cdr.transfers] == [("blind", "1003", "completed")]
    account = f"account/{asks.phone.user}"
    assert notes(house) == [
        f"code ## of {account}: blind-transfer, a number is awaited",
        f"code ## of {account}: blind-transfer, 1003",
    ]


async def test_the_hash_key_ends_a_number_at_once(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    before = house.loop.time()
    house.press(back, "##1003#")
    ringing = await carol.rings()
    assert house.loop.time() - before < 1
    ringing.answer()
    await ringing.until("up")
    out.hang_up()
    await house.settled()


async def test_who_presses_no_number_talks_on(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    house.press(back, "##")
    assert not house.hears(out, back)
    await asyncio.sleep(5)
    assert house.hear_each_other(out, back)
    house.press(back, "###")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert notes(house).count("code ## of account/1002: blind-transfer, no number came") == 2


async def test_a_number_that_leads_nowhere_gives_the_party_back(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    house.press(back, "##4711#")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    (cdr,) = house.records.values()
    assert [each.outcome for each in cdr.transfers] == ["failed"]


@pytest.mark.parametrize("keys", ["#", "#1#", "1234567890", "*9#1", "2#*"])
async def test_other_keys_mean_nothing(house: SimulatedSwitch, keys: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    house.press(back, keys)
    await asyncio.sleep(6)
    assert house.hear_each_other(out, back)
    house.press(back, "#")  # what was begun is forgotten
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert notes(house) == []


async def test_a_code_is_heard_behind_other_keys(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    house.press(back, "1*##1003#")
    await taken(carol)
    await back.until("over")
    out.hang_up()
    await house.settled()


async def test_a_party_that_hangs_up_while_a_number_is_pressed_ends_the_call(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    house.press(back, "##10")
    out.hang_up()
    await back.until("over")
    await house.settled()


# Who may ------------------------------------------------------------------------------------------------


async def test_an_account_may_have_its_codes_switched_off(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    accounts = house.features.directory._accounts
    accounts["1002"] = replace(accounts["1002"], in_call_codes=False)
    out, back = await talking(house, alice, bob)
    house.press(back, "##1003#")
    await asyncio.sleep(5)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_a_party_outside_presses_codes_only_where_one_says_so(house: SimulatedSwitch) -> None:
    (alice, carol) = await registered(house, "1001", "1003")
    out = alice.call("80001")
    far = await house.trunk.rings()
    far.answer()
    await out.until("up")
    await asyncio.sleep(1)
    house.press(far, "##1003#")
    await asyncio.sleep(5)
    assert house.hear_each_other(out, far)
    set_codes(house, **{"blind-transfer": replace(DEFAULTS["blind-transfer"], outside=True)})
    house.press(far, "##1003#")
    third = await taken(carol)
    await far.until("over")
    assert house.hear_each_other(out, third)
    out.hang_up()
    await house.settled()


async def test_a_code_may_lead_to_a_number_of_its_own(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    house.press(back, "*4")
    await back.until("over")
    await asyncio.sleep(8)  # the slot is spoken
    fetching = carol.call("701")
    await fetching.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, fetching)
    out.hang_up()
    await house.settled()


async def test_codes_are_what_is_set(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    set_codes(
        house,
        **{
            "blind-transfer": replace(DEFAULTS["blind-transfer"], enabled=False),
            "boss": InCallCode(name="boss", keys="*77", action=DEFAULTS["park"].action, number="1003"),
        },
    )
    house.press(back, "##1003#")
    await asyncio.sleep(5)
    assert house.hear_each_other(out, back)
    house.press(back, "*77")
    await taken(carol)
    await back.until("over")
    out.hang_up()
    await house.settled()


async def test_keys_by_info_are_codes_too_and_a_number_goes_no_further(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    alice.offered = ("0",)  # it hears no keys in the sound, so that they go on by INFO
    out, back = await talking(house, alice, bob)
    for key in "##1003#":
        back.press(key)
        await asyncio.sleep(0.3)
    third = await taken(carol)
    await back.until("over")
    assert house.hear_each_other(out, third)
    assert out.pressed == ["#", "#"]
    out.hang_up()
    await house.settled()


# Attended -----------------------------------------------------------------------------------------------


async def asking(house: SimulatedSwitch, asks: PhoneCall, number: str = "1003") -> None:
    house.press(asks, f"*2{number}#")
    await asyncio.sleep(0.5)


async def consulted(house: SimulatedSwitch) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    """Who was called asks a third, who answers, while the caller waits."""
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await asking(house, back)
    return out, back, await taken(carol)


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_who_asks_first_and_hangs_up_has_transferred(house: SimulatedSwitch, who: str) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    asks, stays = (out, back) if who == "caller" else (back, out)
    await asking(house, asks)
    third = await taken(carol)
    assert house.hear_each_other(asks, third) and not house.hears(stays, asks)
    assert "music" in house.media.doing.values()
    await asyncio.sleep(10)
    asks.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(stays, third)
    await asyncio.sleep(20)
    third.hang_up()
    await stays.until("over")
    await house.settled()
    first, second = house.records.values()
    assert pairs(first) == [("1001", "1002")] and pairs(second) == [
        (asks.phone.user, "1003"),
        (stays.phone.user, "1003"),
    ]
    assert (second.from_, second.to, second.disposition) == (asks.phone.user, "1003", "answered")
    assert [(each.kind, each.outcome) for each in first.transfers] == [("attended", "completed")]
    assert 10_000 <= second.talks[0].ended_at - second.talks[0].started_at <= 11_000
    assert 20_000 <= second.talks[1].ended_at - second.talks[1].started_at <= 22_000


async def test_who_asked_goes_back_by_the_code(house: SimulatedSwitch) -> None:
    out, back, third = await consulted(house)
    house.press(back, "*2")
    await third.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    back.hang_up()
    await out.until("over")
    await house.settled()
    first, second = house.records.values()
    assert pairs(first) == [("1001", "1002"), ("1001", "1002")] and pairs(second) == [("1002", "1003")]
    assert not first.transfers and not second.transfers


async def test_who_asked_goes_back_when_the_other_hangs_up(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await asking(house, back)
    third = await taken(carol)
    third.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    await asking(house, back)  # and may ask again
    again = await taken(carol)
    back.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, again)
    out.hang_up()
    await house.settled()
    assert len(house.records) == 3


@pytest.mark.parametrize(("status", "disposition"), [(486, "busy"), (480, "no_answer"), (0, "cancelled")])
async def test_who_asks_somebody_who_does_not_answer_goes_back(
    house: SimulatedSwitch, status: int, disposition: str
) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await asking(house, back)
    ringing = await carol.rings()
    ringing.ring()
    await asyncio.sleep(2)
    if status:
        ringing.refuse(status)
    else:
        house.press(back, "*2")
    await ringing.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    back.hang_up()
    await house.settled()
    first, second = house.records.values()
    assert (first.disposition, second.disposition) == ("answered", disposition)
    assert second.answered_at is None and second.billable_ms == 0


async def test_a_number_that_leads_nowhere_asks_nobody(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    await asking(house, back, "4711")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_who_hangs_up_while_it_rings_leaves_the_other_to_whom_it_rings(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await asking(house, back)
    ringing = await carol.rings()
    ringing.ring()
    await asyncio.sleep(1)
    back.hang_up()
    await asyncio.sleep(1)
    assert out.state == "up" and ringing.state == "ringing"
    ringing.answer()
    await ringing.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, ringing)
    out.hang_up()
    await house.settled()


async def test_who_hung_up_while_it_rang_is_rung_when_nobody_answers(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    await asking(house, back)
    ringing = await carol.rings()
    ringing.ring()
    await asyncio.sleep(1)
    back.hang_up()
    await asyncio.sleep(1)
    ringing.refuse(486)
    again = await taken(bob)
    assert house.hear_each_other(out, again)
    out.hang_up()
    await house.settled()


async def test_the_waiting_party_may_leave_and_the_talk_goes_on(house: SimulatedSwitch) -> None:
    out, back, third = await consulted(house)
    out.hang_up()
    await asyncio.sleep(2)
    assert house.hear_each_other(back, third)
    house.press(back, "*2")  # nobody is there to go back to
    await asyncio.sleep(2)
    assert house.hear_each_other(back, third)
    back.hang_up()
    await third.until("over")
    await house.settled()


async def test_a_waiting_party_is_not_lost_when_the_asking_call_is_ended_by_order(house: SimulatedSwitch) -> None:
    out, back, third = await consulted(house)
    assert house.switch.hang_up(house.call_of(third))
    await back.until("over")
    again = await taken(back.phone)
    assert house.hear_each_other(out, again)
    out.hang_up()
    await house.settled()


async def test_whom_one_asks_may_press_codes_too(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    await asking(house, back)
    third = await taken(carol)
    house.press(third, "##1004#")
    fourth = await taken(dave)
    await third.until("over")
    assert house.hear_each_other(back, fourth)
    back.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, fourth)
    out.hang_up()
    await house.settled()


async def test_who_asks_may_not_transfer_blindly_meanwhile(house: SimulatedSwitch) -> None:
    out, back, third = await consulted(house)
    house.press(back, "##")
    assert house.hear_each_other(back, third)
    back.hang_up()
    await asyncio.sleep(1)
    out.hang_up()
    await house.settled()


async def test_what_is_recorded_is_asked_of_the_recorder(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    house.press(out, "*1")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    assert notes(house)[-1] == "code *1 of account/1001: recording, nothing records here"
