"""Phones (pjsua2) hear prompts that are replaced meanwhile, and record some."""

import asyncio
from array import array
from pathlib import Path

import httpx
import pytest

from gateways.media.wav import read_wav, write_wav
from softswitch.phone.sound import listen
from softswitch.phone.sound import read_wav as read_recording
from tests.interop import phones
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server
from tests.wire.rtp_party import sine

pytestmark = [phones.needed]

SHIPPED_HZ, OWN_HZ = 261.6, 1200.0
MUSIC = {"shipped": SHIPPED_HZ, "own": OWN_HZ}
HOLD = 2.5


async def test_music_that_is_replaced_while_it_is_heard_is_heard_on_and_the_new_one_from_the_next_hold_on(
    switch: Server, tmp_path: Path
) -> None:
    alice, bob = Phone(switch, "1009", tmp_path), Phone(switch, "1010", tmp_path, answer=200)

    # Each waits for both: a phone cannot begin another exchange before its last one is over.
    async def talking() -> None:
        for phone in (bob, alice):
            await phone.expect("media", within=WITHIN, status="active")

    async def held() -> None:
        await alice.do("hold", call=1)
        await alice.expect("media", within=WITHIN, status="holding")
        await bob.expect("media", within=WITHIN, status="held")

    async def resumed() -> None:
        await alice.do("resume", call=1)
        await talking()

    async with (
        httpx.AsyncClient(
            base_url=f"{switch.url}/api/v1/prompts", headers={"Authorization": "Bearer demo-admin"}, trust_env=False
        ) as admin,
        ready(alice, bob),
    ):
        await alice.do("dial", number="1010")
        await alice.state("confirmed")
        await talking()
        await held()
        await asyncio.sleep(HOLD / 2)
        sound = write_wav(sine(OWN_HZ, 8.0, 16_000, 4000), 16_000)
        put = await admin.put("/none/music/hold", content=sound, headers={"Content-Type": "audio/wav"})
        assert put.status_code == 200 and put.json()["hides_shipped"]
        await asyncio.sleep(HOLD)
        await resumed()
        await held()
        assert (await admin.delete("/none/music/hold")).status_code == 204
        await asyncio.sleep(HOLD)
        await resumed()
        await held()
        await asyncio.sleep(HOLD)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        await alice.leave()
        await bob.leave()

    # By what comes after what and for how long, not by when: a busy machine's phone leaves out some of what it hears.
    (first, shipped), (second, own), (third, shipped_again) = runs(bob)
    assert (first, second, third) == ("shipped", "own", "shipped")
    assert shipped > HOLD / 2 + 1.0, "it was heard on when the new one had come"
    assert min(own, shipped_again) > HOLD - 1.5


def runs(phone: Phone) -> list[tuple[str, float]]:
    """Which music it heard, one after the other, and for how many seconds. Raises AssertionError for any other."""
    samples, rate = read_recording(phone.recording)
    found: list[tuple[str, float]] = []
    half = rate // 2
    for start in range(0, len(samples) - half, half):
        heard = listen(samples[start : start + half], rate)
        if heard.frequency is None or heard.audible_seconds < 0.4:
            continue  # nobody held, or not for all of it
        music = next((name for name, hz in MUSIC.items() if heard.frequency == pytest.approx(hz, abs=3)), "")
        assert music, f"{heard} at {start / rate} s"
        before = found.pop() if found and found[-1][0] == music else (music, 0.0)
        found.append((music, before[1] + 0.5))
    return found


async def test_a_prompt_is_recorded_by_phone_and_heard_over_http(switch: Server, tmp_path: Path) -> None:
    async with (
        httpx.AsyncClient(
            base_url=f"{switch.url}/api/v1/prompts", headers={"Authorization": "Bearer demo-admin"}, trust_env=False
        ) as admin,
        ready(Phone(switch, "1009", tmp_path, tone=700)) as (phone,),
    ):
        said = await seconds_of(admin, "record/say")
        await phone.do("dial", number="*8607")
        await phone.state("confirmed")
        await asyncio.sleep(said + 0.3 + 2.5)
        await phone.do("digit", call=1, digit="#")
        # What was said, and the first words of what may be pressed.
        await asyncio.sleep(3.5)
        await phone.do("digit", call=1, digit="1")
        await phone.state("disconnected")
        await phone.leave()
        shown = (await admin.get("/en/recorded/07")).json()
        assert (shown["origin"], shown["by"]) == ("recorded", "1009")
        sound = await admin.get("/en/recorded/07/sound")
    samples, rate = read_wav(sound.content)
    heard = listen(array("h", samples), rate)
    assert heard.frequency == pytest.approx(700, abs=3)
    assert 1.0 < shown["seconds"] < 3.5
    assert phone.heard(said + 3.4, said + 5).frequency == pytest.approx(700, abs=5), "it hears itself"


async def seconds_of(admin: httpx.AsyncClient, name: str) -> float:
    seconds: float = (await admin.get(f"/en/{name}")).json()["seconds"]
    return seconds
