"""Messages are left and fetched, on virtual time: what is pressed, what is heard, what is kept."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from softswitch.events import (
    CallRouted,
    Fact,
    MailboxFull,
    MailboxOpened,
    MailboxRefused,
    MessageLeft,
    MessageLost,
)
from softswitch.features.routing.course import course
from softswitch.features.routing.model import RouteRequest
from softswitch.features.voicemail.model.box import List
from softswitch.features.voicemail.model.message import Message
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import Prompt, Sound, SoundFile, Tone
from tests.support.model_voicemail import PIN
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop


async def until(true: Callable[[], bool], within: float = 30.0) -> None:
    """Wait for something; it is looked for ten times a second."""
    for _ in range(round(within * 10)):
        if true():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError


def facts(house: SimulatedSwitch, kind: type[Fact]) -> list[Fact]:
    return [fact for fact in house.facts if type(fact) is kind]


def heard(house: SimulatedSwitch, call: PhoneCall, leg: LegId | None = None) -> list[str]:
    """What a party has heard so far: prompts by their names without a language, files as `<name>`, a tone as `beep`."""
    leg = leg or house.leg_of(call)
    return [_word(sound) for hearer, sounds in house.media.played if hearer == leg for sound in sounds if _word(sound)]


def _word(sound: Sound) -> str:
    match sound:
        case Prompt(name):
            return name.partition("/")[2]
        case SoundFile(name):
            return f"<{name}>"
        case Tone():
            return "beep"
    return ""


async def leaving(house: SimulatedSwitch, caller: Phone, number: str = "1002") -> PhoneCall:
    """A caller of somebody's voicemail, who has heard the tone."""
    call = caller.call(f"*98{number}")
    await call.until("up")
    leg = house.leg_of(call)
    await until(lambda: any(take.leg == leg for take in house.media.takes.values()))
    return call


async def left(house: SimulatedSwitch, caller: Phone, number: str = "1002", seconds: float = 5.0) -> Message:
    """A message that somebody leaves by hanging up."""
    before = set(house.features.voicemail.store.kept)
    call = await leaving(house, caller, number)
    await asyncio.sleep(seconds)
    call.hang_up()
    await call.until("over")
    await asyncio.sleep(1)
    (new,) = (message for message in house.features.voicemail.inside(number) if message.id not in before)
    return new


async def visiting(house: SimulatedSwitch, phone: Phone, keys: str = f"{PIN}#") -> PhoneCall:
    """Somebody who is in the main menu of a box."""
    call = phone.call("*97")
    await call.until("up")
    await asyncio.sleep(0.5)
    house.press(call, keys)
    await until(lambda: heard(house, call)[-1] == "voicemail/main-menu")
    return call


async def pressing(house: SimulatedSwitch, call: PhoneCall, *keys: str) -> list[str]:
    """Press keys with pauses between them; gives what was heard since."""
    leg = house.leg_of(call)
    before = len(heard(house, call, leg))
    for some in keys:
        house.press(call, some)
        await asyncio.sleep(4.5)
    return heard(house, call, leg)[before:]


@pytest.fixture
async def telling(loop: VirtualTimeLoop) -> SimulatedSwitch:
    """A switch that tells phones of their mailboxes unasked."""
    return SimulatedSwitch(loop, unsolicited_mwi=True)


# Leaving ------------------------------------------------------------------------------------------------------


async def test_a_caller_who_hangs_up_has_left_a_message_and_the_lamp_goes_on(telling: SimulatedSwitch) -> None:
    house = telling
    alice, bob = await registered(house, "1001", "1002")
    bob.mailboxes = []
    call = await leaving(house, alice)
    assert heard(house, call) == [
        "voicemail/person-at",
        *(f"number/{digit}" for digit in "1002"),
        "voicemail/is-absent",
        "voicemail/leave-message",
        "beep",
    ]
    await asyncio.sleep(7)
    call.hang_up()
    await call.until("over")
    await asyncio.sleep(1)
    (message,) = house.features.voicemail.inside("1002")
    assert (message.state, message.folder, message.from_number) == ("kept", "new", "1001")
    assert message.seconds == pytest.approx(7, abs=0.3)
    assert house.media.files[message.file] == pytest.approx(7000, abs=300)
    (fact,) = facts(house, MessageLeft)
    assert isinstance(fact, MessageLeft) and (fact.box, fact.message) == ("1002", message.id)
    assert bob.mailboxes[-1].startswith("Messages-Waiting: yes\r\n") and "Voice-Message: 1/0" in bob.mailboxes[-1]
    await house.settled()


async def test_a_message_is_heard_recorded_again_made_urgent_and_left(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice)
    await asyncio.sleep(4)
    first = next(iter(house.media.takes.values())).name
    assert (await pressing(house, call, "#"))[0] == "voicemail/review"
    assert f"<{first}>" in await pressing(house, call, "2")
    said = await pressing(house, call, "3")
    assert said[-1] == "beep"
    await asyncio.sleep(6)
    await pressing(house, call, "#", "4")
    said = await pressing(house, call, "1")
    assert said == ["voicemail/left", "voicemail/goodbye"]
    await call.until("over")
    (message,) = house.features.voicemail.inside("1002")
    assert message.urgent and message.file != first and message.seconds > 5
    assert list(house.features.voicemail.files.lengths) == [message.file], "the first take is gone"
    await house.settled()


async def test_a_caller_that_says_nothing_at_the_menu_has_left_its_message(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice)
    await asyncio.sleep(4)
    house.press(call, "#")
    await call.until("over", within=60)
    assert [message.state for message in house.features.voicemail.inside("1002")] == ["kept"]
    await house.settled()


@pytest.mark.parametrize("key", ["", "#"])
async def test_what_is_too_short_is_no_message(house: SimulatedSwitch, key: str) -> None:
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice)
    await asyncio.sleep(0.3)
    if key:
        assert (await pressing(house, call, key))[0] == "voicemail/too-short"
        await asyncio.sleep(0.2)
    else:
        call.hang_up()
        await call.until("over")
        await asyncio.sleep(1)
        assert not house.features.voicemail.store.kept and not house.features.voicemail.files.lengths
        assert not facts(house, MessageLeft)
    if key:
        call.hang_up()
    await house.settled()


async def test_a_pause_ends_a_message(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice)
    leg = house.leg_of(call)
    assert house.media.pauses == {leg: 8000}
    await asyncio.sleep(5)
    house.media.hear_turn(leg, "speech")
    house.media.hear_turn(leg, "pause")
    await asyncio.sleep(0.5)
    assert heard(house, call)[-1] == "voicemail/review"
    call.hang_up()
    await house.settled()
    assert len(house.features.voicemail.inside("1002")) == 1


async def test_a_message_has_its_limit_which_is_told(house: SimulatedSwitch) -> None:
    await house.features.voicemail.boxes.change("1002", {"most_seconds": 10, "silence_seconds": 0})
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice)
    await asyncio.sleep(11)
    assert heard(house, call)[-1] == "voicemail/time-is-up"
    call.hang_up()
    await house.settled()
    (message,) = house.features.voicemail.inside("1002")
    assert message.seconds == pytest.approx(10, abs=0.2)


async def test_a_full_box_takes_nothing_and_says_so(house: SimulatedSwitch) -> None:
    await house.features.voicemail.boxes.change("1002", {"most_messages": 1})
    alice, carol = await registered(house, "1001", "1003")
    await left(house, alice)
    call = carol.call("*981002")
    await call.until("up")
    await asyncio.sleep(0.5)
    assert heard(house, call) == ["voicemail/full"]
    await call.until("over")
    (full,) = facts(house, MailboxFull)
    assert isinstance(full, MailboxFull) and (full.box, full.from_number) == ("1002", "1003")
    assert len(house.features.voicemail.inside("1002")) == 1
    await house.settled()


async def test_the_seconds_of_all_messages_are_limited(house: SimulatedSwitch) -> None:
    await house.features.voicemail.boxes.change("1002", {"most_total_seconds": 8})
    (alice,) = await registered(house, "1001")
    await left(house, alice, seconds=5)
    call = await leaving(house, alice)
    await until(lambda: "voicemail/time-is-up" in heard(house, call))
    call.hang_up()
    await house.settled()
    assert sum(message.seconds for message in house.features.voicemail.inside("1002")) == pytest.approx(8, abs=0.2)


async def test_a_disk_that_is_full_is_an_apology_and_a_fact(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")

    def full(leg: LegId, name: str, *, ended: object) -> int:
        house.loop.call_later(1, ended, 0, 0, "no space left on device")  # type: ignore[arg-type]
        return 7

    house.media.record_said = full  # type: ignore[method-assign]
    call = alice.call("*981002")
    await call.until("over", within=60)
    (lost,) = facts(house, MessageLost)
    assert isinstance(lost, MessageLost) and (lost.box, lost.from_number) == ("1002", "1001")
    assert Prompt("en/voicemail/cannot-record") in [sound for _, sounds in house.media.played for sound in sounds]
    assert not house.features.voicemail.store.kept
    await house.settled()


async def test_a_database_that_is_away_is_an_apology_too(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    house.features.voicemail.store.down = True
    call = alice.call("*981002")
    await call.until("over", within=60)
    (lost,) = facts(house, MessageLost)
    assert isinstance(lost, MessageLost) and "away" in lost.reason
    await house.settled()


async def test_the_operator_is_reached_by_0_before_and_after_the_message(house: SimulatedSwitch) -> None:
    await house.features.voicemail.boxes.change("1002", {"operator": "account/1003"})
    alice, carol = await registered(house, "1001", "1003")
    call = alice.call("*981002")
    await call.until("up")
    house.press(call, "0")
    back = await carol.rings()
    back.answer()
    await back.until("up")
    assert house.hear_each_other(call, back) and not house.features.voicemail.store.kept
    call.hang_up()
    await back.until("over")
    call = await leaving(house, alice)
    await asyncio.sleep(4)
    house.press(call, "0")
    back = await carol.rings()
    back.answer()
    await back.until("up")
    assert [message.state for message in house.features.voicemail.inside("1002")] == ["kept"]
    call.hang_up()
    await house.settled()


async def test_a_list_brings_a_message_to_each_of_its_boxes(house: SimulatedSwitch) -> None:
    await house.features.voicemail.boxes.set_list(List(number="1999", boxes=("1002", "1003")))
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice, "1999")
    await asyncio.sleep(5)
    call.hang_up()
    await house.settled()
    files = house.features.voicemail.files.lengths
    both = [message for box in ("1002", "1003") for message in house.features.voicemail.inside(box)]
    assert len(both) == 2 and len({message.file for message in both}) == 2
    assert {message.file for message in both} == set(files)
    assert len(facts(house, MessageLeft)) == 2 and len(house.features.voicemail.store.kept) == 2


# Greetings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forward", "own", "expected"),
    [
        ("forward_busy", ("busy", "absent"), "<busy.wav>"),
        ("forward_always", ("busy", "absent"), "<absent.wav>"),
        ("forward_always", ("busy", "absent", "temporary"), "<temporary.wav>"),
        ("forward_always", ("busy", "name"), "<name.wav>"),
        ("forward_busy", (), "voicemail/person-at"),
    ],
)
async def test_why_the_call_came_decides_how_it_is_greeted(
    house: SimulatedSwitch, forward: str, own: tuple[str, ...], expected: str
) -> None:
    boxes = house.features.voicemail.boxes
    boxes._boxes["1002"] = replace(boxes.box("1002"), greetings={kind: f"{kind}.wav" for kind in own})
    rules = {forward: "*981002", "do_not_disturb": forward == "forward_busy"}
    house.features.reach._rules["1002"] = replace(house.features.reach.rules("1002"), **rules)
    alice, _ = await registered(house, "1001", "1002")
    call = alice.call("1002")
    await call.until("up")
    await asyncio.sleep(0.5)
    said = heard(house, call)
    assert said[0] == expected
    if not own or "name" in own:
        assert ("voicemail/is-busy" in said) == (forward == "forward_busy")
    call.hang_up()
    await house.settled()


async def test_a_greeting_whose_file_is_lost_is_said_by_the_switch(house: SimulatedSwitch) -> None:
    boxes = house.features.voicemail.boxes
    boxes._boxes["1002"] = replace(boxes.box("1002"), greetings={"absent": ""})  # the model has no file of no name
    (alice,) = await registered(house, "1001")
    call = await leaving(house, alice)
    assert "voicemail/person-at" in heard(house, call)
    call.hang_up()
    await house.settled()


# Calls that nobody takes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["declined", "no answer", "offline", "not disturbed", "on a call"])
async def test_what_no_phone_takes_comes_to_the_box_where_that_is_set_as_it_is_explained(
    house: SimulatedSwitch, why: str
) -> None:
    features = house.features
    await features.voicemail.boxes.change("1002", {"takes_unanswered": True})
    alice, carol = await registered(house, "1001", "1003")
    if why != "offline":
        (bob,) = await registered(house, "1002")
    if why == "not disturbed":
        features.reach._rules["1002"] = replace(features.reach.rules("1002"), do_not_disturb=True)
    if why == "on a call":
        features.reach._rules["1002"] = replace(features.reach.rules("1002"), call_waiting=False)
        await talking(house, bob, carol)
    asked = RouteRequest("1002", "1001", "default", "account", "1001", house.clock.wall_ms())
    explained = course(features.plan.plan, features.plan._destinations, asked, features.directory.origin("1001"))
    call = alice.call("1002")
    if why in ("declined", "no answer"):
        back = await bob.rings()
        back.ring()
        if why == "declined":
            back.refuse(486)
    else:
        assert explained.destination == Destination("voicemail", "1002")
    await call.until("up", within=60)
    await asyncio.sleep(0.5)
    busy = why in ("declined", "not disturbed", "on a call")
    assert ("voicemail/is-busy" in heard(house, call)) == busy
    routed = [fact for fact in facts(house, CallRouted) if isinstance(fact, CallRouted)][-1]
    assert routed.destination == Destination("voicemail", "1002")
    if why not in ("declined", "no answer"):
        assert routed.steps[-1] == explained.steps[-1]
    house.press(call, "#")
    await asyncio.sleep(6)
    for phone in house.phones:
        for live in phone.calls:
            if live.state == "up":
                live.hang_up()
    await house.settled()
    assert len(features.voicemail.inside("1002")) == 1


async def test_a_forward_of_ones_own_goes_before_the_box(house: SimulatedSwitch) -> None:
    await house.features.voicemail.boxes.change("1002", {"takes_unanswered": True})
    reach = house.features.reach
    reach._rules["1002"] = replace(reach.rules("1002"), forward_offline="1003")
    alice, carol = await registered(house, "1001", "1003")
    call = alice.call("1002")
    back = await carol.rings()
    back.answer()
    await back.until("up")
    call.hang_up()
    await house.settled()


async def test_without_a_box_that_takes_them_calls_end_as_they_did(house: SimulatedSwitch) -> None:
    boxes = house.features.voicemail.boxes
    await boxes.change("1002", {"takes_unanswered": True})
    await boxes.change("1002", {"takes_unanswered": False})
    (alice,) = await registered(house, "1001")
    call = alice.call("1002")
    await call.until("over")
    assert call.status == 480 and not house.features.voicemail.store.kept
    await house.settled()


# Fetching -----------------------------------------------------------------------------------------------------


async def test_messages_are_heard_deleted_and_brought_back_and_the_lamp_goes_off(telling: SimulatedSwitch) -> None:
    house = telling
    alice, bob = await registered(house, "1001", "1002")
    bob.mailboxes = []
    first, second = await left(house, alice), await left(house, alice)
    call = await visiting(house, bob)
    assert heard(house, call)[1:] == ["voicemail/you-have", "number/2", "voicemail/new-many", "voicemail/main-menu"]
    house.press(call, "1")
    await until(lambda: heard(house, call)[-1] == "voicemail/message-menu", within=60)
    said = heard(house, call)
    assert "ordinal/1" in said and "voicemail/today" in said and f"<{first.file}>" in said
    assert "Voice-Message: 1/1" in bob.mailboxes[-1]
    assert "voicemail/deleted" in await pressing(house, call, "7")
    assert "voicemail/restored" in await pressing(house, call, "7")
    await pressing(house, call, "7", "6")
    await until(lambda: heard(house, call)[-1] == "voicemail/message-menu", within=60)
    assert f"<{second.file}>" in heard(house, call)
    assert len(house.features.voicemail.inside("1002")) == 2, "what is deleted goes when the visit is over"
    call.hang_up()
    await call.until("over")
    await asyncio.sleep(1)
    assert [message.id for message in house.features.voicemail.inside("1002")] == [second.id]
    assert first.file not in house.features.voicemail.files.lengths
    assert bob.mailboxes[-1].startswith("Messages-Waiting: no") and "Voice-Message: 0/1" in bob.mailboxes[-1]
    (opened,) = facts(house, MailboxOpened)
    assert isinstance(opened, MailboxOpened) and (opened.box, opened.by) == ("1002", "account/1002")
    await house.settled()


async def test_urgent_messages_come_first(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    plain, urgent = await left(house, alice), await left(house, alice)
    await house.features.voicemail.service.change(urgent, urgent=True)
    call = await visiting(house, bob)
    await pressing(house, call, "1")
    await asyncio.sleep(20)
    said = heard(house, call)
    assert "voicemail/urgent" in said and f"<{urgent.file}>" in said and f"<{plain.file}>" not in said
    call.hang_up()
    await house.settled()


async def test_messages_go_into_folders_and_are_found_there(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    message = await left(house, alice)
    call = await visiting(house, bob)
    house.press(call, "1")
    await asyncio.sleep(30)
    assert "voicemail/saved" in await pressing(house, call, "9", "3")
    await pressing(house, call, "*")
    assert "voicemail/empty" in await pressing(house, call, "2")
    house.press(call, "3")
    await asyncio.sleep(1)
    house.press(call, "3")
    await asyncio.sleep(25)
    assert heard(house, call).count(f"<{message.file}>") == 2
    (kept,) = house.features.voicemail.inside("1002")
    assert kept.folder == "saved-3"
    call.hang_up()
    await house.settled()


async def test_a_message_is_forwarded_with_a_comment(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    message = await left(house, alice)
    call = await visiting(house, bob)
    house.press(call, "1")
    await asyncio.sleep(30)
    assert "voicemail/no-such-box" in await pressing(house, call, "8", "1777#")
    await pressing(house, call, "8", "1003#", "1")
    await asyncio.sleep(4)
    assert "voicemail/forwarded" in await pressing(house, call, "#")
    (copy,) = house.features.voicemail.inside("1003")
    assert copy.forwarded_by == "1002" and copy.from_number == "1001" and copy.file != message.file
    files = house.features.voicemail.files.lengths
    assert set(files) == {message.file, copy.file, copy.comment}
    call.hang_up()
    await call.until("over")
    call = await visiting(house, carol)
    house.press(call, "1")
    await asyncio.sleep(40)
    said = heard(house, call)
    assert said.index(f"<{copy.comment}>") < said.index(f"<{copy.file}>") and "voicemail/forwarded-by" in said
    call.hang_up()
    await house.settled()


async def test_who_left_a_message_is_called_back(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    await left(house, alice)
    call = await visiting(house, bob)
    house.press(call, "1")
    await asyncio.sleep(30)
    house.press(call, "2")
    back = await alice.rings()
    back.answer()
    await back.until("up")
    assert house.hear_each_other(call, back)
    call.hang_up()
    await house.settled()


async def test_a_box_is_opened_from_any_phone_by_its_number_and_pin(house: SimulatedSwitch) -> None:
    alice, carol = await registered(house, "1001", "1003")
    await left(house, alice)
    call = await visiting(house, carol, f"*1002#{PIN}#")
    assert "voicemail/enter-number" in heard(house, call) or "voicemail/you-have" in heard(house, call)
    (opened,) = facts(house, MailboxOpened)
    assert isinstance(opened, MailboxOpened) and (opened.box, opened.by) == ("1002", "account/1003")
    call.hang_up()
    await house.settled()


async def test_ones_own_phone_needs_no_pin_where_that_is_set_and_a_forward_makes_no_phone_ones_own(
    house: SimulatedSwitch,
) -> None:
    await house.features.voicemail.boxes.change("1002", {"skip_pin": True})
    _, bob = await registered(house, "1001", "1002")
    call = await visiting(house, bob, "")
    assert heard(house, call)[0] == "voicemail/nothing"
    call.hang_up()
    await call.until("over")
    reach = house.features.reach
    reach._rules["1001"] = replace(reach.rules("1001"), forward_always="*97")
    call = bob.call("1001")
    await call.until("up")
    await asyncio.sleep(0.5)
    assert heard(house, call) == ["voicemail/enter-number"]
    call.hang_up()
    await house.settled()


async def test_who_guesses_is_locked_out_and_the_owner_is_not(house: SimulatedSwitch) -> None:
    bob, mallory = await registered(house, "1002", "1003")

    async def guessing(*pins: str) -> tuple[PhoneCall, list[str]]:
        call = mallory.call("*97")
        await call.until("up")
        await asyncio.sleep(0.5)
        house.press(call, "*")
        await asyncio.sleep(0.5)
        for pin in pins:
            house.press(call, f"1002#{pin}#")
            await asyncio.sleep(3)
            if pin is not pins[-1]:
                house.press(call, "*")
        await call.until("over", within=60)
        return call, [_word(sound) for _, sounds in house.media.played for sound in sounds]

    await guessing("1111", "2222", "3333")
    await guessing("4444", "5555")
    refused = [fact for fact in facts(house, MailboxRefused) if isinstance(fact, MailboxRefused)]
    assert [fact.locked for fact in refused] == [False] * 4 + [True] and refused[0].by == "account/1003"
    _, said = await guessing(PIN)
    assert said[-1] == "voicemail/locked" and not facts(house, MailboxOpened), "not even the right one"
    assert house.features.voicemail.service.doors.locked("1002")
    call = await visiting(house, bob)
    call.hang_up()
    await call.until("over")
    await asyncio.sleep(16 * 60)
    call = await visiting(house, mallory, f"*1002#{PIN}#")
    call.hang_up()
    await house.settled()


async def test_a_box_that_does_not_exist_is_asked_for_its_pin_like_any(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    call = alice.call("*97")
    await call.until("up")
    await asyncio.sleep(0.5)
    house.press(call, f"*4711#{PIN}#")
    await asyncio.sleep(3)
    assert "voicemail/enter-pin" in heard(house, call) and "voicemail/wrong" in heard(house, call)
    call.hang_up()
    await house.settled()


async def test_an_owner_records_hears_and_deletes_a_greeting_changes_the_pin_and_the_language(
    house: SimulatedSwitch,
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    call = await visiting(house, bob)
    await pressing(house, call, "0", "1", "2", "1")
    await asyncio.sleep(5)
    assert (await pressing(house, call, "#"))[0] == "voicemail/greeting-kept"
    box = house.features.voicemail.boxes.box("1002")
    assert f"<{box.greetings['absent']}>" in await pressing(house, call, "2")
    await pressing(house, call, "*", "2")
    await pressing(house, call, "1234#", "1234#")
    assert "voicemail/pin-weak" in heard(house, call)
    assert "voicemail/pin-differs" in await pressing(house, call, "7392#", "7391#")
    assert "voicemail/pin-changed" in await pressing(house, call, "7392#", "7392#")
    await pressing(house, call, "3", "2")
    assert house.features.voicemail.boxes.box("1002").language == "zh"
    call.hang_up()
    await call.until("over")
    call = await leaving(house, alice)
    assert heard(house, call)[0] == f"<{box.greetings['absent']}>"
    call.hang_up()
    await call.until("over")
    call = await visiting(house, bob, "7392#")
    await pressing(house, call, "0", "1", "2")
    assert "voicemail/greeting-gone" in await pressing(house, call, "3")
    assert not house.features.voicemail.boxes.box("1002").greetings
    assert not [name for name in house.features.voicemail.files.lengths if "greeting" in name]
    call.hang_up()
    await house.settled()


async def test_what_the_last_run_was_killed_in_is_found_and_told_as_cut_off(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    voicemail = house.features.voicemail
    arriving = Message(
        id="lost", box="1002", state="arriving", left_at=voicemail.service.now(), from_number="1001", file="lost.wav"
    )
    empty = replace(arriving, id="empty", file="empty.wav")
    await voicemail.store.deposit([arriving, empty])
    voicemail.files.lengths["lost.wav"] = 4000
    assert await voicemail.service.recover() == 1
    await voicemail.service.light()
    (message,) = voicemail.inside("1002")
    assert (message.id, message.state, message.seconds) == ("lost", "kept", 4.0) and message.note
    assert house.features.presence.mailbox("1002").new == 1
    call = await visiting(house, bob)
    house.press(call, "1")
    await asyncio.sleep(30)
    assert "voicemail/cut-off" in heard(house, call)
    call.hang_up()
    await house.settled()
