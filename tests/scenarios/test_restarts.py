"""The switch is killed while people talk, and comes back; the media engine, in a process of its own, lives on."""

import asyncio

import pytest

from softswitch.events import CallEnded, TransferCompleted
from softswitch.kernel.cause import Cause
from tests.support.disk import CUT_OFF
from tests.support.invariants import records
from tests.support.phone_calls import PhoneCall
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop


@pytest.fixture
async def house() -> SimulatedSwitch:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return SimulatedSwitch(loop, journal=True)


async def restarted(house: SimulatedSwitch, after: float = 1.0, down: float = 2.0) -> int:
    """Killed after some seconds, and back after some more; gives how many calls go on."""
    await asyncio.sleep(after)
    house.die()
    await asyncio.sleep(down)
    return house.rise()


async def pair(house: SimulatedSwitch) -> tuple[PhoneCall, PhoneCall]:
    return await talking(house, *await registered(house, "1001", "1002"))


def notes(house: SimulatedSwitch) -> list[str]:
    return [fact.note for fact in house.facts if isinstance(fact, CallEnded)]


@pytest.mark.parametrize("who", [0, 1], ids=["caller", "callee"])
async def test_two_talk_on_and_either_hangs_up(house: SimulatedSwitch, who: int) -> None:
    parties = await pair(house)
    assert await restarted(house) == 1
    assert house.hear_each_other(*parties)
    await asyncio.sleep(60)
    parties[who].hang_up()
    await parties[1 - who].until("over")
    assert parties[1 - who].how == "cleared"
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert (cdr.disposition, cdr.cause, cdr.note) == ("answered", Cause.NORMAL_CLEARING, "")
    assert 63_000 <= cdr.billable_ms <= 63_200
    (talk,) = cdr.talks
    assert 63_000 <= talk.ended_at - talk.started_at <= 63_200


async def test_their_sound_is_not_touched_while_the_switch_is_away(house: SimulatedSwitch) -> None:
    parties = await pair(house)
    await asyncio.sleep(1)
    house.die()
    assert house.hear_each_other(*parties)
    await asyncio.sleep(2)
    assert house.rise() == 1
    assert house.hear_each_other(*parties)
    parties[0].hang_up()
    await house.settled()


async def test_a_bye_that_is_sent_while_the_switch_is_away_comes_again(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    await asyncio.sleep(1)
    house.die()
    out.hang_up()
    await asyncio.sleep(2)
    house.rise()
    await back.until("over")
    await out.until("over")
    assert (out.how, back.how) == ("hung up", "cleared")
    await house.settled()


async def test_a_call_survives_one_death_after_another(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    for _ in range(5):
        assert await restarted(house) == 1
    out.offer_again("sendonly")
    await asyncio.sleep(1)
    assert await restarted(house) == 1
    out.hang_up()
    await back.until("over")
    await house.settled()


async def test_who_is_on_hold_is_fetched_back_after_a_restart(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    out.offer_again("sendonly")
    await asyncio.sleep(1)
    assert not house.hears(back, out)
    assert await restarted(house) == 1
    assert not house.hears(back, out)
    assert house.media.doing[house.leg_of(back)] == "music"
    out.offer_again("sendrecv")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await back.until("over")
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert len(cdr.talks) == 1


async def test_a_party_is_held_after_a_restart(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    assert await restarted(house) == 1
    back.offer_again("sendonly")
    await asyncio.sleep(1)
    assert not house.hears(out, back)
    back.offer_again("sendrecv")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    back.hang_up()
    await out.until("over")
    await house.settled()


async def test_a_party_is_transferred_blind_after_a_restart(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    assert await restarted(house) == 1
    back.refer("1003")
    third = await carol.rings()
    third.answer()
    await third.until("up")
    await back.until("over")
    assert house.hear_each_other(out, third)
    assert await restarted(house) == 1
    third.hang_up()
    await out.until("over")
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert [transfer.outcome for transfer in cdr.transfers] == ["completed"]
    assert [(talk.a, talk.b) for talk in cdr.talks] == [
        (f"{cdr.call_id}.1", f"{cdr.call_id}.2"),
        (f"{cdr.call_id}.1", f"{cdr.call_id}.3"),
    ]


async def test_two_calls_are_brought_together_after_a_restart(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    _, back = await talking(house, alice, bob)
    asks, third = await talking(house, bob, carol)
    assert await restarted(house) == 2
    back.refer("1003", replaces=asks)
    await asyncio.sleep(3)
    caller = next(call for call in alice.calls if call.state == "up")
    assert house.hear_each_other(caller, third)
    assert await restarted(house) == 1
    caller.hang_up()
    await third.until("over")
    await house.settled()


async def test_a_transfer_whose_target_rings_is_made_again(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("1003")
    await carol.rings()
    assert await restarted(house) == 1
    again = await carol.rings()
    again.answer()
    await again.until("up")
    await back.until("over")
    assert house.hear_each_other(out, again)
    assert sum(isinstance(fact, TransferCompleted) for fact in house.facts) == 1
    again.hang_up()
    for call in carol.calls:
        if call.state == "ringing":
            call.refuse(486)
    await house.settled()


async def test_a_caller_whom_an_application_served_is_served_anew(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("9196")
    await out.until("up")
    assert not any(call.resumed for call in house.switch._calls.values())
    assert await restarted(house) == 1
    await asyncio.sleep(1)
    assert house.hears_itself(out)
    assert all(call.resumed for call in house.switch._calls.values())
    out.hang_up()
    await house.settled()
    assert notes(house) == [""]


async def test_a_parked_caller_is_fetched_after_a_restart(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    back.refer("*68")
    await back.until("over")
    await asyncio.sleep(8)
    assert await restarted(house) == 1
    await asyncio.sleep(8)
    fetch = carol.call("701")
    await fetch.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, fetch)
    fetch.hang_up()
    await out.until("over")
    await house.settled()


async def test_a_call_that_rang_is_cut_off(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await out.until("ringing")
    assert await restarted(house) == 0
    out.cancel()
    back.refuse(486)
    await house.settled()
    assert notes(house) == [CUT_OFF]


async def test_three_who_talk_are_told_that_it_is_over(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    other, third = await talking(house, alice, carol)
    house.switch.unite(house.call_of(out), house.call_of(other))
    await asyncio.sleep(2)
    assert house.all_hear_each_other(out, back, third)
    assert await restarted(house) == 0
    for call in (out, back, third):
        await call.until("over", within=40)
        assert call.how == "cleared"
    await house.settled()
    assert "the switch was stopped" in notes(house)


async def test_calls_whose_sound_is_gone_end_for_all(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    await asyncio.sleep(1)
    house.die()
    house.media.resumed()  # the media engine gave up waiting
    assert house.rise() == 0
    await out.until("over")
    await back.until("over")
    assert (out.how, back.how) == ("cleared", "cleared")
    await house.settled()
    assert notes(house) == ["the switch was stopped"]


async def test_sound_that_goes_past_the_switch_needs_no_engine(house: SimulatedSwitch) -> None:
    house.features.trunks.anchor(False)
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    back = await house.trunk.rings()
    back.answer()
    await back.until("up")
    await asyncio.sleep(1)
    assert not house.media.open_legs
    assert await restarted(house) == 1
    back.hang_up()
    await out.until("over")
    await house.settled()


async def test_a_call_of_which_nothing_was_written_yet_is_cut_off(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await out.until("up")
    house.die()
    await asyncio.sleep(2)
    assert house.rise() == 0
    back.hang_up()
    out.hang_up()
    await house.settled()
    assert len(records(house.facts)) <= 1


async def test_features_know_again_who_talks(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    assert await restarted(house) == 1
    assert house.features.lines.busy("1001") and house.features.lines.busy("1002")
    out.hang_up()
    await back.until("over")
    assert not house.features.lines.busy("1001")
    await house.settled()


async def test_two_that_are_supervised_talk_on_and_the_code_is_carried_out_anew(house: SimulatedSwitch) -> None:
    out, back = await pair(house)
    (office,) = await registered(house, "1020")
    boss = office.call("*471002")
    await boss.until("up")
    await asyncio.sleep(0.5)
    house.press(boss, "6")
    assert await restarted(house) == 2
    await asyncio.sleep(1)
    legs = [house.leg_of(call) for call in (out, back, boss)]
    heard = {(a, b) for a in range(3) for b in range(3) if a != b and house.media.hears(legs[a], legs[b])}
    assert heard == {(0, 1), (1, 0), (1, 2), (2, 0), (2, 1)}, "a whisper again"
    boss.hang_up()
    await asyncio.sleep(1)
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
