"""A call application asks its caller: what is heard, what is keyed in, and what is said."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from softswitch.engine.caller import Caller, Keyed, Keys, Recorded, Spoken
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import Prompt, Silence, Sound, Tone
from softswitch.kernel.spoken import Clip, Rest
from tests.support.phone_calls import PhoneCall
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch

Story = Callable[[Caller], Awaitable[None]]


def takes_9198(house: SimulatedSwitch, story: Story) -> None:
    """Calls to 9198 are taken by a story."""

    async def app(caller: Caller, name: str) -> Destination | None:
        await story(caller)
        return None

    house.features.apps["clock"] = app


async def calling(house: SimulatedSwitch, story: Story) -> PhoneCall:
    """A caller whom a story answers."""
    takes_9198(house, story)
    (alice,) = await registered(house, "1001")
    call = alice.call("9198")
    await call.until("up")
    await asyncio.sleep(0.1)
    return call


def heard(house: SimulatedSwitch) -> list[tuple[Sound, ...]]:
    return [sounds for _, sounds in house.media.played]


async def test_names_values_and_sounds_are_heard_in_one_breath_in_the_callers_language(house: SimulatedSwitch) -> None:
    async def story(caller: Caller) -> None:
        assert caller.language == "en"
        await caller.play("main/welcome")
        caller.language = "zh"
        await caller.play("voicemail/you-have", (Clip("number/2"), Rest(250)), Tone(((440.0, -13.0),), 300))

    call = await calling(house, story)
    await call.until("over")
    assert heard(house) == [
        (Prompt("en/main/welcome"),),
        (Prompt("zh/voicemail/you-have"), Prompt("zh/number/2"), Silence(250), Tone(((440.0, -13.0),), 300)),
    ]
    await house.settled()


def asks(keys: Keys, *spoken: Spoken) -> tuple[Story, list[tuple[Keyed, float]]]:
    """A story that asks until the caller has gone, what it got, and when."""
    got: list[tuple[Keyed, float]] = []

    async def story(caller: Caller) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            keyed = await caller.gather(*(spoken or ("menu/choose",)), keys=keys)
            got.append((keyed, round(loop.time() - began, 1)))

    return story, got


@pytest.mark.parametrize(
    ("keys", "pressed", "expected"),
    [
        (Keys(1), "1", Keyed("1", "full")),
        (Keys(4), "12#", Keyed("12", "terminator")),
        (Keys(4), "12", Keyed("12", "timeout")),
        (Keys(4), "", Keyed("", "timeout")),
        (Keys(4), "#12#", Keyed("12", "terminator")),
        (Keys(4, least=3), "12#3#", Keyed("123", "terminator")),
        (Keys(4, least=0), "#12", Keyed("", "terminator")),
        (Keys(1, ends_with=""), "#", Keyed("#", "full")),
        (Keys(4, ends_with="*"), "1#2*", Keyed("1#2", "terminator")),
    ],
)
@pytest.mark.parametrize("when", [0.5, 3.0], ids=["meanwhile", "afterwards"])
async def test_what_is_keyed_in(house: SimulatedSwitch, keys: Keys, pressed: str, expected: Keyed, when: float) -> None:
    story, got = asks(keys)
    call = await calling(house, story)
    await asyncio.sleep(when)
    house.press(call, pressed)
    await asyncio.sleep(8)
    assert got[0][0] == expected
    call.hang_up()
    await house.settled()


async def test_a_key_ends_what_is_heard_at_once(house: SimulatedSwitch) -> None:
    story, got = asks(Keys(2))
    call = await calling(house, story)
    leg = house.leg_of(call)
    await asyncio.sleep(0.5)
    assert house.media.doing[leg] == "prompt"
    house.press(call, "1")
    await asyncio.sleep(0.1)
    assert leg not in house.media.doing
    house.press(call, "2")
    await asyncio.sleep(0.1)
    assert got == [(Keyed("12", "full"), 0.7)]
    call.hang_up()
    await house.settled()


async def test_times_begin_with_the_end_of_what_is_heard_and_with_each_digit(house: SimulatedSwitch) -> None:
    story, got = asks(Keys(4, first_within=5.0, next_within=3.0))
    call = await calling(house, story)
    await asyncio.sleep(9.5)  # 2 s of prompt, 5 s of waiting, and 2 s of the second prompt
    house.press(call, "1")
    await asyncio.sleep(2.5)
    house.press(call, "2")
    await asyncio.sleep(3.5)
    assert got[0] == (Keyed("", "timeout"), 7.0)
    assert got[1][0] == Keyed("12", "timeout")
    assert got[1][1] == pytest.approx(15.1, abs=0.2)
    call.hang_up()
    await house.settled()


async def test_typed_ahead_keys_skip_what_would_be_heard(house: SimulatedSwitch) -> None:
    story, got = asks(Keys(1))
    call = await calling(house, story)
    house.press(call, "1#23")
    await asyncio.sleep(0.1)
    assert [keyed.digits for keyed, _ in got] == ["1", "2", "3"]
    assert len(heard(house)) == 2, "the first question, and the fourth"
    call.hang_up()
    await house.settled()


async def test_without_barge_in_all_is_heard_and_keys_pressed_meanwhile_are_forgotten(house: SimulatedSwitch) -> None:
    story, got = asks(Keys(1, barge=False))
    call = await calling(house, story)
    house.press(call, "1")
    await asyncio.sleep(1.5)
    assert got == [] and house.media.doing[house.leg_of(call)] == "prompt"
    await asyncio.sleep(1)
    house.press(call, "2")
    await asyncio.sleep(0.1)
    assert [keyed for keyed, _ in got] == [Keyed("2", "full")]
    call.hang_up()
    await house.settled()


async def test_a_list_is_ended_by_a_key_too(house: SimulatedSwitch) -> None:
    story, got = asks(Keys(1), "menu/for", (Clip("number/1"),), "menu/press")
    call = await calling(house, story)
    house.press(call, "7")
    await asyncio.sleep(0.1)
    assert got == [(Keyed("7", "full"), 0.1)]
    call.hang_up()
    await house.settled()


# What is said -------------------------------------------------------------------------------------------


def records(ends_with: str = "#", most: float = 20.0) -> tuple[Story, list[Recorded | str]]:
    got: list[Recorded | str] = []

    async def story(caller: Caller) -> None:
        try:
            got.append(await caller.record("voicemail/1001/a.wav", most_seconds=most, ends_with=ends_with))
        finally:
            got.append("finally")
        await caller.play("voicemail/thanks")

    return story, got


async def test_a_key_ends_a_recording(house: SimulatedSwitch) -> None:
    story, got = records()
    call = await calling(house, story)
    await asyncio.sleep(4)
    house.press(call, "5")
    await asyncio.sleep(1)
    house.press(call, "#")
    await asyncio.sleep(0.1)
    recorded, *rest = got
    assert isinstance(recorded, Recorded) and recorded.ended_by == "key:#" and rest == ["finally"]
    assert recorded.seconds == pytest.approx(5.1, abs=0.1)
    await call.until("over")
    await house.settled()


async def test_a_recording_has_its_limit(house: SimulatedSwitch) -> None:
    story, got = records(most=7.0)
    call = await calling(house, story)
    await call.until("over")
    assert got == [Recorded("voicemail/1001/a.wav", 7.0, "limit"), "finally"]
    await house.settled()


async def test_silence_ends_a_recording_where_that_is_asked_for(house: SimulatedSwitch) -> None:
    got: list[Recorded] = []

    async def story(caller: Caller) -> None:
        record = partial(caller.record, "voicemail/1001/a.wav", most_seconds=9)
        got.extend([await record(silence_seconds=2.5), await record(silence_seconds=2.5), await record()])

    call = await calling(house, story)
    leg = house.leg_of(call)
    assert house.media.pauses == {leg: 2500}
    await asyncio.sleep(3)
    house.media.hear_turn(leg, "speech")
    await asyncio.sleep(1)
    house.media.hear_turn(leg, "pause")
    await asyncio.sleep(0.1)
    house.media.hear_turn(leg, "pause")
    await asyncio.sleep(0.1)
    assert not house.media.pauses, "nobody asks any more"
    await call.until("over")
    assert [recorded.ended_by for recorded in got] == ["silence", "silence", "limit"]
    assert got[0].seconds == pytest.approx(4.1, abs=0.1) and got[1].seconds == pytest.approx(0.1, abs=0.05)
    await house.settled()


async def test_a_party_that_is_replaced_while_its_pauses_are_heard_ends_only_the_recording(
    house: SimulatedSwitch,
) -> None:
    got: list[Recorded] = []

    async def story(caller: Caller) -> None:
        got.append(await caller.record("voicemail/1001/a.wav", most_seconds=9, silence_seconds=3))
        await caller.play("voicemail/thanks")
        await caller.digit(within=30)

    takes_9198(house, story)
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    recorded = bob.call("9198")
    await recorded.until("up")
    await asyncio.sleep(0.5)
    back.refer("9198", replaces=recorded)
    await recorded.until("over")
    await asyncio.sleep(1)
    assert [one.ended_by for one in got] == ["fault"]
    assert house.media.doing[house.leg_of(out)] == "prompt" and not house.media.pauses
    out.hang_up()
    await house.settled()


async def test_a_caller_that_hangs_up_leaves_a_complete_file(house: SimulatedSwitch) -> None:
    complete: list[bool] = []

    async def story(caller: Caller) -> None:
        try:
            await caller.record("voicemail/1001/a.wav", most_seconds=20)
        finally:
            complete.append("voicemail/1001/a.wav" in house.media.files and not house.media.takes)

    call = await calling(house, story)
    await asyncio.sleep(3)
    call.hang_up()
    await call.until("over")
    await asyncio.sleep(0.1)
    assert complete == [True]
    assert house.media.files["voicemail/1001/a.wav"] == pytest.approx(3100, abs=100)
    await house.settled()


@pytest.mark.parametrize(
    ("patience", "heard", "seconds", "spoken"),
    [
        (None, [(1.0, "pause")], 1.0, False),
        (4.0, [(1.0, "pause")], 4.0, False),
        (4.0, [(1.0, "pause"), (2.5, "speech"), (4.5, "pause")], 4.5, True),
        (4.0, [(0.5, "speech"), (3.5, "pause")], 3.5, True),
    ],
)
async def test_a_pause_ends_a_recording_but_before_the_first_word_there_may_be_patience(
    house: SimulatedSwitch, patience: float | None, heard: list[tuple[float, str]], seconds: float, spoken: bool
) -> None:
    got: list[Recorded] = []

    async def story(caller: Caller) -> None:
        got.append(await caller.record("a.wav", most_seconds=20, silence_seconds=1.0, patience_seconds=patience))

    call = await calling(house, story)
    for after, what in heard:
        house.loop.call_later(after - 0.1, house.switch.detected, house.leg_of(call), what)
    await call.until("over")
    (recorded,) = got
    assert (recorded.ended_by, recorded.spoken) == ("silence", spoken)
    assert recorded.seconds == pytest.approx(seconds, abs=0.15)
    await house.settled()


async def test_a_file_that_cannot_be_written_is_told(house: SimulatedSwitch) -> None:
    story, got = records()
    told = []

    def full(leg: LegId, name: str, *, ended: Callable[[int, int, str], None]) -> int:
        told.append(name)
        house.loop.call_later(1, ended, 0, 0, "no space left on device")
        return 7

    house.media.record_said = full  # type: ignore[method-assign]
    call = await calling(house, story)
    await call.until("over")
    assert told == ["voicemail/1001/a.wav"]
    assert got == [Recorded("voicemail/1001/a.wav", 0.0, "fault"), "finally"]
    await house.settled()


async def test_whoever_takes_the_place_of_the_caller_hears_the_question_anew_and_answers_it(
    house: SimulatedSwitch,
) -> None:
    story, got = asks(Keys(1))
    takes_9198(house, story)
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    asking = bob.call("9198")
    await asking.until("up")
    await asyncio.sleep(0.5)
    back.refer("9198", replaces=asking)
    await asking.until("over")
    await asyncio.sleep(1)
    assert house.media.doing[house.leg_of(out)] == "prompt"
    house.press(out, "1")
    await asyncio.sleep(0.1)
    assert [keyed for keyed, _ in got] == [Keyed("1", "full")]
    out.hang_up()
    await house.settled()
