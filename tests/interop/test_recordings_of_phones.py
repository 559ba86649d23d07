"""Two phones (pjsua2) say tones and are recorded: who is heard where, what is masked, what a kill leaves."""

import asyncio
import cmath
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from softswitch.phone.sound import read_wav
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.server import Server, running

pytestmark = [phones.needed]

TALK = 2.0
"""Seconds of talk: enough for a frequency."""
LEFT, RIGHT = 500, 800
BEEP = 1400
"""What says that a call is recorded."""


def download(server: Server, recording: str, folder: Path) -> Path:
    answer = httpx.get(
        f"{server.url}/api/v1/recordings/{recording}/sound",
        headers={"Authorization": "Bearer demo-admin"},
        trust_env=False,
    )
    answer.raise_for_status()
    path = folder / f"{recording}.wav"
    path.write_bytes(answer.content)
    return path


def finished(admin: Admin, recording: str) -> dict[str, Any]:
    """A recording, once its file is complete."""
    found: dict[str, Any] = admin.eventually(
        lambda: admin.get(f"/recordings/{recording}"), lambda each: each["state"] not in ("recording", "paused")
    )
    return found


def levels(samples: Sequence[int], rate: int = 8000, tones: Sequence[int] = (LEFT, RIGHT)) -> list[float]:
    """How loud some tones are in some sound: those of both phones."""
    found = []
    for frequency in tones:
        turn = 2j * cmath.pi * frequency / rate
        found.append(abs(sum(sample * cmath.exp(turn * n) for n, sample in enumerate(samples))) / len(samples))
    return found


def channel(path: Path, number: int, start: float, end: float | None = None) -> Sequence[int]:
    """What a channel of a file has from `start` to `end`, in seconds."""
    with wave.open(str(path), "rb") as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = array("h", file.readframes(file.getnframes()))[number::channels]
    assert rate == 8000
    return samples[round(start * rate) : None if end is None else round(end * rate)]


def assert_only(samples: Sequence[int], present: int) -> None:
    """Of the two tones one is there, and the other is not."""
    loud, soft = sorted(levels(samples), reverse=True)
    assert levels(samples).index(loud) == (LEFT, RIGHT).index(present)
    assert loud > 500 and soft < loud / 30, (loud, soft)


def live_call(admin: Admin, number: str) -> str:
    """The call to a number, once it is up."""
    found = admin.eventually(
        lambda: [call for call in admin.all("/calls") if call["to"] == number and call["state"] == "talking"], bool
    )
    name: str = found[0]["call_id"]
    return name


async def test_left_is_the_party_right_the_other_and_a_masked_number_is_in_neither(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1011", tmp_path, tone=LEFT)
    bob = Phone(switch, "1012", tmp_path, tone=RIGHT, answer=200)
    async with ready(alice, bob):
        await alice.do("dial", number="1012")
        await alice.state("confirmed")
        await bob.state("confirmed")
        call = live_call(admin, "1012")
        stereo = admin.post(f"/calls/{call}/recordings")
        called = next(leg["leg"] for leg in admin.get(f"/calls/{call}")["legs"] if leg["role"] == "called")
        mixed = admin.post(f"/calls/{call}/recordings", leg=called, layout="mixed")
        await asyncio.sleep(TALK)
        admin.post(f"/recordings/{mixed['id']}/pause", mask="silence")
        await asyncio.sleep(TALK)
        admin.post(f"/recordings/{mixed['id']}/resume")
        await asyncio.sleep(TALK)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        for phone in (alice, bob):
            await phone.leave()

    one, other = finished(admin, stereo["id"]), finished(admin, mixed["id"])
    assert (one["account"], other["account"], one["lost_ms"], other["lost_ms"]) == ("1011", "1012", 0, 0)
    assert one["milliseconds"] >= 3 * TALK * 1000 - 500
    sound = download(switch, stereo["id"], tmp_path)
    assert_only(channel(sound, 0, 0.5, 3 * TALK - 0.5), LEFT)
    assert_only(channel(sound, 1, 0.5, 3 * TALK - 0.5), RIGHT)
    sound = download(switch, mixed["id"], tmp_path)
    for start in (0.3, 2 * TALK + 0.5):
        assert min(levels(channel(sound, 0, start, start + 1.0))) > 500
    assert set(channel(sound, 0, TALK + 0.4, 2 * TALK - 0.2)) == {0}
    legs = {leg["leg"]: leg["recordings"] for leg in admin.cdr("1012", "1011")["legs"]}
    assert legs == {stereo["leg"]: [stereo["id"]], mixed["leg"]: [mixed["id"]]}


async def test_a_policy_records_by_itself_and_the_code_records_on_demand(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    admin.put("/recording-policies/1013", mode="all", consent_tone=True)
    admin.put("/recording-policies/1018", mode="on-demand", layout="said")
    alice = Phone(switch, "1018", tmp_path, tone=LEFT)
    bob = Phone(switch, "1013", tmp_path, tone=RIGHT, answer=200)
    try:
        async with ready(alice, bob):
            await alice.do("dial", number="1013")
            await alice.state("confirmed")
            await bob.state("confirmed")
            await asyncio.sleep(TALK)
            for key in "*1":
                await alice.do("digit", call=1, digit=key)
                await asyncio.sleep(0.5)
            await asyncio.sleep(TALK)
            await alice.do("hangup", call=1)
            await bob.state("disconnected")
            for phone in (alice, bob):
                await phone.leave()
    finally:
        for account in ("1013", "1018"):
            admin.delete(f"/recording-policies/{account}")

    for phone in (alice, bob):
        samples, rate = read_wav(phone.recording)
        (beep,), (none,) = (levels(samples[at : at + rate], rate, [BEEP]) for at in (0, 3 * rate))
        assert beep > 50 and none < beep / 5, "that it is recorded"
    recorded = admin.all("/recordings", number="1018")
    assert sorted((each["account"], each["by"]) for each in recorded) == [("1013", "policy"), ("1018", "code")]
    whole = finished(admin, next(each["id"] for each in recorded if each["account"] == "1013"))
    part = finished(admin, next(each["id"] for each in recorded if each["account"] == "1018"))
    assert whole["milliseconds"] > part["milliseconds"] >= TALK * 1000 - 800
    sound = download(switch, part["id"], tmp_path)
    assert_only(channel(sound, 0, 0.5), LEFT)


async def test_a_rule_records_what_an_agent_of_a_queue_and_a_caller_say(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    admin.put("/recording-rules/sales", queues=["sales"], agents=["alice"])
    caller = Phone(switch, "1017", tmp_path, tone=LEFT)
    agent = Phone(switch, "1011", tmp_path, tone=RIGHT, answer=200)
    async with ready(caller, agent):
        admin.post("/agents/alice/sign-on", seat="1011")
        await caller.do("dial", number="6001")
        await agent.state("confirmed")
        await asyncio.sleep(TALK)
        await caller.do("hangup", call=1)
        await agent.state("disconnected")
        admin.post("/agents/alice/sign-off")
        for phone in (caller, agent):
            await phone.leave()
    admin.delete("/recording-rules/sales")

    (found,) = admin.all("/recordings", queue="sales", agent="alice")
    assert (found["by"], found["rule"], found["stay"] > 0) == ("rule", "sales", True)
    assert found["milliseconds"] < finished(admin, found["id"])["milliseconds"] + 1
    sound = download(switch, found["id"], tmp_path)
    assert_only(channel(sound, 0, 0.5, TALK - 0.5), LEFT)
    assert_only(channel(sound, 1, 0.5, TALK - 0.5), RIGHT)
    cdr = admin.cdr("6001", "1017")
    assert [leg["recordings"] for leg in cdr["legs"] if leg["role"] == "caller"] == [[found["id"]]]
    (decision,) = [
        each for each in admin.get(f"/calls/{cdr['call_id']}/trace")["decisions"] if each["by"] == "recording"
    ]
    assert decision["destination"] == "recorded" and decision["steps"][0]["reason"] == "all such talks are recorded"


async def test_a_kill_in_the_middle_leaves_a_row_and_a_file_that_can_be_played(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        admin = Admin(server)
        alice = Phone(server, "1001", tmp_path / "phones", tone=LEFT)
        bob = Phone(server, "1002", tmp_path / "phones", tone=RIGHT, answer=200)
        async with ready(alice, bob):
            await alice.do("dial", number="1002")
            await alice.state("confirmed")
            call = live_call(admin, "1002")
            recording = admin.post(f"/calls/{call}/recordings")["id"]
            await asyncio.sleep(2 * TALK)
            server.process.kill()
            server.process.wait()
        admin.close()

    with running(tmp_path) as server:
        admin = Admin(server)
        found = admin.get(f"/recordings/{recording}")
        sound = download(server, recording, tmp_path)
        legs = admin.cdr("1002")["legs"]
        admin.close()
    assert (found["state"], found["note"]) == ("finished", "the switch was stopped in the middle of it")
    assert found["milliseconds"] >= 2 * TALK * 1000 - 1000, "less than a second is missing"
    assert_only(channel(sound, 0, 0.5), LEFT)
    assert_only(channel(sound, 1, 0.5), RIGHT)
    assert [leg["recordings"] for leg in legs if leg["role"] == "caller"] == [[recording]]
