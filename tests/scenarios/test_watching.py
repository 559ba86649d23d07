"""Lamps, presence and what else phones watch, on virtual time."""

import asyncio
import re

import pytest

from gateways.sip.ua import pidf
from softswitch.features.presence.model import NOBODY, Privacy
from softswitch.features.reach.model import ReachRules
from softswitch.kernel.watching import Presence
from tests.support.model_watcher import Conversation
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch


async def test_a_lamp_follows_a_call_from_trying_to_its_end(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    lamp = carol.watch("dialog", "1002")
    assert await lamp.subscribe() == 200
    await lamp.until(lambda lamp: lamp.heard == 1)
    assert lamp.lamp == "off"
    out = alice.call("1002")
    back = await bob.rings()
    await lamp.until(lambda lamp: lamp.lamp == "blinks")
    back.ring()
    await lamp.until(lambda lamp: "early" in lamp.stages.values())
    # A directed pickup names the ringing dialog (RFC 4235 section 4.1.2): the phone's tag is the local one.
    assert f'call-id="{back.call_id}" local-tag="{back.local_tag}" ' in lamp.body
    assert 'direction="recipient"' in lamp.body and "sip:1001@" not in lamp.body
    back.answer()
    await lamp.until(lambda lamp: lamp.lamp == "on")
    assert back.call_id not in lamp.body
    out.hang_up()
    await lamp.until(lambda lamp: lamp.lamp == "off")
    assert lamp.history == ["trying", "early", "confirmed", "terminated"]
    assert await lamp.subscribe(0) == 200
    await lamp.until(lambda lamp: lamp.ended == "timeout")
    await house.settled()


async def test_a_lamp_shows_a_call_that_was_there_before_it(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, _ = await talking(house, alice, bob)
    lamps = [carol.watch("dialog", number) for number in ("1001", "1002")]
    for lamp in lamps:
        assert await lamp.subscribe() == 200
        await lamp.until(lambda lamp: lamp.lamp == "on")
    assert 'direction="initiator"' in lamps[0].body
    out.hang_up()
    for lamp in lamps:
        await lamp.until(lambda lamp: lamp.lamp == "off")
        await lamp.subscribe(0)
        await lamp.until(lambda lamp: bool(lamp.ended))
    await house.settled()


async def test_an_account_sees_with_whom_it_talks_itself(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    second = house.phone("1002")
    lamp = second.watch("dialog", "1002")
    await lamp.subscribe()
    out = alice.call("1002", label="Ann")
    await bob.rings()
    await lamp.until(lambda lamp: lamp.lamp == "blinks")
    assert '<identity display="Ann">sip:1001@' in lamp.body
    out.cancel()
    await lamp.until(lambda lamp: lamp.lamp == "off")
    await lamp.subscribe(0)
    await lamp.until(lambda lamp: bool(lamp.ended))
    await house.settled()


async def test_presence_is_closed_without_a_phone_and_on_the_phone_in_a_call(house: SimulatedSwitch) -> None:
    carol = (await registered(house, "1003"))[0]
    watcher = carol.watch("presence", "1002")
    await watcher.subscribe()
    await watcher.until(lambda watcher: "<basic>closed</basic>" in watcher.body)
    alice, bob = await registered(house, "1001", "1002")
    await watcher.until(lambda watcher: "<basic>open</basic>" in watcher.body)
    out, _ = await talking(house, alice, bob)
    await watcher.until(lambda watcher: "<rpid:on-the-phone/>" in watcher.body)
    out.hang_up()
    await watcher.until(lambda watcher: "on-the-phone" not in watcher.body)
    await bob.register(0)
    await watcher.until(lambda watcher: "<basic>closed</basic>" in watcher.body)
    await watcher.subscribe(0)
    await watcher.until(lambda watcher: bool(watcher.ended))
    await house.settled()


async def test_what_a_phone_publishes_is_seen_by_a_watcher(house: SimulatedSwitch) -> None:
    bob, carol = await registered(house, "1002", "1003")
    watcher = carol.watch("presence", "1002")
    await watcher.subscribe()
    document = pidf.write(Presence(True, ("meeting",), "Back at three"), bob.aor, "1002")
    how = [("Event", "presence"), ("Expires", "60"), ("Content-Type", pidf.MIME)]
    answer = await bob.request("PUBLISH", bob.aor, how, document, talk=Conversation(bob, "pub"))
    assert answer is not None and answer.status == 200 and answer.header("sip-etag")
    await watcher.until(lambda watcher: "<rpid:meeting/>" in watcher.body and "Back at three" in watcher.body)
    await watcher.until(lambda watcher: "meeting" not in watcher.body)
    await watcher.subscribe(0)
    await watcher.until(lambda watcher: bool(watcher.ended))
    await house.settled()


async def test_a_phone_hears_of_its_accounts_registrations(house: SimulatedSwitch) -> None:
    (desk,) = await registered(house, "1002")
    watcher = desk.watch("reg", "1002")
    await watcher.subscribe()
    await watcher.until(lambda watcher: watcher.body.count("<contact ") == 1)
    (mobile,) = await registered(house, "1002")
    await watcher.until(lambda watcher: watcher.body.count('state="active" event="registered"') == 2)
    await mobile.register(0)
    await watcher.until(lambda watcher: 'event="unregistered"' in watcher.body)
    await watcher.subscribe(0)
    await watcher.until(lambda watcher: bool(watcher.ended))
    await house.settled()


@pytest.mark.parametrize(("event", "status"), [("message-summary", 403), ("reg", 403), ("dialog", 200)])
async def test_what_is_ones_own_is_shown_to_nobody_else(house: SimulatedSwitch, event: str, status: int) -> None:
    (carol,) = await registered(house, "1003")
    watcher = carol.watch(event, "1002")
    assert await watcher.subscribe(0) == status
    await asyncio.sleep(1)
    assert watcher.heard == (status == 200)
    await house.settled()


async def test_a_dead_watcher_is_forgotten_and_the_others_are_told(house: SimulatedSwitch) -> None:
    alice, bob, carol, dave = await registered(house, "1001", "1002", "1003", "1004")
    lost, lamp = carol.watch("dialog", "1002"), dave.watch("dialog", "1002")
    for each in (lost, lamp):
        await each.subscribe()
        await each.until(lambda each: each.heard == 1)
    carol.die()
    await talking(house, alice, bob)
    await lamp.until(lambda lamp: lamp.lamp == "on")
    await asyncio.sleep(40)
    assert house.agent.gauges()["subscriptions"] == 1
    alice.calls[0].hang_up()
    await lamp.subscribe(0)
    await lamp.until(lambda lamp: bool(lamp.ended))
    await house.settled()


async def test_who_may_not_watch_any_more_is_told_so(house: SimulatedSwitch) -> None:
    (carol,) = await registered(house, "1003")
    lamp, presence = carol.watch("dialog", "1002"), carol.watch("presence", "1002")
    for watcher in (lamp, presence):
        await watcher.subscribe()
    house.features.presence._privacies["1002"] = Privacy(NOBODY)
    house.endpoint.review("1002")
    for watcher in (lamp, presence):
        await watcher.until(lambda watcher: watcher.ended == "rejected")
    assert await carol.watch("dialog", "1002").subscribe() == 403
    await house.settled()


async def test_who_may_see_the_parties_is_told_them_at_once(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    lamp = carol.watch("dialog", "1002")
    await lamp.subscribe()
    out, back = await talking(house, alice, bob)
    await lamp.until(lambda lamp: lamp.lamp == "on")
    assert "sip:1001@" not in lamp.body
    house.features.presence._privacies["1002"] = Privacy(parties_for=("1003",))
    house.endpoint.review("1002")
    await lamp.until(lambda lamp: "sip:1001@" in lamp.body and back.call_id in lamp.body)
    out.hang_up()
    await lamp.until(lambda lamp: lamp.lamp == "off")
    await lamp.subscribe(0)
    await lamp.until(lambda lamp: bool(lamp.ended))
    await house.settled()


async def test_do_not_disturb_is_seen_as_busy(house: SimulatedSwitch) -> None:
    bob, carol = await registered(house, "1002", "1003")
    assert bob.user == "1002"
    watcher = carol.watch("presence", "1002")
    await watcher.subscribe()
    house.features.reach._take("1002", ReachRules(do_not_disturb=True))
    await watcher.until(lambda watcher: "<rpid:busy/>" in watcher.body and "Do not disturb" in watcher.body)
    house.features.reach._take("1002", ReachRules())
    await watcher.until(lambda watcher: "busy" not in watcher.body)
    await watcher.subscribe(0)
    await watcher.until(lambda watcher: bool(watcher.ended))
    await house.settled()


@pytest.mark.parametrize("seen_by", ["the switch", "the phone that rings"])
async def test_a_call_is_picked_up_by_the_names_that_a_lamp_tells(house: SimulatedSwitch, seen_by: str) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    assert house.switch._around is not None
    house.switch._around.may_pick_up = lambda account, ringing: account == "1003"
    lamp = carol.watch("dialog", "1002")
    await lamp.subscribe()
    out = alice.call("1002")
    back = await bob.rings()
    back.ring()
    await lamp.until(lambda lamp: "early" in lamp.stages.values())
    named = re.search(r'call-id="([^"]+)" local-tag="([^"]+)" remote-tag="([^"]+)"', lamp.body)
    assert named is not None
    call_id, phones, ours = named.groups()
    to_tag, from_tag = (ours, phones) if seen_by == "the switch" else (phones, ours)
    taking = carol.call("1002")
    taking.replaces = f"{call_id};to-tag={to_tag};from-tag={from_tag};early-only"
    await taking.until("up")
    await back.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(out, taking)
    taking.hang_up()
    await lamp.until(lambda lamp: lamp.lamp == "off")
    await lamp.subscribe(0)
    await lamp.until(lambda lamp: bool(lamp.ended))
    await house.settled()
