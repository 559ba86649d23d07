"""Somebody records a prompt by phone: says it, hears it, keeps it or tries again; and who may not."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from softswitch.engine.caller import Caller
from softswitch.features.prompts.call_app import BEEP, record_app
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid
from softswitch.kernel.sound import Prompt, SoundFile
from tests.support.phone_calls import PhoneCall
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch


class Kept:
    """What was kept, and how long the recordings were."""

    def __init__(self, house: SimulatedSwitch, refuses: Exception | None = None) -> None:
        self._house = house
        self._refuses = refuses
        self.takes: list[tuple[str, str, str, int]] = []

    async def __call__(self, language: str, name: str, file: Path, text: str | None, by: str) -> None:
        if self._refuses is not None:
            raise self._refuses
        recorded = self._house.media.files[file.relative_to("/data").as_posix()]
        self.takes.append((language, name, by, recorded))


def takes_9198(house: SimulatedSwitch, kept: Kept, name: str = "main/welcome") -> None:
    app = record_app(kept, Path("/data"))
    house.features.apps["clock"] = lambda caller, _: app(caller, name)


async def saying(house: SimulatedSwitch) -> PhoneCall:
    """A caller that hears the beep."""
    (alice,) = await registered(house, "1001")
    call = alice.call("9198")
    await call.until("up")
    await spoken(house)
    return call


async def spoken(house: SimulatedSwitch) -> None:
    """Until the caller is recorded."""
    async with asyncio.timeout(30):
        while not house.media.takes:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.1)


def heard(house: SimulatedSwitch) -> list[str]:
    names = []
    for _, sounds in house.media.played:
        for sound in sounds:
            if isinstance(sound, Prompt):
                names.append(sound.name)
            elif isinstance(sound, SoundFile):
                names.append("take")
            else:
                assert sound == BEEP
                names.append("beep")
    return names


async def test_what_was_said_is_heard_and_kept(house: SimulatedSwitch) -> None:
    kept = Kept(house)
    takes_9198(house, kept)
    call = await saying(house)
    await asyncio.sleep(4)
    house.press(call, "#")
    await asyncio.sleep(3)
    assert heard(house) == ["en/record/say", "beep", "take", "en/record/keys"]
    assert [type(sound) for sound in house.media.prepared] == [SoundFile], "it is read before it is played"
    house.press(call, "1")
    await call.until("over")
    assert heard(house)[-1] == "en/record/kept"
    ((language, name, by, milliseconds),) = kept.takes
    assert (language, name, by) == ("en", "main/welcome", "1001") and 3900 < milliseconds < 4300
    await house.settled()


async def test_it_is_said_again_and_heard_again_until_it_is_good(house: SimulatedSwitch) -> None:
    kept = Kept(house)
    takes_9198(house, kept, "zh/shop/hours")
    call = await saying(house)
    await asyncio.sleep(1)
    house.press(call, "#")
    await asyncio.sleep(3)
    house.press(call, "27")  # the second key is pressed while it says what to do: it means nothing
    await spoken(house)
    await asyncio.sleep(8)
    house.media.hear_turn(house.leg_of(call), "pause")
    await asyncio.sleep(3)
    house.press(call, "3")
    await asyncio.sleep(3)
    house.press(call, "1")
    await call.until("over")
    assert heard(house) == [
        *("en/record/say", "beep", "take", "en/record/keys"),
        *("en/record/say", "beep", "take", "en/record/keys"),
        *("take", "en/record/keys", "en/record/kept"),
    ]
    ((language, name, _, milliseconds),) = kept.takes
    assert (language, name) == ("zh", "shop/hours") and 7900 < milliseconds < 8400
    await house.settled()


async def test_star_leaves_all_as_it_was_and_so_does_hanging_up(house: SimulatedSwitch) -> None:
    kept = Kept(house)
    takes_9198(house, kept)
    call = await saying(house)
    await asyncio.sleep(2)
    house.press(call, "*")
    await call.until("over")
    assert heard(house)[-1] == "en/record/left"
    for seconds in (1, 5):
        (alice,) = await registered(house, "1001")
        again = alice.call("9198")
        await again.until("up")
        await spoken(house)
        await asyncio.sleep(seconds)
        again.hang_up()
        await again.until("over")
    assert kept.takes == []
    await house.settled()


async def test_silence_is_no_prompt_and_who_does_nothing_is_let_go(house: SimulatedSwitch) -> None:
    kept = Kept(house)
    takes_9198(house, kept)
    call = await saying(house)
    for _ in range(3):
        await asyncio.sleep(6)
        house.media.hear_turn(house.leg_of(call), "pause")
        await asyncio.sleep(1)
        assert heard(house)[-1] == "en/record/nothing"
        await spoken(house)
    await asyncio.sleep(1)
    house.press(call, "#")
    await call.until("over", within=300)
    assert kept.takes == [] and heard(house)[-1] == "en/record/left"
    await house.settled()


async def test_a_prompt_that_cannot_be_kept_is_told(house: SimulatedSwitch) -> None:
    takes_9198(house, Kept(house, Invalid("sound", "nobody speaks in it")))
    call = await saying(house)
    await asyncio.sleep(2)
    house.press(call, "#")
    await asyncio.sleep(3)
    house.press(call, "1")
    await call.until("over")
    assert heard(house)[-1] == "en/record/left"
    await house.settled()


@pytest.mark.parametrize("name", ["", "Main", "en/", "../x", "none/en/x"])
async def test_a_name_that_cannot_be_is_refused(house: SimulatedSwitch, name: str) -> None:
    takes_9198(house, Kept(house), name)
    (alice,) = await registered(house, "1001")
    call = alice.call("9198")
    await call.until("over")
    assert house.media.played == []
    await house.settled()


async def test_nobody_records_a_prompt_who_did_not_dial_the_code(house: SimulatedSwitch) -> None:
    kept = Kept(house)
    app = record_app(kept, Path("/data"))

    async def as_forwarded_by_another(caller: Caller, name: str) -> Destination | None:
        caller.routed_as = replace(caller.origin, name="1009")
        return await app(caller, "main/welcome")

    house.features.apps["clock"] = as_forwarded_by_another
    (alice,) = await registered(house, "1001")
    call = alice.call("9198")
    await call.until("over")
    assert house.media.played == [] and kept.takes == []
    await house.settled()
